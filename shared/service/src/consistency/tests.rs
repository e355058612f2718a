use std::time::Duration;

use actix_web::test::TestRequest;
use contracts::consistency::Copy;

use super::*;

fn sessions() -> Sessions {
    Sessions::new(Some(Key::new(b"0123456789abcdef")), 7)
}

fn request(headers: &[(&'static str, &str)]) -> HttpRequest {
    let request = TestRequest::default().app_data(Data::new(sessions()));
    headers.iter().fold(request, |request, header| request.append_header(*header)).to_http_request()
}

/// What is asked, or which headers are wrong.
fn asked(headers: &[(&'static str, &str)]) -> Result<Asked, Vec<String>> {
    let asked = Asked::from_request(&request(headers), &mut Payload::None).into_inner();
    asked.map_err(|error| error.problem().errors.into_iter().filter_map(|fault| fault.parameter).collect())
}

const TOKEN: Token = Token { written: 5, read: 9 };

#[test]
fn a_read_says_how_new_its_answer_has_to_be() {
    let token = sessions().encode(TOKEN);
    let demand = |headers: &[_], usual| asked(headers).unwrap().demand(usual);
    assert_eq!(demand(&[], Level::Strong), Demand::new(Level::Strong, None));
    assert_eq!(demand(&[(LEVEL, "eventual")], Level::Strong), Demand::new(Level::Eventual, None));
    let named = [(LEVEL, "monotonic"), (SESSION, &*token)];
    assert_eq!(demand(&named, Level::Eventual), Demand::new(Level::Monotonic, Some(TOKEN)));
    assert_eq!(demand(&named[1..], Level::Eventual), Demand::new(Level::Session, Some(TOKEN)));
    assert_eq!(demand(&named[1..], Level::Strong), Demand::new(Level::Strong, Some(TOKEN)));
}

#[test]
fn every_header_that_is_wrong_is_named() {
    let token = sessions().encode(TOKEN);
    let of_another_key = Sessions::new(Some(Key::new(b"another key than that")), 7).encode(TOKEN);
    let of_another_database = Sessions { cluster: 8, ..sessions() }.encode(TOKEN);
    for wrong in ["linearizable", "", "Strong", "strong, session", "str\u{f6}ng"] {
        assert_eq!(asked(&[(LEVEL, wrong)]).unwrap_err(), [LEVEL], "{wrong}");
    }
    for wrong in [&*of_another_key, &of_another_database, &token[..20], "", "x y", &"A".repeat(55)] {
        assert_eq!(asked(&[(SESSION, wrong)]).unwrap_err(), [SESSION], "{wrong}");
        let written = Session::from_request(&request(&[(SESSION, wrong)]), &mut Payload::None).into_inner();
        assert_eq!(written.unwrap_err().problem().errors[0].parameter.as_deref(), Some(SESSION));
    }
    assert_eq!(asked(&[(SESSION, &token), (SESSION, &token)]).unwrap_err(), [SESSION]);
    assert_eq!(asked(&[(LEVEL, "strong"), (LEVEL, "strong")]).unwrap_err(), [LEVEL]);
    assert_eq!(asked(&[(LEVEL, "x"), (SESSION, "x")]).unwrap_err(), [LEVEL, SESSION]);
}

#[test]
fn an_answer_says_where_it_comes_from_how_old_it_is_and_what_its_session_knows_now() {
    let served = Served { by: Copy::Replica, sees: 40, shows: 30, age: Duration::from_millis(2_750) };
    let asked = asked(&[(LEVEL, "monotonic"), (SESSION, &sessions().encode(TOKEN))]).unwrap();
    let demand = asked.demand(Level::Strong);
    let found = asked.one(&demand, Answer { value: Some("it"), served }, |_| 3, || unreachable!("it is there"));
    let missing = asked.one(&demand, Answer { value: None::<&str>, served }, |_| 3, || ApiError::not_found("none"));
    let several = asked.all(&demand, Answer { value: ["it"], served });
    for (response, status, version) in [(found, 200, "3"), (missing, 404, "30"), (several, 200, "30")] {
        let header = |name: &str| response.headers().get(name).unwrap().to_str().unwrap();
        assert_eq!((response.status().as_u16(), header(VERSION)), (status, version));
        assert_eq!((header(SERVED_BY), header("Age"), header(AGE_MS)), ("replica", "2", "2750"));
        let token = Token::decode(header(SESSION), &sessions().key, 7);
        assert_eq!(token, Ok(Token { written: 5, read: 30 }));
    }
}

#[test]
fn a_write_adds_to_what_its_session_has_written() {
    let session = |headers: &[_]| Session::from_request(&request(headers), &mut Payload::None).into_inner().unwrap();
    let after = |session: Session, position| {
        let mut response = HttpResponse::Ok();
        session.wrote(&mut response, position);
        let response = response.finish();
        Token::decode(response.headers().get(SESSION).unwrap().to_str().unwrap(), &sessions().key, 7).unwrap()
    };
    assert_eq!(after(session(&[]), 12), Token { written: 12, read: 0 });
    let token = sessions().encode(TOKEN);
    assert_eq!(after(session(&[(SESSION, &token)]), 12), Token { written: 12, read: 9 });
    assert_eq!(after(session(&[(SESSION, &token)]), 3), TOKEN, "nothing goes back");
}

#[test]
fn a_short_key_is_refused_and_never_shown() {
    let mut env = Reader::from_map([("PLUMBLINE_SESSION_KEY".to_owned(), "hush".to_owned())].into());
    assert!(key(&mut env).is_none());
    let faults = env.finish(Some(())).unwrap_err().to_string();
    assert!(faults.contains("PLUMBLINE_SESSION_KEY") && !faults.contains("hush"), "{faults}");
}

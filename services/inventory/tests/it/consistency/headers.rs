//! Headers that are wrong.

use contracts::consistency::{Key, LEVEL, SESSION, Token};
use reqwest::Method;
use serde_json::{Value, json};

use super::stage::KEY;
use crate::world::{TOKEN, World, answer};

/// The parameters that the problem names.
fn named(problem: &Value) -> Vec<&str> {
    problem["errors"].as_array().unwrap().iter().map(|fault| fault["parameter"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_header_that_is_wrong_is_refused_and_named_wherever_it_stands() {
    let world = World::start_with(&[KEY]).await;
    world.stock_up(&[("A", 10)]).await;
    let token = world.request(Method::GET, "/stock/A").send().await.unwrap().headers()[SESSION].clone();
    let token = token.to_str().unwrap();
    let foreign = Token { written: 1, read: 1 }.encode(&Key::new(KEY.1.as_bytes()), 1);
    let mut forged = token.to_owned();
    forged.replace_range(20..21, if &token[20..21] == "A" { "B" } else { "A" });
    let later = format!("Ag{}", &token[2..]);
    let wrong = [
        (LEVEL, "linearizable", "strong, session, monotonic and eventual"),
        (SESSION, "not a token", "base64url"),
        (SESSION, &token[..30], "cut off"),
        (SESSION, &forged, "changed"),
        (SESSION, &foreign, "another database"),
        (SESSION, &later, "version 2"),
    ];
    for path in ["/stock", "/stock/A", "/products", "/products/A"] {
        for (header, value, detail) in wrong {
            let (status, problem) = answer(world.request(Method::GET, path).header(header, value)).await;
            assert_eq!((status.as_u16(), named(&problem)), (400, vec![header]), "{path} {value}: {problem}");
            assert!(problem["errors"][0]["detail"].as_str().unwrap().contains(detail), "{path} {value}: {problem}");
        }
        let twice = world.request(Method::GET, path).header(LEVEL, "strong").header(LEVEL, "strong");
        let (status, problem) = answer(twice.header(SESSION, token).header(SESSION, token)).await;
        assert_eq!((status.as_u16(), named(&problem)), (400, vec![LEVEL, SESSION]), "{path}: {problem}");
    }
    let written = json!({"delta": 1, "reason": "count"});
    for (header, value, _) in wrong.into_iter().filter(|(header, ..)| *header == SESSION) {
        let request = world.request(Method::POST, "/stock/A/adjustments").bearer_auth(TOKEN).json(&written);
        let (status, problem) = answer(request.header(header, value)).await;
        assert_eq!((status.as_u16(), named(&problem)), (400, vec![SESSION]), "{value}: {problem}");
    }
    assert_eq!(world.level("A").await, (10, 0), "what was refused has changed nothing");
    world.end().await;
}

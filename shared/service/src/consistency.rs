//! `Plumbline-Consistency` and `Plumbline-Session`: how new an answer has to be, and what the caller's session has written and
//! seen; and what an answer says of itself.

mod description;
#[cfg(test)]
mod tests;

use std::fmt::Display;

use actix_web::{
    FromRequest, HttpRequest, HttpResponse, HttpResponseBuilder, ResponseError as _,
    dev::Payload,
    http::header::{AGE, HeaderName, HeaderValue},
    web::Data,
};
use contracts::{
    consistency::{
        AGE_MS, Answer, Demand, InvalidToken, Key, LEVEL, Level, SERVED_BY, SESSION, Served, Token, VERSION,
    },
    problem::Fault,
};
use futures::future::{Ready, ready};
use serde::Serialize;

pub use self::description::{Headers, Reading, Writing};
use crate::{config::Reader, problem::ApiError};

/// What this service knows the tokens of its sessions by: application data of an application that has sessions.
#[derive(Debug, Clone)]
pub struct Sessions {
    key: Key,
    cluster: u64,
}

/// What the caller's session has written and seen, where the request says so: of a request that writes.
///
/// Answers 400 where the header stands twice, or holds no token of this shop.
#[derive(Debug, Clone)]
pub struct Session {
    token: Option<Token>,
    sessions: Sessions,
}

/// What a request that reads asks for: a level, and what its session has written and seen, as far as it says so.
///
/// Answers 400 with every fault of both headers.
#[derive(Debug, Clone)]
pub struct Asked {
    level: Option<Level>,
    session: Session,
}

/// The key that tokens are sealed with, if one is configured. Without it a service has to make one, see [`Sessions::new`].
pub fn key(env: &mut Reader) -> Option<Key> {
    let name = "PLUMBLINE_SESSION_KEY";
    let help = "what tokens of sessions are sealed with, the same for all services: 16 characters or more; without it \
                an instance makes its own, and its tokens hold at that instance alone, until it ends";
    let text = env.secret(name, help)?;
    if text.expose().len() < Key::LEAST_BYTES {
        env.fault(format!("{name}: must have at least {} characters", Key::LEAST_BYTES));
        return None;
    }
    Some(Key::new(text.expose().as_bytes()))
}

impl Sessions {
    /// Sessions over the database cluster of this identifier. Without a key one is made, which no other instance has.
    pub fn new(key: Option<Key>, cluster: u64) -> Self {
        let key = key.unwrap_or_else(|| {
            tracing::warn!("PLUMBLINE_SESSION_KEY is not set: tokens of sessions hold at this instance alone");
            Key::new(&rand::random::<[u8; 32]>())
        });
        Self { key, cluster }
    }

    fn of(request: &HttpRequest) -> Result<Self, ApiError> {
        let sessions = request.app_data::<Data<Self>>().map(|sessions| sessions.as_ref().clone());
        sessions.ok_or_else(|| ApiError::internal("this application has no sessions"))
    }

    fn encode(&self, token: Token) -> String {
        token.encode(&self.key, self.cluster)
    }

    fn read(&self, request: &HttpRequest) -> Result<Option<Token>, Fault> {
        let decode = |text: &str| Token::decode(text, &self.key, self.cluster);
        once(request, SESSION, |text| decode(text.ok_or(InvalidToken::Malformed)?))
    }
}

impl FromRequest for Session {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Sessions::of(request).and_then(|sessions| match sessions.read(request) {
            Ok(token) => Ok(Self { token, sessions }),
            Err(fault) => Err(ApiError::invalid(vec![fault])),
        }))
    }
}

impl Session {
    /// Adds the session's token to the answer to a write at this position.
    pub fn wrote(&self, response: &mut HttpResponseBuilder, position: u64) {
        self.tell(response, Token { written: position, read: 0 });
    }

    /// The same of an answer that shows something, too.
    pub fn tell(&self, response: &mut HttpResponseBuilder, token: Token) {
        let token = self.token.unwrap_or_default().merge(token);
        response.insert_header((SESSION, self.sessions.encode(token)));
    }
}

impl FromRequest for Asked {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Sessions::of(request).and_then(|sessions| {
            let level = once(request, LEVEL, |text| text.unwrap_or_default().parse::<Level>());
            match (level, sessions.read(request)) {
                (Ok(level), Ok(token)) => Ok(Self { level, session: Session { token, sessions } }),
                (level, token) => Err(ApiError::invalid(level.err().into_iter().chain(token.err()).collect())),
            }
        }))
    }
}

impl Asked {
    /// What the read asks of copies; `usual` is its level where it names none. A session that is named is served as one, at
    /// least.
    pub fn demand(&self, usual: Level) -> Demand {
        let token = self.session.token;
        let usual = if usual == Level::Eventual && token.is_some() { Level::Session } else { usual };
        Demand::new(self.level.unwrap_or(usual), token)
    }

    /// The answer to a read of something that may not be there, with what it says of itself. `version` is the thing's own.
    pub fn one<T: Serialize>(
        &self,
        demand: &Demand,
        Answer { value, served }: Answer<Option<T>>,
        version: impl FnOnce(&T) -> u64,
        missing: impl FnOnce() -> ApiError,
    ) -> HttpResponse {
        let (version, response) = match value {
            Some(value) => (version(&value), HttpResponse::Ok().json(value)),
            // That there is none is an answer like any other, and as old.
            None => (served.shows, missing().error_response()),
        };
        self.told(response, demand, &served, version)
    }

    /// The answer to a read of several things, with what it says of itself.
    pub fn all<T: Serialize>(&self, demand: &Demand, Answer { value, served }: Answer<T>) -> HttpResponse {
        self.told(HttpResponse::Ok().json(value), demand, &served, served.shows)
    }

    fn told(&self, mut response: HttpResponse, demand: &Demand, served: &Served, version: u64) -> HttpResponse {
        let session = demand.answered(served.shows).map(|token| (SESSION, self.session.sessions.encode(token)));
        let of_itself = [
            (SERVED_BY, served.by.to_string()),
            (AGE.as_str(), served.age.as_secs().to_string()),
            (AGE_MS, served.age.as_millis().to_string()),
            (VERSION, version.to_string()),
        ];
        for (name, value) in of_itself.into_iter().chain(session) {
            let name = HeaderName::from_bytes(name.as_bytes()).expect("the names of our headers are header names");
            let value = HeaderValue::from_str(&value).expect("numbers, words and base64url are header values");
            response.headers_mut().insert(name, value);
        }
        response
    }
}

/// What the only header of this name holds, read by `read`, which is given `None` for what is no text.
fn once<T, E: Display>(
    request: &HttpRequest,
    name: &'static str,
    read: impl FnOnce(Option<&str>) -> Result<T, E>,
) -> Result<Option<T>, Fault> {
    let mut given = request.headers().get_all(name);
    match (given.next(), given.next()) {
        (None, _) => Ok(None),
        (Some(_), Some(_)) => Err(Fault::parameter(name, "may stand once only")),
        (Some(value), None) => read(value.to_str().ok()).map(Some).map_err(|fault| Fault::parameter(name, fault)),
    }
}

//! Whether the service is ready, part by part.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use actix_web::{HttpResponse, web::Data};
use serde::Serialize;

/// The parts a service needs, and how each is. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Health(Arc<Mutex<BTreeMap<&'static str, State>>>);

/// How a part is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    Ready,
    NotReady(String),
    /// The service works without it.
    Missed(String),
}

/// One part of a service.
#[derive(Debug, Clone)]
pub struct Part {
    health: Health,
    name: &'static str,
}

/// `GET /readyz`.
#[derive(Debug, Serialize)]
struct Readiness {
    ready: bool,
    /// Each part: `ready`, or why not. The service may be ready without it.
    parts: BTreeMap<&'static str, String>,
}

impl Health {
    /// Adds a part, not ready yet.
    pub fn part(&self, name: &'static str) -> Part {
        let part = Part { health: self.clone(), name };
        part.not_ready("starting");
        part
    }

    /// Whether every part that it takes is ready.
    pub fn is_ready(&self) -> bool {
        self.states(|states| states.values().all(|state| !matches!(state, State::NotReady(_))))
    }

    fn states<R>(&self, with: impl FnOnce(&mut BTreeMap<&'static str, State>) -> R) -> R {
        with(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn readiness(&self) -> Readiness {
        let parts = self.states(|states| {
            let told = |state: &State| match state {
                State::Ready => "ready".to_owned(),
                State::NotReady(reason) | State::Missed(reason) => reason.clone(),
            };
            states.iter().map(|(name, state)| (*name, told(state))).collect()
        });
        Readiness { ready: self.is_ready(), parts }
    }
}

impl Part {
    /// It works.
    pub fn ready(&self) {
        self.set(State::Ready);
    }

    /// It does not work, and why.
    pub fn not_ready(&self, reason: impl Into<String>) {
        self.set(State::NotReady(reason.into()));
    }

    /// It does not work, and why; the service works without it, and is as ready as it would be.
    pub fn missed(&self, reason: impl Into<String>) {
        self.set(State::Missed(reason.into()));
    }

    fn set(&self, state: State) {
        self.health.states(|states| states.insert(self.name, state));
    }
}

pub(crate) async fn livez() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain").body("alive")
}

pub(crate) async fn readyz(health: Data<Health>) -> HttpResponse {
    let readiness = health.readiness();
    let mut response = if readiness.ready { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    response.json(readiness)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_that_is_only_missed_makes_nothing_less_ready() {
        let health = Health::default();
        let (needed, helpful) = (health.part("needed"), health.part("helpful"));
        helpful.missed("gone");
        assert!(!health.is_ready());
        needed.ready();
        let readiness = health.readiness();
        assert!(readiness.ready);
        assert_eq!(readiness.parts["helpful"], "gone");
    }
}

//! Against real coordinators.

#![expect(clippy::unwrap_used, reason = "a test ends where it fails, in its helpers too")]

mod barrier;
mod cluster;
mod discovery;
mod duties;
mod election;
mod feed;
mod lease;
mod members;
mod numbers;
mod presence;
mod proxy;
mod settings;
mod slots;
mod stage;

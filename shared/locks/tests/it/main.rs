//! Against real Redis servers and real coordinators.

#![expect(clippy::unwrap_used, reason = "a test ends where it fails, in its helpers too")]

mod benching;
mod cluster;
mod fencing;
mod inspecting;
mod interleavings;
mod line;
mod locking;
mod model;
mod outages;
mod redlock;
mod resource;
mod stage;
mod switching;

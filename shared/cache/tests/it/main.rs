//! Against real memcached servers and real coordinators.

#![expect(clippy::unwrap_used, reason = "a test ends where it fails, in its helpers too")]

mod child;
mod filling;
mod interleavings;
mod model;
mod near;
mod outages;
mod reading;
mod several;
mod shelf;
mod stage;
mod stale;
mod stampede;
mod switching;
mod telling;

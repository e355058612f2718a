//! The audit of small databases, as the services' own migrations make them: all is right, or one thing is wrong.

#![expect(clippy::unwrap_used, reason = "a test ends where it fails, in its helpers too")]

mod world;

mod acknowledged;
mod direct;
mod failures;
mod messages;
mod orders;
mod oversold;
mod patience;
mod right;
mod stock;

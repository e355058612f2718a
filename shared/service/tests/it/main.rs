//! A real server on a free port, spoken to over plain TCP, so that requests can be as wrong as they like.

#![expect(clippy::unwrap_used, reason = "a test ends where it fails, in its helpers too")]

mod client;
mod drain;
mod endpoints;
mod observed;
mod program;
mod refusals;
mod shop;

//! The driver against a real HTTP server that can be told to stall, fail and cut connections.

#![expect(clippy::unwrap_used, reason = "a test ends where it fails, in its helpers too")]

mod consistency;
mod failures;
mod flash_sale;
mod measuring;
mod reading;
mod replaying;
mod retail_file;
mod seeding;
mod server;
mod stalling;

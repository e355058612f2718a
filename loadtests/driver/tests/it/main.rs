//! The driver against a real HTTP server that can be told to stall, fail and cut connections.

mod failures;
mod measuring;
mod replaying;
mod retail_file;
mod seeding;
mod server;

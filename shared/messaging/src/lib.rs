#![doc = include_str!("../README.md")]

pub mod admin;
pub mod consumer;
pub mod crash;
pub mod database;
pub mod dead_letters;
pub mod inbox;
mod metric_definitions;
pub mod outbox;
pub mod relay;
pub mod tail;
mod topics;

mod message;
pub mod trace;

pub use message::{Broken, Message};
pub use topics::Topics;

/// How many buckets the outbox has: the most instances that can share the relaying of one service.
pub const BUCKETS: u16 = 8;

/// The tables of outbox and inbox. A service runs it before its own migrations; running it again changes nothing.
pub const SCHEMA: &str = include_str!("schema.sql");

//! Outbox, relay, consumer and tail over real PostgreSQL and Kafka.

#![expect(clippy::unwrap_used, reason = "a test ends where it fails, in its helpers too")]

mod consumer;
mod copies;
mod inbox;
mod relay;
mod stage;
mod tail;

//! The order service as a whole: the real application, on real PostgreSQL and Kafka.

#![expect(clippy::unwrap_used, reason = "a test ends where it fails, in its helpers too")]

mod shop;

mod bad_input;
mod cached;
mod cancelling;
mod consistency;
mod crashes;
mod dead_letters;
mod decisions;
mod describing;
mod failing;
mod idempotency;
mod listing;
mod placing;
mod storing;
mod timeline;
mod together;

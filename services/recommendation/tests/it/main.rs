//! The service as it is, with a real broker, over HTTP and Kafka.

#![expect(clippy::unwrap_used, reason = "a test ends where it fails, in its helpers too")]

mod building;
mod learning;
mod producer;
mod refusals;
mod world;

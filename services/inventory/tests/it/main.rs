//! The service as it is, with a real database and a real broker, over HTTP and Kafka.

#![expect(clippy::unwrap_used, reason = "a test ends where it fails, in its helpers too")]

mod adjustments;
mod broken;
mod consistency;
mod crashes;
mod direct;
mod expiry;
mod instances;
mod locks;
mod orders;
mod products;
mod refusals;
mod together;
mod world;

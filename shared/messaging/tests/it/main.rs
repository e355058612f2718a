//! Outbox, relay, consumer and tail over real PostgreSQL and Kafka.

mod consumer;
mod inbox;
mod relay;
mod stage;
mod tail;

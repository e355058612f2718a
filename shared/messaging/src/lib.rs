//! Transactional outbox to Kafka to inbox.

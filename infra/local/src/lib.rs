//! Starts real PostgreSQL, Redis, memcached and Kafka as private child processes.

pub mod process;

//! Starts real PostgreSQL, Redis, memcached and Kafka as private child processes.

mod account;
mod folder;
mod home;
pub mod install;
pub mod ports;
pub mod process;
mod secrets;
pub mod servers;
mod units;

pub use home::data_dir;

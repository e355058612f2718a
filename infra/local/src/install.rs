//! What has to be installed: where it is, what is missing, and Kafka itself.

mod cache;
mod error;
pub(crate) mod java;
mod kafka;
pub(crate) mod programs;
mod template;

pub use self::{
    cache::cache_dir,
    error::InstallError,
    kafka::{KAFKA_VERSION, Kafka, kafka},
    programs::{Missing, missing},
};
pub(crate) use self::{
    kafka::install as install_kafka,
    programs::Programs,
    template::{SUPERUSER, Template},
};

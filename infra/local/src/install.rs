//! What has to be installed: where it is, what is missing, Kafka itself, and Jaeger.

mod cache;
mod error;
mod jaeger;
pub(crate) mod java;
mod kafka;
pub(crate) mod programs;
mod template;

pub use self::{
    cache::cache_dir,
    error::InstallError,
    jaeger::{JAEGER_VARIABLE, JAEGER_VERSION, Jaeger, JaegerError, NO_INSTALL_VARIABLE, jaeger},
    kafka::{KAFKA_VERSION, Kafka, kafka},
    programs::{Missing, missing},
};
pub(crate) use self::{
    kafka::install as install_kafka,
    programs::Programs,
    template::{SUPERUSER, Template},
};

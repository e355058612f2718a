#![doc = include_str!("../README.md")]

mod backoff;
pub mod barrier;
mod cluster;
pub mod counter;
pub mod discovery;
pub mod election;
pub mod epoch;
pub mod feed;
pub mod lease;
pub mod members;
mod metric_definitions;
mod name;
pub mod presence;
pub mod settings;

pub use self::{
    cluster::{CallError, Cluster, Config, ConfigError, Fault},
    name::{Name, NameError},
};

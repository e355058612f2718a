#![doc = include_str!("../README.md")]

pub mod catalogue;
pub mod committer;
pub mod domain;
pub mod events;
mod metric_definitions;
pub mod operations;
pub mod store;
pub mod waiting;

/// The CloudEvents `source` of what this service publishes.
pub const SOURCE: &str = "/plumbline/order";

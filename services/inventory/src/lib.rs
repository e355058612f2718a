#![doc = include_str!("../README.md")]

pub mod app;
pub mod config;
pub mod domain;
pub mod events;
mod metric_definitions;
pub mod operations;
pub mod routes;
pub mod store;
pub mod sweep;

/// The CloudEvents `source` of what this service publishes.
pub const SOURCE: &str = "/plumbline/inventory";

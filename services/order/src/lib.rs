#![doc = include_str!("../README.md")]

pub mod app;
pub mod catalogue;
pub mod committer;
pub mod config;
pub mod domain;
pub mod events;
mod metric_definitions;
pub mod operations;
pub mod routes;
pub mod settings;
pub mod store;
pub mod waiting;

use coordination::Name;

/// The name under which its instances are found, and with which its settings and elections begin.
pub const SERVICE: Name = Name::literal("order");

/// The CloudEvents `source` of what this service publishes.
pub const SOURCE: &str = "/plumbline/order";

#![doc = include_str!("../README.md")]

pub mod app;
pub mod config;
pub mod domain;
pub mod events;
pub mod gathering;
pub mod locking;
mod metric_definitions;
pub mod operations;
pub mod routes;
pub mod settings;
pub mod store;
pub mod sweep;
pub mod taking;

use coordination::Name;

/// The name under which its instances are found, and with which its settings and elections begin.
pub const SERVICE: Name = Name::literal("inventory");

/// The CloudEvents `source` of what this service publishes.
pub const SOURCE: &str = "/plumbline/inventory";

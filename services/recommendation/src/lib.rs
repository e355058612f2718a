#![doc = include_str!("../README.md")]

pub mod app;
pub mod builder;
pub mod config;
pub mod domain;
pub mod events;
pub mod follow;
pub mod memory;
mod metric_definitions;
pub mod operations;
pub mod routes;

use coordination::Name;

/// The name under which its instances are found, and with which its settings and elections begin.
pub const SERVICE: Name = Name::literal("recommendation");

#![doc = include_str!("../README.md")]

pub mod app;
pub mod config;
pub mod domain;
pub mod events;
pub mod memory;
mod metric_definitions;
pub mod operations;
pub mod routes;

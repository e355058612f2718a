#![doc = include_str!("../README.md")]

pub mod app;
pub mod config;
mod http;
mod jaeger;
pub mod journal;
mod metrics;
mod otlp;
mod page;
mod query;
pub mod store;
pub mod wire;

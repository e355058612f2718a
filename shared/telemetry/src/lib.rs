#![doc = include_str!("../README.md")]

pub mod attribute;
pub mod baggage;
pub mod context;
mod error;
pub mod export;
pub mod logs;
pub mod metrics;
pub mod names;
pub mod sampling;
mod setup;
pub mod spans;
mod wire;

pub use error::Error;
pub use metrics::prometheus_text;
pub use setup::{Guard, Telemetry, init};

#![doc = include_str!("../README.md")]

pub mod browse;
pub mod consistency;
mod engine;
pub mod flash_sale;
mod http;
mod latency;
pub mod ledger;
mod metrics;
mod rate;
mod render;
pub mod replay;
pub mod retail;
pub mod seed;
pub mod stampede;
mod stock;
pub mod summary;
pub mod synthetic;
mod weights;

pub use engine::{
    Drive, Gate, InvalidDrive, InvalidToken, Limit, NotBegun, OperatorToken, PROGRESS_EVERY, RunError, ThreadError,
};
pub use http::{Failure, Retry, Target, TargetError, Targets};
pub use latency::Quantiles;
pub use rate::{InvalidRate, Rate};

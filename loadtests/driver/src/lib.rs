#![doc = include_str!("../README.md")]

mod engine;
pub mod flash_sale;
mod http;
mod latency;
pub mod ledger;
mod rate;
mod render;
pub mod replay;
pub mod retail;
pub mod seed;
pub mod summary;
pub mod synthetic;

pub use engine::{Drive, Gate, InvalidDrive, InvalidToken, Limit, NotBegun, OperatorToken, PROGRESS_EVERY, RunError};
pub use http::{Failure, Retry, Target, TargetError, Targets};
pub use latency::Quantiles;
pub use rate::{InvalidRate, Rate};

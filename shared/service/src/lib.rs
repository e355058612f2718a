#![doc = include_str!("../README.md")]

pub mod auth;
pub mod body;
pub mod config;
pub mod consistency;
pub mod context;
pub mod gather;
pub mod health;
pub mod http;
pub mod idempotency;
mod metric_definitions;
mod observe;
pub mod parameters;
mod patience;
pub mod prefer;
pub mod presence;
pub mod problem;
pub mod queue;
pub mod resource;
mod run;

pub use patience::{patiently, pause};
pub use presence::Presence;
pub use resource::Resource;
pub use run::{Application, run};
/// The allocator of every service. What a request allocates is small, and is freed by other threads in another order than it
/// came: with the C library's allocator the order service spent a third of its processor time on that.
pub use tikv_jemallocator::Jemalloc as Allocator;

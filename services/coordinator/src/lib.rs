#![doc = include_str!("../README.md")]

pub mod app;
pub mod backup;
pub mod bootstrap;
pub mod config;
pub mod engine;
pub mod grpc;
pub mod http;
pub mod logs;
pub mod metrics;
pub mod peers;
pub mod proto;
pub mod tls;
pub mod urls;
pub mod version;

#![doc = include_str!("../README.md")]

pub mod api;
pub mod disk;
pub mod eraft;
pub mod faults;
pub mod log;
pub mod node;
pub mod sim;
pub mod store;
pub mod watch;

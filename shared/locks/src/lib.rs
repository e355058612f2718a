#![doc = include_str!("../README.md")]

pub mod bench;
mod cluster;
mod config;
mod error;
mod guard;
mod holding;
pub mod inspect;
mod keeper;
mod keys;
mod label;
mod locks;
mod metric_definitions;
mod queue;
mod request;
mod server;
mod strategy;
mod switch;
mod token;
mod trouble;

pub use self::{
    config::{Config, ConfigError},
    error::{Fault, LockError},
    guard::{Guard, Lost, Released},
    keys::{Keys, NoKeys},
    locks::Locks,
    request::Request,
    server::{EpochError, ServerError},
    strategy::{NoStrategy, Strategy},
    token::Token,
};

#![doc = include_str!("../README.md")]

mod acceptable;
mod cache;
mod changing;
mod config;
mod entry;
mod error;
mod filling;
mod flight;
mod front;
mod kind;
mod live;
mod metric_definitions;
mod near;
mod observing;
mod policy;
mod queue;
mod reading;
mod refreshing;
mod register;
mod ring;
mod server;
mod settings;
mod shelf;
mod stamp;
mod storing;
mod value;
mod verdict;

pub use self::{
    acceptable::Acceptable,
    cache::Cache,
    changing::Change,
    config::{Config, ConfigError, Near},
    error::LoadError,
    front::Front,
    kind::{Key, Kind},
    policy::{NoPolicy, Policy},
    queue::News,
    settings::Settings,
    shelf::Shelf,
    stamp::{Stamp, now},
    value::{Cached, Loaded, Source},
};

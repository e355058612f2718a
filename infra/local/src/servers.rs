//! A private set of servers: PostgreSQL, Redis, memcached and Kafka.

pub(crate) mod broker;
mod config;
mod error;
mod ground;
mod handles;
mod independent;
mod launch;
mod memcached;
mod postgres;
pub(crate) mod ready;
mod redis;
mod replication;
mod running;
mod scram;
pub(crate) mod site;

pub(crate) use self::ground::Ground;
pub use self::{
    config::{Config, Data, Ports, Progress, Server, Step},
    error::{NotReady, ServerError, StartError},
    handles::{Addresses, DatabaseError, Kafka, Memcached, Postgres, Redis, Replica, Standing},
    independent::IndependentRedis,
    running::{Servers, State},
};

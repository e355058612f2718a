//! Who serves, where, and how busy it is.
//!
//! Instances stand under `<prefix>/services/<service>/<instance>`, as JSON, each on a lease of its own process.

mod balancer;
mod instances;
mod registration;

use serde::{Deserialize, Serialize};

pub use self::{
    balancer::{Balancer, Pick},
    instances::{Instances, watch},
    registration::{Load, Registration, register},
};
use crate::Name;

/// An instance of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// Its name among the instances of its service.
    pub id: Name,
    /// Where it is reached: `host:port`.
    pub address: String,
    /// How busy it says it is, in requests in progress.
    pub load: u32,
}

/// What is stored of an instance; the rest is in its key.
#[derive(Debug, Serialize, Deserialize)]
struct Stored {
    address: String,
    load: u32,
}

/// The kind of these keys.
const KIND: &str = "services";

//! What kind of shop to start.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::part::Service;
use crate::{
    servers::{Data, Ports},
    traces,
};

/// What kind of shop to start.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where it keeps everything.
    pub data: Data,
    /// Where its parts listen.
    pub ports: Ports,
    /// Whether what its servers acknowledge survives the machine's end; without it they start faster.
    pub durable: bool,
    /// How many coordinators; with none, services have only what the variables say.
    pub coordinators: u16,
    /// Whether there are three more Redis servers that share nothing, for the lock strategy `redlock`.
    pub redlock: bool,
    /// Whether there is a streaming replica of PostgreSQL, which services read from.
    pub replica: bool,
    /// Whether there is a trace store, which services send their spans to; without it they do what the variables say.
    pub traces: bool,
    /// Which program stores the traces, where there is a store.
    pub trace_store: traces::Kind,
    /// Instances of each service; one where it isn't named.
    pub instances: BTreeMap<Service, u16>,
    /// Where the programs of services and coordinators are; those beside the running program when absent.
    pub programs: Option<PathBuf>,
    /// Environment variables of every service. What the shop itself sets (addresses, databases, tokens) stands above.
    pub env: BTreeMap<String, String>,
    /// Environment variables of single instances, above all others.
    pub instance_env: Vec<InstanceEnv>,
}

/// An environment variable of one instance.
#[derive(Debug, Clone)]
pub struct InstanceEnv {
    /// The service.
    pub service: Service,
    /// Which of its instances, from 1.
    pub instance: u16,
    /// The variable's name.
    pub name: String,
    /// Its value.
    pub value: String,
    /// Whether it is gone when the instance is restarted: a fault that is to happen once.
    pub first_life_only: bool,
}

impl Config {
    /// Three coordinators, a trace store and one instance of each service, with data that stays in this folder, on the usual ports plus an offset.
    pub fn installation(folder: &Path, offset: u16) -> Self {
        let (data, ports) = (Data::Persistent(folder.to_owned()), Ports::Fixed { offset });
        Self {
            data,
            ports,
            durable: true,
            coordinators: 3,
            redlock: false,
            replica: false,
            traces: true,
            trace_store: traces::Kind::default(),
            instances: BTreeMap::new(),
            programs: None,
            env: BTreeMap::new(),
            instance_env: Vec::new(),
        }
    }

    /// Three coordinators and one instance of each service, for a test: on free ports, nothing durable, nothing left.
    pub fn test() -> Self {
        let (data, ports) = (Data::Temporary, Ports::Free);
        Self { data, ports, durable: false, traces: false, ..Self::installation(Path::new(""), 0) }
    }

    /// Every instance that is to run, in the order they are named.
    pub(super) fn all_instances(&self) -> impl Iterator<Item = (Service, u16)> {
        Service::ALL.into_iter().flat_map(|service| {
            let count = self.instances.get(&service).copied().unwrap_or(1);
            (1..=count).map(move |number| (service, number))
        })
    }
}

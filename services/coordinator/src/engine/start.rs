//! Puts the parts of a member together.

use std::{
    path::PathBuf,
    sync::{
        Arc, RwLock,
        atomic::{AtomicBool, AtomicI64, AtomicU64},
    },
    time::Duration,
};

use consensus::{
    disk::Real,
    log::Log,
    node::{Config, Node, Recovered},
};
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

use super::{
    Engine, EngineError, Identity, Input, Leadership, Limits, Shared, calls::Calls, clock::Clock, disk::Disk,
    driver::Driver, snapshots::Snapshots,
};
use crate::{
    metrics::Metrics,
    peers::{Outbound, Peers, Tls},
};

/// What an engine is made of.
pub struct Parts {
    /// Who the member is.
    pub identity: Identity,
    /// What requests may be.
    pub limits: Limits,
    /// How the node runs.
    pub config: Config,
    /// The time between two ticks.
    pub tick: Duration,
    /// What the member knew when it stopped.
    pub recovered: Recovered,
    /// Its log, from which that came.
    pub log: Log<Real>,
    /// Where the log is.
    pub data: PathBuf,
    /// How peers are reached over TLS, if they are.
    pub tls: Option<Tls>,
}

/// An engine at work.
#[derive(Debug)]
pub struct Running {
    engine: Engine,
    driver: JoinHandle<Result<(), EngineError>>,
}

impl Engine {
    /// Starts the engine in the runtime of the caller.
    ///
    /// # Errors
    /// When raft refuses what was recovered, or the system another thread.
    pub fn start(parts: Parts) -> Result<Running, EngineError> {
        let Parts { identity, limits, config, tick, recovered, log, data, tls } = parts;
        let (inputs, received) = mpsc::unbounded_channel();
        let clock = Clock::new(tick, config.heartbeat_ticks, config.election_ticks);
        let node = Node::start(config, recovered, 0)?;
        let store: Arc<RwLock<_>> = Arc::clone(node.store());
        let metrics = Arc::new(Metrics::default());
        let peers = Arc::new(Peers::new(&identity, inputs.clone(), tls));
        let (applied, applied_seen) = watch::channel(node.status().applied);
        let (leadership, leadership_seen) = watch::channel(Leadership::new(node.status()));
        let snapshots = Snapshots {
            data,
            cluster_id: identity.cluster_id,
            store: Arc::clone(&store),
            inputs: inputs.clone(),
            peers: Arc::clone(&peers),
            received: Arc::new(AtomicU64::new(0)),
            metrics: Arc::clone(&metrics),
        };
        let disk = Disk::start(log, inputs.clone(), Arc::clone(&metrics)).map_err(EngineError::Thread)?;
        let shared = Arc::new(Shared {
            inputs,
            store,
            peers,
            identity,
            limits,
            metrics,
            applied: applied_seen,
            leadership: leadership_seen,
            stopping: CancellationToken::new(),
            removed: CancellationToken::new(),
            disk_full: AtomicBool::new(false),
            // Until somebody watches, nobody needs history.
            watched: AtomicI64::new(i64::MAX),
        });
        let driver = Driver {
            node,
            shared: Arc::clone(&shared),
            inputs: received,
            outbound: Outbound::default(),
            disk,
            snapshots,
            applied,
            leadership,
            clock,
            calls: Calls::default(),
            proposals: Vec::new(),
        };
        Ok(Running { engine: Engine { shared }, driver: tokio::spawn(driver.run()) })
    }
}

impl Running {
    /// A handle on the engine.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Ends when the engine does, of itself or as it was told to.
    ///
    /// # Errors
    /// When it could not go on.
    pub async fn ended(&mut self) -> Result<(), EngineError> {
        (&mut self.driver).await.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
    }

    /// Ends the engine: everything given to the log is written first.
    ///
    /// # Errors
    /// When it could not go on before.
    pub async fn stop(mut self) -> Result<(), EngineError> {
        // One that has ended already says so below.
        self.engine.shared.inputs.send(Input::Stop).ok();
        self.ended().await
    }
}

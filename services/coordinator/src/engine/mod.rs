//! The driver of one [`consensus::node::Node`]: its clock, its disk and its peers, and a handle for those who serve.
//!
//! One task owns the node. It takes all that has arrived, lets the node do one step, and hands out what that step asks
//! for: writes to the log's thread, messages to the peers' tasks, answers to those who wait. So the entries and reads
//! that arrive while the disk or a quorum is busy share the next write and the next round.

mod calls;
mod clock;
mod compaction;
mod disk;
mod driver;
mod error;
mod input;
mod leadership;
mod leases;
mod membership;
mod publish;
mod quota;
mod snapshots;
mod start;

use std::{
    future::Future,
    sync::{
        Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use consensus::{
    api::logpb::Command,
    node::Status,
    store::{Outcome, Store},
};
use prost::Message as _;
use tokio::sync::{oneshot, watch};
use tokio_util::sync::CancellationToken;

pub(crate) use self::input::{Input, Inputs};
pub use self::{
    compaction::{Retention, compact_automatically},
    error::{EngineError, MembershipError, MoveLeaderError, ProposeError, ReadError},
    leadership::Leadership,
    publish::publish,
    start::{Parts, Running},
};
use crate::{metrics::Metrics, peers::Peers};

/// Entries that may be committed and not applied yet before more is refused, as in etcd.
const MAX_LAG: u64 = 5_000;
/// Calls that may wait at a time. Without a leader they wait for the whole request timeout.
const MAX_WAITING: u64 = 100_000;

/// A handle on this member; clones share it.
#[derive(Clone, Debug)]
pub struct Engine {
    shared: Arc<Shared>,
}

struct Shared {
    inputs: Inputs,
    store: Arc<RwLock<Store>>,
    peers: Arc<Peers>,
    identity: Identity,
    limits: Limits,
    metrics: Arc<Metrics>,
    applied: watch::Receiver<u64>,
    leadership: watch::Receiver<Leadership>,
    stopping: CancellationToken,
    removed: CancellationToken,
    /// Whether the log waits for room on the disk.
    disk_full: AtomicBool,
    /// Up to which revision watchers have been told.
    watched: AtomicI64,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("identity", &self.identity).finish_non_exhaustive()
    }
}

/// Who this member is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The cluster's identifier.
    pub cluster_id: u64,
    /// The member's.
    pub member_id: u64,
    /// Its name, for people.
    pub name: String,
}

/// What a request may be at most, and how long it may take.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of one command.
    pub max_request_bytes: usize,
    /// Operations of one transaction.
    pub max_txn_ops: usize,
    /// Bytes the store may hold before it refuses writes.
    pub quota_bytes: u64,
    /// How long a call waits for its answer.
    pub request_timeout: Duration,
    /// How long a follower waits for its leader before it asks for votes.
    pub election_timeout: Duration,
    /// Whether changes of the members that endanger the quorum are refused.
    pub strict_reconfiguration: bool,
}

impl Engine {
    /// Replicates one command and waits until it is applied, or refused by the state machine.
    ///
    /// # Errors
    /// See [`ProposeError`]; after a timeout the command may yet be applied.
    pub async fn propose(&self, command: Command) -> Result<Outcome, ProposeError> {
        self.shared.check_backlog().map_err(|()| ProposeError::TooManyRequests)?;
        if command.encoded_len() > self.shared.limits.max_request_bytes {
            return Err(ProposeError::TooLarge);
        }
        if self.disk_is_full() {
            return Err(ProposeError::NoSpace);
        }
        self.check_quota(&command).await?;
        self.replicate(command).await
    }

    /// As [`propose`](Self::propose), without asking whether there is room.
    async fn replicate(&self, command: Command) -> Result<Outcome, ProposeError> {
        let outcome = self.ask(|caller| Input::Propose(command, Instant::now(), caller));
        outcome.await.unwrap_or(Err(ProposeError::Stopped))
    }

    /// A read barrier: after it the local store shows everything acknowledged before the call.
    ///
    /// # Errors
    /// When no quorum confirms it within the request timeout.
    pub async fn confirm_read(&self) -> Result<(), ReadError> {
        self.shared.check_backlog().map_err(|()| ReadError::TooManyRequests)?;
        self.ask(|caller| Input::Read(Instant::now(), caller)).await.unwrap_or(Err(ReadError::Stopped))
    }

    /// The state machine as far as this member has applied the log. Never held across an await: nothing is applied
    /// meanwhile.
    pub fn store(&self) -> RwLockReadGuard<'_, Store> {
        self.shared.store()
    }

    /// Changes after each round of applies; the value is the index of the last entry applied.
    #[must_use]
    pub fn applied(&self) -> watch::Receiver<u64> {
        self.shared.applied.clone()
    }

    /// The watchers have been told of everything up to `revision`. History that a compaction made unreadable leaves
    /// memory only after that: no watcher loses its place to a compaction that was faster.
    pub fn watched(&self, revision: i64) {
        self.shared.watched.store(revision, Ordering::Release);
    }

    /// Where this member stands.
    #[must_use]
    pub fn status(&self) -> Status {
        self.shared.leadership.borrow().status
    }

    /// Changes when the leader, the term or this member's role changes.
    #[must_use]
    pub fn leadership(&self) -> watch::Receiver<Leadership> {
        self.shared.leadership.clone()
    }

    /// Who this member is.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.shared.identity
    }

    /// Whether this member waits for room on its disk. It applies nothing meanwhile.
    #[must_use]
    pub fn disk_is_full(&self) -> bool {
        self.shared.disk_full.load(Ordering::Relaxed)
    }

    /// What requests may be at most.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.shared.limits
    }

    /// What this member counts.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.shared.metrics
    }

    /// Ends when this member begins to stop, so that streams end.
    pub fn stopping(&self) -> impl Future<Output = ()> + Send + 'static {
        self.shared.stopping.clone().cancelled_owned()
    }

    /// Ends once this member knows that it was removed from the cluster.
    pub fn removed(&self) -> impl Future<Output = ()> + Send + 'static {
        self.shared.removed.clone().cancelled_owned()
    }

    /// Lets streams end; what is on its way is answered still, until [`Running::stop`] ends the rest.
    pub fn begin_stop(&self) {
        self.shared.stopping.cancel();
    }

    /// Sends one question to the driver. `None` when it has ended.
    async fn ask<T>(&self, input: impl FnOnce(oneshot::Sender<T>) -> Input) -> Option<T> {
        let (caller, answer) = oneshot::channel();
        self.shared.inputs.send(input(caller)).ok()?;
        answer.await.ok()
    }

    pub(crate) fn inputs(&self) -> &Inputs {
        &self.shared.inputs
    }
}

impl Shared {
    fn store(&self) -> RwLockReadGuard<'_, Store> {
        // A panic of a reader leaves the store as it was.
        self.store.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn may_purge(&self) -> bool {
        let store = self.store();
        store.needs_purge() && store.compact_revision() <= self.watched.load(Ordering::Acquire)
    }

    fn store_mut(&self) -> RwLockWriteGuard<'_, Store> {
        self.store.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn check_backlog(&self) -> Result<(), ()> {
        let status = self.leadership.borrow().status;
        let lags = status.committed > status.applied + MAX_LAG;
        if lags || self.metrics.pending.get() >= MAX_WAITING { Err(()) } else { Ok(()) }
    }

    /// How many of the voters, this member included, have been connected since before `since`.
    fn connected_voters(&self, since: Instant) -> (usize, usize) {
        let store = self.store();
        let voters = store.members().iter().filter(|member| !member.is_learner);
        let connected = voters.clone().filter(|member| self.is_connected(member.id, since)).count();
        (connected, voters.count())
    }

    fn is_connected(&self, member: u64, since: Instant) -> bool {
        member == self.identity.member_id || self.peers.connected_since(member).is_some_and(|from| from < since)
    }

    fn connected_quorum(&self, since: Instant) -> bool {
        let (connected, voters) = self.connected_voters(since);
        connected > voters / 2
    }
}

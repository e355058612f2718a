//! One member's machine: its disk, its clock, and the process on it while it runs.

use std::{
    collections::{BTreeMap, VecDeque},
    path::Path,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use raft::eraftpb::{ConfState, SnapshotMetadata};

use crate::{
    api::{
        etcdserverpb::{Member, RangeRequest},
        logpb::{MemberChange, member_change::Kind},
    },
    disk::Simulated,
    log::{self, Identity, Log, snapshot},
    node::{self, CallId, Node},
    sim::{clock::Clock, plan::Setup},
    store::{Limits, Restore, RestoreError, Snapshot, Store},
    watch::{Hub, Outbox, StreamId},
};

pub(crate) const CLUSTER: u64 = 0x5ee1;
pub(crate) const DATA: &str = "/data";
/// Of 10 ms each: as the coordinator has it.
pub(crate) const ELECTION_TICKS: usize = 100;
/// Bytes of one piece of a snapshot: small, so that there are several.
pub(crate) const CHUNK: usize = 512;

/// A machine.
pub(crate) struct Host {
    pub(crate) id: u64,
    pub(crate) clock: Clock,
    pub(crate) disk: Simulated,
    /// The process, unless it is down.
    pub(crate) process: Option<Process>,
    /// Counts starts: what was meant for an earlier process finds nobody.
    pub(crate) life: u64,
    /// It does nothing before this time.
    pub(crate) stalled_until: u64,
    /// Nanoseconds a write takes at most, while its disk is slow.
    pub(crate) slow: Option<u64>,
    /// It is not to be started again.
    pub(crate) retired: bool,
}

/// A running member with all it drives.
pub(crate) struct Process {
    pub(crate) node: Node,
    pub(crate) log: Log<Simulated>,
    pub(crate) hub: Hub,
    pub(crate) streams: Vec<Stream>,
    pub(crate) calls: BTreeMap<CallId, Caller>,
    pub(crate) next_call: CallId,
    /// What the disk is at work on.
    pub(crate) jobs: VecDeque<Job>,
    pub(crate) saving: Option<Saving>,
    /// Whether a step is due.
    pub(crate) stepping: bool,
    /// Up to which revision its history has been looked at.
    pub(crate) observed: i64,
    pub(crate) led: bool,
    /// The revision at which it began to lead, until that has gone on.
    pub(crate) elected_at: Option<i64>,
    /// Up to where the log may be released once the next snapshot is there.
    pub(crate) release: u64,
    /// Whether the log waits for room on the disk.
    pub(crate) full: bool,
}

/// What the log is asked to do, in this order: as the coordinator's disk thread is.
pub(crate) enum Job {
    Write(node::Write),
    Mark(SnapshotMetadata),
}

/// A snapshot that is being written, some chunks at a time.
pub(crate) struct Saving {
    pub(crate) metadata: SnapshotMetadata,
    pub(crate) snapshot: Snapshot,
    pub(crate) writer: snapshot::Writer<Simulated>,
}

/// A client's watch.
pub(crate) struct Stream {
    pub(crate) id: StreamId,
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) client: usize,
    pub(crate) ticket: u64,
    /// When what was sent last arrives: nothing overtakes it.
    pub(crate) arrives: u64,
}

/// Who waits for an answer of the node.
#[derive(Debug)]
pub(crate) enum Caller {
    Client { client: usize, ticket: u64, read: Option<RangeRequest> },
    Operator(u64),
}

impl Caller {
    /// Whether it is a client's call of this ticket.
    pub(crate) fn is(&self, who: usize, which: u64) -> bool {
        matches!(self, Self::Client { client, ticket, .. } if (*client, *ticket) == (who, which))
    }
}

/// Why a member doesn't start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error(transparent)]
    Log(#[from] log::Error),
    #[error(transparent)]
    Restore(#[from] RestoreError),
    #[error(transparent)]
    Raft(#[from] raft::Error),
}

/// What a member starts with.
pub(crate) struct Start<'a> {
    pub(crate) id: u64,
    pub(crate) disk: Simulated,
    pub(crate) setup: Setup,
    pub(crate) seed: u64,
    /// By its own clock.
    pub(crate) now: u64,
    /// Who founds the cluster; nobody where it is to be joined.
    pub(crate) founders: &'a [u64],
}

impl Process {
    /// Starts a member from what its disk has.
    pub(crate) fn start(start: Start<'_>) -> Result<Self, StartError> {
        let Start { id, disk, setup, seed, now, founders } = start;
        let identity = Identity { cluster_id: CLUSTER, member_id: id };
        let options = log::Options { segment_bytes: setup.segment_bytes };
        let (mut log, mut found) = Log::open(disk.clone(), Path::new(DATA), identity, options)?;
        let (store, metadata) = match &found.snapshot {
            Some(mark) => restore(&disk, &mark.file)?,
            None if found.is_new && !founders.is_empty() => {
                let (store, metadata) = found_cluster(&disk, founders)?;
                log.mark_snapshot(metadata.index, metadata.term, &name(&metadata).file())?;
                found.hard_state.term = metadata.term;
                found.hard_state.commit = metadata.index;
                (store, metadata)
            }
            None => (Store::new(Limits::default()), SnapshotMetadata::default()),
        };
        let config = node::Config {
            id,
            cluster_id: CLUSTER,
            boot: found.boot,
            election_ticks: ELECTION_TICKS,
            heartbeat_ticks: setup.heartbeat_ticks,
            snapshot_entries: setup.snapshot_entries,
            snapshot_bytes: 1 << 20,
            catch_up_entries: setup.catch_up_entries,
            // Half of the lives keep next to nothing, so that snapshots are taken because somebody lacks an entry.
            tail_bytes: if seed.is_multiple_of(2) { 64 } else { 1 << 20 },
            message_bytes: setup.message_bytes,
            batch_bytes: setup.batch_bytes,
            seed,
        };
        let log::Recovered { hard_state, entries, .. } = found;
        let hub = Hub::new(store.revision());
        let recovered = node::Recovered { store, snapshot: metadata, hard_state, entries };
        Ok(Self {
            node: Node::start(config, recovered, now)?,
            log,
            hub,
            streams: Vec::new(),
            calls: BTreeMap::new(),
            next_call: 0,
            jobs: VecDeque::new(),
            saving: None,
            stepping: false,
            observed: 0,
            led: false,
            elected_at: None,
            release: 0,
            full: false,
        })
    }

    pub(crate) fn call(&mut self, caller: Caller) -> CallId {
        self.next_call += 1;
        self.calls.insert(self.next_call, caller);
        self.next_call
    }

    pub(crate) fn store(&self) -> RwLockReadGuard<'_, Store> {
        read(self.node.store())
    }

    /// Does what the disk was asked for next.
    pub(crate) fn work(&mut self) -> Result<(), log::Error> {
        match self.jobs.front_mut() {
            Some(Job::Write(write)) => {
                if let Some(metadata) = &write.snapshot {
                    self.log.mark_snapshot(metadata.index, metadata.term, &name(metadata).file())?;
                    write.snapshot = None;
                }
                let node::Write { number, entries, hard_state, .. } = write;
                self.log.write(&log::Write { number: *number, hard_state: hard_state.as_ref(), entries, sync: true })
            }
            Some(Job::Mark(metadata)) => self.log.mark_snapshot(metadata.index, metadata.term, &name(metadata).file()),
            None => Ok(()),
        }
    }
}

impl Host {
    /// The process, unless it is down or another than was meant.
    pub(crate) fn process(&mut self, life: u64) -> Option<&mut Process> {
        if self.life == life { self.process.as_mut() } else { None }
    }
}

pub(crate) fn name(metadata: &SnapshotMetadata) -> snapshot::Name {
    snapshot::Name { index: metadata.index, term: metadata.term }
}

/// The first entry of a cluster is a snapshot that all founders have: it holds who they are, so that whoever joins later
/// learns of them.
fn found_cluster(disk: &Simulated, founders: &[u64]) -> Result<(Store, SnapshotMetadata), StartError> {
    let mut store = Store::new(Limits::default());
    for id in founders {
        store.change_members(&MemberChange {
            kind: Kind::Add.into(),
            member: Some(member(*id)),
            ..MemberChange::default()
        });
    }
    let conf_state = ConfState { voters: founders.to_vec(), ..ConfState::default() };
    let metadata = SnapshotMetadata { conf_state: Some(conf_state), index: 1, term: 1 };
    let mut snapshot = store.begin_snapshot(node::position(CLUSTER, &metadata));
    let mut writer = snapshot::Writer::new(disk.clone(), Path::new(DATA), CLUSTER, metadata.index, metadata.term)?;
    while let Some(chunk) = store.snapshot_chunk(&mut snapshot, CHUNK) {
        writer.push(&chunk)?;
    }
    writer.finish()?;
    Ok((store, metadata))
}

fn restore(disk: &Simulated, file: &str) -> Result<(Store, SnapshotMetadata), StartError> {
    let mut restore = Restore::new(Limits::default());
    for chunk in snapshot::Reader::open(disk, &snapshot::dir(Path::new(DATA)).join(file))? {
        restore.push(chunk?)?;
    }
    let (store, head) = restore.finish()?;
    Ok((store, node::metadata(&head)))
}

pub(crate) fn member(id: u64) -> Member {
    Member { id, peer_ur_ls: vec![format!("http://member-{id}")], ..Member::default() }
}

/// A lock around the store outlives a panic: there is one thread only.
pub(crate) fn read(store: &RwLock<Store>) -> RwLockReadGuard<'_, Store> {
    store.read().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn write(store: &RwLock<Store>) -> RwLockWriteGuard<'_, Store> {
    store.write().unwrap_or_else(PoisonError::into_inner)
}

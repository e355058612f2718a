//! What reaches the driver, from whichever side.

use std::time::Instant;

use consensus::eraft::{Message, SnapshotMetadata};
use consensus::{
    api::{
        etcdserverpb::Member,
        logpb::{Command, MemberChange},
    },
    log,
    node::{Confirmed, Progress},
    store::{Outcome, Store},
};
use tokio::sync::{mpsc, oneshot};

use super::{MembershipError, ProposeError, ReadError};

/// The way to the driver. It never blocks: what each sender may have on its way is bounded where it is sent.
pub(crate) type Inputs = mpsc::UnboundedSender<Input>;

pub(crate) enum Input {
    Propose(Command, Instant, oneshot::Sender<Result<Outcome, ProposeError>>),
    Read(Instant, oneshot::Sender<Result<(), ReadError>>),
    KeepAlive(i64, Instant, oneshot::Sender<Result<Confirmed, ReadError>>),
    LeaseRemaining(i64, oneshot::Sender<Option<u64>>),
    Change(MemberChange, Instant, oneshot::Sender<Result<Vec<Member>, MembershipError>>),
    Progress(oneshot::Sender<Vec<Progress>>),
    Transfer(u64),
    /// Of other members, in the order they came.
    Messages(Vec<Message>),
    /// A snapshot of another member that stands on the disk already.
    Snapshot(Message, Box<Store>),
    Connected(u64),
    Unreachable(u64),
    SnapshotSent(u64, bool),
    /// A write is on the disk.
    Persisted(u64),
    /// The file of a snapshot is on the disk.
    SnapshotWritten(SnapshotMetadata),
    /// And the log knows.
    SnapshotSaved(SnapshotMetadata),
    SnapshotFailed,
    /// Another member says that this one was removed.
    Removed,
    /// A write found the disk full, and is tried again; or there is room again.
    DiskFull(bool),
    DiskFailed(log::Error),
    Stop,
}

//! The state machine: keys with all their versions since the last compaction, leases, alarms, and the list of members.
//!
//! What it answers is what etcd 3.6 answers. It lives in memory, knows no clock and does no I/O: the log makes it
//! durable, and the same commands in the same order make the same state everywhere.
//!
//! Every change is a [`Record`] that two structures share: the history, in the order of revisions, which watches and
//! snapshots read; and the index, in the order of keys, which ranges read. Compaction makes old versions unreadable at
//! once; they leave memory by and by, when [`Store::purge`] is called.

mod alarms;
mod chunk;
mod compaction;
mod entry;
mod error;
mod events;
mod hash;
mod history;
mod index;
mod lease;
mod members;
mod origins;
mod quota;
mod range;
mod record;
mod restore;
mod snapshot;
mod span;
#[cfg(test)]
mod tests;
mod txn;
mod write;

use std::sync::Arc;

use crate::api::etcdserverpb::{
    AlarmMember, AlarmRequest, AlarmResponse, AlarmType, CompactionResponse, DeleteRangeResponse, LeaseGrantRequest,
    LeaseGrantResponse, LeaseRevokeResponse, PutResponse, ResponseHeader, TxnResponse,
};
use crate::api::logpb::{Command, MemberChange, command::Operation};
use crate::faults::{self, Fault};

pub use error::Error;
pub use events::EventRef;
pub use hash::HashKv;
pub use lease::{LeaseView, MAX_LEASE_TTL};
pub use members::Members;
pub use record::{Record, Revision};
pub use restore::{Restore, RestoreError};
pub use snapshot::{Position, Snapshot};
pub use span::Span;
pub use txn::is_read_only;

/// What bounds a store. The same on all members, or they refuse different requests.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Bytes the state may take, as [`Store::size`] counts.
    pub quota_bytes: u64,
    /// Comparisons, or operations of one branch, in a transaction. Whoever takes requests in checks it.
    pub max_txn_ops: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { quota_bytes: 2 << 30, max_txn_ops: 128 }
    }
}

/// What came of a command. Headers carry the revision only.
#[derive(Clone, PartialEq, Debug)]
#[expect(missing_docs, reason = "each is etcd's response to the request of the same name")]
pub enum Outcome {
    Put(PutResponse),
    DeleteRange(DeleteRangeResponse),
    Txn(TxnResponse),
    Compact(CompactionResponse),
    LeaseGrant(LeaseGrantResponse),
    LeaseRevoke(LeaseRevokeResponse),
    Alarm(AlarmResponse),
    MemberAttributes,
}

/// The replicated state.
pub struct Store {
    limits: Limits,
    revision: i64,
    compact_revision: i64,
    history: history::History,
    index: index::Index,
    leases: lease::Leases,
    alarms: alarms::Alarms,
    members: Members,
    origins: origins::Origins,
    /// Where purging goes on; None, if there is nothing to purge.
    unpurged: Option<Revision>,
    /// The compact revision of the snapshot it came from: whoever took that may have purged what came before.
    restored_at: i64,
    /// Shared with every snapshot that is being taken.
    pin: Arc<()>,
    /// Room to put a record together.
    scratch: Vec<u8>,
}

/// A header as the state machine knows it.
fn header(revision: i64) -> Option<ResponseHeader> {
    Some(ResponseHeader { revision, ..ResponseHeader::default() })
}

impl Store {
    /// An empty store: at revision 1, as etcd's, and never compacted.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            revision: 1,
            compact_revision: -1,
            history: history::History::default(),
            index: index::Index::default(),
            leases: lease::Leases::default(),
            alarms: alarms::Alarms::default(),
            members: Members::default(),
            origins: origins::Origins::default(),
            unpurged: None,
            restored_at: 0,
            pin: Arc::new(()),
            scratch: Vec::new(),
        }
    }

    /// What bounds it.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The revision of the last transaction that wrote.
    pub fn revision(&self) -> i64 {
        self.revision
    }

    /// The oldest revision that can be read; -1 before the first compaction, as etcd has it.
    pub fn compact_revision(&self) -> i64 {
        self.compact_revision
    }

    /// Applies one command; the same everywhere.
    ///
    /// # Errors
    /// Any [`Error`]; the state is then what it was.
    pub fn apply(&mut self, command: Command) -> Result<Outcome, Error> {
        let operation = command.operation.ok_or(Error::UnknownCommand)?;
        self.check_alarms(&operation)?;
        match operation {
            Operation::Put(request) => {
                self.check_put(&request)?;
                let mut write = write::Write::new(self);
                let response = write.put(&request);
                write.finish();
                Ok(Outcome::Put(response))
            }
            Operation::DeleteRange(request) => {
                let mut write = write::Write::new(self);
                let response = write.delete_range(&request);
                write.finish();
                Ok(Outcome::DeleteRange(response))
            }
            Operation::Txn(request) => self.txn(&request).map(Outcome::Txn),
            Operation::Compact(request) => {
                self.compact(request.revision)?;
                Ok(Outcome::Compact(CompactionResponse { header: header(self.revision) }))
            }
            Operation::LeaseGrant(request) => self.lease_grant(&request).map(Outcome::LeaseGrant),
            Operation::LeaseRevoke(request) => self.lease_revoke(request.id).map(Outcome::LeaseRevoke),
            Operation::Alarm(request) => Ok(Outcome::Alarm(self.alarm(&request))),
            Operation::MemberAttributes(attributes) => {
                self.members.describe(attributes);
                Ok(Outcome::MemberAttributes)
            }
        }
    }

    /// Whether the active alarms let a command pass.
    fn check_alarms(&self, operation: &Operation) -> Result<(), Error> {
        if matches!(operation, Operation::Alarm(_) | Operation::MemberAttributes(_)) {
            return Ok(());
        }
        if self.alarms.is_active(AlarmType::Corrupt) {
            return Err(Error::Corrupt);
        }
        if self.alarms.is_active(AlarmType::Nospace) && quota::cost(operation) > 0 {
            return Err(Error::NoSpace);
        }
        Ok(())
    }

    fn lease_grant(&mut self, request: &LeaseGrantRequest) -> Result<LeaseGrantResponse, Error> {
        let LeaseGrantRequest { id, ttl } = *request;
        self.leases.grant(id, ttl)?;
        Ok(LeaseGrantResponse { header: header(self.revision), id, ttl, error: String::new() })
    }

    fn lease_revoke(&mut self, id: i64) -> Result<LeaseRevokeResponse, Error> {
        if faults::active(Fault::LeaseKeptPastRevoke) && self.leases.contains(id) {
            return Ok(LeaseRevokeResponse { header: header(self.revision) });
        }
        let keys = self.leases.revoke(id)?;
        let mut write = write::Write::new(self);
        keys.iter().for_each(|key| write.delete(key));
        Ok(LeaseRevokeResponse { header: header(write.finish()) })
    }

    fn alarm(&mut self, request: &AlarmRequest) -> AlarmResponse {
        let alarms = self.alarms.apply(request);
        AlarmResponse { header: header(self.revision), alarms }
    }

    /// All leases with the seconds they were granted, in the order of their identifiers.
    pub fn leases(&self) -> impl ExactSizeIterator<Item = (i64, i64)> {
        self.leases.iter()
    }

    /// One lease with its keys.
    pub fn lease(&self, id: i64) -> Option<LeaseView<'_>> {
        self.leases.get(id)
    }

    /// All active alarms.
    pub fn alarms(&self) -> Vec<AlarmMember> {
        self.alarms.list(AlarmType::None)
    }

    /// Who belongs to the cluster.
    pub fn members(&self) -> &Members {
        &self.members
    }

    /// Applies what a configuration change means for the list of members.
    pub fn change_members(&mut self, change: &MemberChange) {
        self.members.change(change);
    }

    /// Whether a batch is to be applied; false, if it was before, or mustn't be any more. See `logpb.Batch` for what
    /// the numbers mean.
    pub fn accept(&mut self, origin: u64, boot: u64, number: u64, settled: u64) -> bool {
        self.origins.accept(origin, boot, number, settled)
    }

    /// Bytes the state takes, counted as a database file of whole pages: 20,480 when empty. Other than etcd's file it
    /// shrinks when history is purged.
    pub fn size(&self) -> u64 {
        quota::size(self.history.len(), self.history.bytes(), self.leases.iter().len() as u64)
    }

    /// As [`size`](Self::size): there are no free pages.
    pub fn size_in_use(&self) -> u64 {
        self.size()
    }

    /// Whether a command would make the state larger than its quota. Who proposes asks it before proposing, since
    /// the answer isn't the same on all members; what must pass to make room never exceeds.
    pub fn would_exceed(&self, command: &Command) -> bool {
        let cost = command.operation.as_ref().map_or(0, quota::cost);
        cost > 0 && self.size() + cost >= self.limits.quota_bytes
    }
}

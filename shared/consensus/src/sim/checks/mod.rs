//! What is kept of a run to judge it by.

mod locks;
mod registers;
mod replicas;
mod revisions;

use std::collections::HashMap;

pub(super) use self::{
    locks::Locks,
    registers::{Asked, Registers, Ticket},
    replicas::Replicas,
    revisions::{Change, Revisions},
};

/// Everything that is judged, while it happens or at the end.
#[derive(Default)]
pub(super) struct Checks {
    pub(super) revisions: Revisions,
    pub(super) registers: Registers,
    pub(super) replicas: Replicas,
    pub(super) locks: Locks,
    /// The newest revision that a compaction was acknowledged for.
    pub(super) compacted: i64,
    /// Leases whose revocation was acknowledged, and when.
    pub(super) revoked: HashMap<i64, u64>,
}

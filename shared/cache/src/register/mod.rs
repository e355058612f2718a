//! What stands under one key, and every step from one state of it to the next. No I/O: whoever takes a step reads the
//! register, and writes the next state only where memcached still has the one that was read (compare and swap).
//!
//! The argument for each step is in the crate's documentation; `tests/it/model.rs` draws them in any order.

mod bytes;

use crate::{
    Stamp,
    entry::{Body, Entry},
};

/// The state of a key.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Register {
    /// A random number that a history of states has in common. A new one is drawn where nothing stood before, and where a
    /// change came whose position is not known: what was begun under another can't be told to include that.
    pub(crate) lineage: u64,
    /// Who loads; `None` where nobody does.
    pub(crate) lease: Option<Lease>,
    pub(crate) fence: Fence,
    /// When a change was last told of, in milliseconds since 1970; 0 where none was.
    pub(crate) told_at: u64,
    /// When the entry became known to be out of date, in milliseconds since 1970; 0 where it isn't.
    pub(crate) stale_since: u64,
    /// By a change whose position is not known.
    pub(crate) spoiled: bool,
    pub(crate) entry: Option<Entry>,
}

/// Somebody's load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Lease {
    /// A random number.
    pub(crate) number: u64,
    /// Up to where every write will be in what is loaded: what its reader must see.
    pub(crate) sees: u64,
}

/// The newest change that was told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Fence {
    pub(crate) position: u64,
    pub(crate) version: u64,
}

/// Why an entry is not taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The history it was begun in has ended.
    Forgotten,
    /// It was read before a change that was told of.
    Superseded,
    /// What stands there is newer.
    Older,
    /// Nothing was loaded that it could replace.
    NothingThere,
}

impl Fence {
    pub(crate) fn of(stamp: &Stamp) -> Self {
        Self { position: stamp.shows, version: stamp.version }
    }

    /// Whether it tells of nothing in particular.
    pub(crate) fn is_unknown(self) -> bool {
        self == Self::default()
    }

    pub(crate) fn max(self, other: Self) -> Self {
        Self { position: self.position.max(other.position), version: self.version.max(other.version) }
    }

    /// Whether what has this stamp includes the change: by its version, or by its snapshot.
    pub(crate) fn admits(self, stamp: &Stamp) -> bool {
        let by_version = self.version > 0 && stamp.version >= self.version;
        let by_snapshot = self.position > 0 && stamp.sees >= self.position;
        self.is_unknown() || by_version || by_snapshot
    }
}

impl Register {
    /// Somebody loads what is not there.
    pub(crate) fn begun(lineage: u64, lease: Lease) -> Self {
        Self { lineage, lease: Some(lease), ..Self::default() }
    }

    /// Somebody loads, whoever did before. What has stood for longer than registers are held counts as gone: else one that
    /// is asked for over and over would refuse for ever what a database shows that was set back.
    pub(crate) fn leased(&self, lineage: u64, lease: Lease, gone_before: u64) -> Self {
        let last = self.entry.as_ref().map_or(0, |entry| entry.stamp.read_at).max(self.told_at);
        if self.lineage == 0 || (last != 0 && last < gone_before) {
            return Self::begun(lineage, lease);
        }
        Self { lease: Some(lease), ..self.clone() }
    }

    /// Whether this is who loads.
    pub(crate) fn is_leased_to(&self, number: u64) -> bool {
        self.lease.is_some_and(|lease| lease.number == number)
    }

    /// Nothing stood there when a change was told of.
    pub(crate) fn told(lineage: u64, fence: Fence, now: u64) -> Self {
        Self { lineage, fence, told_at: now, ..Self::default() }
    }

    /// Who loaded has given up, or stores nothing.
    pub(crate) fn released(&self, keep_entry: bool) -> Self {
        let entry = self.entry.clone().filter(|_| keep_entry);
        Self { lease: None, entry, ..self.clone() }
    }

    /// The value was changed. Whoever loads at present may have read before that, so that others may begin, too.
    pub(crate) fn changed(&self, fence: Fence, now: u64) -> Self {
        let fence = self.fence.max(fence);
        let is_stale = self.entry.as_ref().is_some_and(|entry| !fence.admits(&entry.stamp));
        let stale_since = if is_stale && self.stale_since == 0 { now } else { self.stale_since };
        Self { fence, told_at: now, stale_since, lease: None, ..self.clone() }
    }

    /// The value was changed, and it is not known to what.
    pub(crate) fn forgotten(&self, lineage: u64, now: u64) -> Self {
        let stale_since = if self.stale_since == 0 { now } else { self.stale_since };
        Self { lineage, lease: None, told_at: now, stale_since, spoiled: true, ..self.clone() }
    }

    /// A value that was loaded by who has, or had, this lease in this history.
    pub(crate) fn filled(&self, lineage: u64, number: u64, entry: Entry) -> Result<Self, Refused> {
        if self.lineage != lineage {
            return Err(Refused::Forgotten);
        }
        let filled = self.replaced(entry)?;
        Ok(if filled.is_leased_to(number) { filled.released(true) } else { filled })
    }

    /// A value that a change has written, in place of one that was loaded: what was never loaded here, changes before the
    /// register's time may have been newer than.
    pub(crate) fn written(&self, entry: Entry) -> Result<Self, Refused> {
        match &self.entry {
            Some(_) if !self.spoiled => self.replaced(entry),
            _ => Err(Refused::NothingThere),
        }
    }

    fn replaced(&self, entry: Entry) -> Result<Self, Refused> {
        if !self.fence.admits(&entry.stamp) {
            return Err(Refused::Superseded);
        }
        if self.entry.as_ref().is_some_and(|there| is_newer(&there.stamp, &entry.stamp)) {
            return Err(Refused::Older);
        }
        // Who loads what must include more goes on with that.
        let lease = self.lease.filter(|lease| !entry.stamp.satisfies(lease.sees));
        Ok(Self { lease, stale_since: 0, spoiled: false, entry: Some(entry), ..self.clone() })
    }

    pub(crate) fn is_absent(&self) -> bool {
        self.entry.as_ref().is_some_and(|entry| entry.body == Body::Absent)
    }
}

/// Whether one is newer than the other: by their versions, where both have one, else by their snapshots.
fn is_newer(one: &Stamp, other: &Stamp) -> bool {
    let by_snapshot = one.sees > other.sees;
    match (one.version, other.version) {
        (0, _) | (_, 0) => by_snapshot,
        (one, other) if one == other => by_snapshot,
        (one, other) => one > other,
    }
}

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::io;

use raft::eraftpb::HardState;

use super::error::{During, Error, OutOfOrder};
use super::frame::Frame;
use super::ledger::Ledger;
use super::recovery::{Current, Sealed};
use super::spare::Spare;
use super::{Layout, Options, Recovered, SnapshotMark, Write, snapshot};
use crate::disk::Disk;

/// An open log. One at a time can have a directory open.
#[derive(Debug)]
pub struct Log<D: Disk> {
    pub(super) disk: D,
    pub(super) layout: Layout,
    pub(super) options: Options,
    pub(super) boot: u64,
    pub(super) ledger: Ledger,
    pub(super) sealed: VecDeque<Sealed>,
    pub(super) current: Current<D::File>,
    pub(super) spare: Spare<D>,
    pub(super) frame: Frame,
    /// Whether a frame vouches for the last that was synced.
    pub(super) is_vouched_for: bool,
    pub(super) poisoned: Option<io::ErrorKind>,
    pub(super) _lock: D::Lock,
}

impl<D: Disk> Log<D> {
    /// Writes entries and hard state, all or nothing.
    ///
    /// # Errors
    ///
    /// [`Error::OutOfOrder`] and [`Error::Full`]: nothing was written, and the log goes on. Any other error poisons
    /// the log; whether the write will be there at the next start is unknown.
    pub fn write(&mut self, write: &Write<'_>) -> Result<(), Error> {
        self.require_usable()?;
        let last = self.ledger.check(write.entries.iter().map(|entry| (entry.index, entry.term)))?;
        if let Some(commit) = write.hard_state.map(|state| state.commit).filter(|commit| *commit > last) {
            return Err(OutOfOrder::Commit { commit, last }.into());
        }
        self.frame.clear();
        let mut body = self.frame.body();
        for entry in write.entries {
            body.entry(entry);
        }
        if let Some(state) = write.hard_state {
            body.hard_state(state);
        }
        if self.frame.body_len() == 0 {
            return if write.sync { self.sync() } else { Ok(()) };
        }
        tracing::trace!(number = write.number, bytes = self.frame.body_len(), sync = write.sync, "log write");
        self.append(write.sync)?;
        for entry in write.entries {
            self.ledger.entry(entry.index, entry.term);
        }
        if let Some(state) = write.hard_state {
            self.ledger.hard_state = state.clone();
        }
        Ok(())
    }

    /// Notes a snapshot whose file has been written ([`snapshot::Writer::finish`]), and syncs. If its last entry is
    /// not one that the log has, as with a snapshot from the leader, it takes the whole log's place: the next entry
    /// follows it.
    ///
    /// # Errors
    ///
    /// As [`Log::write`]; out of order when there is a newer snapshot, or no such file.
    pub fn mark_snapshot(&mut self, index: u64, term: u64, file: &str) -> Result<(), Error> {
        self.require_usable()?;
        let mark = SnapshotMark { index, term, file: file.to_owned() };
        self.ledger.check_mark(&mark)?;
        let path = self.layout.snapshots.join(file);
        if !self.disk.exists(&path).during("look for", &path)? {
            return Err(OutOfOrder::SnapshotFile(mark.file).into());
        }
        let replaces = self.ledger.is_replaced_by(&mark);
        self.frame.clear();
        self.frame.body().snapshot(&mark, replaces);
        self.append(true)?;
        self.ledger.mark(mark, replaces);
        Ok(())
    }

    /// Gives up segments whose entries are all at or below `up_to`, as far as a snapshot holds them too; and the
    /// snapshots before the last two. Keep what follows the snapshot before the last, if [`Log::fall_back`] is to
    /// be of use.
    ///
    /// # Errors
    ///
    /// The disk's own. Where a file could not be removed, the log goes on, and the next call does what is left; where
    /// the directory could not be synced, it is poisoned.
    pub fn release(&mut self, up_to: u64) -> Result<(), Error> {
        self.require_usable()?;
        let up_to = up_to.min(self.ledger.snapshot_index());
        self.ledger.release(up_to);
        while let Some(oldest) = self.sealed.front() {
            let next = self.sealed.get(1).map_or(self.current.head.first_index, |next| next.first_index);
            if next > up_to + 1 {
                break;
            }
            // One after the other lasts: a younger one must not be gone while an older one is still there.
            let gone = if self.spare.is_absent() {
                self.spare.recycle(&oldest.path)
            } else {
                self.disk.remove(&oldest.path).during("remove", &oldest.path)?;
                self.disk.sync_dir(&self.layout.wal).during("sync", &self.layout.wal)
            };
            self.fatal(gone)?;
            self.sealed.pop_front();
        }
        if let Some(oldest) = self.ledger.marks.first() {
            snapshot::remove_before(&self.disk, &self.layout.root, oldest.index)?;
        }
        Ok(())
    }

    /// Does a small piece of the work that later writes would have to wait for, a few milliseconds at most. To be
    /// called when there is nothing to write; true while there is more to do.
    ///
    /// # Errors
    ///
    /// As [`Log::write`], but for [`Error::Full`] it may as well be called again much later.
    pub fn prepare(&mut self) -> Result<bool, Error> {
        self.require_usable()?;
        self.vouch()?;
        self.spare.fill()
    }

    /// Goes back to the snapshot before the newest, whose file is not readable; its entries are taken from the log.
    ///
    /// # Errors
    ///
    /// [`Error::Damaged`] when there is no earlier snapshot that the log reaches back to.
    pub fn fall_back(&mut self, recovered: &mut Recovered) -> Result<(), Error> {
        recovered.fall_back(&mut self.ledger, &self.layout)
    }

    /// Syncs what was written without. Dropping the log without it loses no more than a crash would.
    ///
    /// # Errors
    ///
    /// As [`Log::write`].
    pub fn close(mut self) -> Result<(), Error> {
        self.require_usable()?;
        self.sync()?;
        self.vouch()?;
        self.sync()
    }

    /// The last hard state that was written.
    pub fn hard_state(&self) -> &HardState {
        &self.ledger.hard_state
    }

    /// The last index: of an entry, or of the snapshot that took the log's place.
    pub fn last_index(&self) -> u64 {
        self.ledger.last
    }
}

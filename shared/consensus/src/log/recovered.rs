use raft::eraftpb::{Entry, HardState};

use super::error::{Damage, Error, Nonsense, OutOfOrder};
use super::ledger::Ledger;
use super::recovery::{Found, damaged};
use super::{Layout, SnapshotMark};

/// What a member knew when it last wrote.
#[derive(Debug)]
pub struct Recovered {
    /// The last hard state. It is never behind the snapshot: a crash between a snapshot's arrival and the next hard
    /// state is mended here.
    pub hard_state: HardState,
    /// The entries after the snapshot.
    pub entries: Vec<Entry>,
    /// The newest snapshot. If its file turns out to be damaged, [`super::Log::fall_back`] gives the one before.
    pub snapshot: Option<SnapshotMark>,
    /// The how-manieth start of this member this is, from one. No two starts have the same.
    pub boot: u64,
    /// There was no log: the member has never run here.
    pub is_new: bool,
    /// The log's entries up to the snapshot, from the one after `base` on.
    earlier: Vec<Entry>,
    base: u64,
}

impl Recovered {
    pub(super) fn new_member(boot: u64) -> Self {
        Self {
            hard_state: HardState::default(),
            entries: Vec::new(),
            snapshot: None,
            boot,
            is_new: true,
            earlier: Vec::new(),
            base: 0,
        }
    }

    /// Checks that what was found is whole from the snapshot to the commit index.
    pub(super) fn new<F>(found: &mut Found<F>) -> Result<Self, Error> {
        let Found { ledger, entries, boot, sealed, current } = found;
        let snapshot = ledger.marks.last().cloned();
        let snapshot_index = ledger.snapshot_index();
        if ledger.base > snapshot_index {
            let path = sealed.front().map_or(&current.path, |oldest| &oldest.path).clone();
            let damage = Damage::StartMissing { first: ledger.base + 1, snapshot: snapshot_index };
            return Err(Error::Damaged { path, offset: 0, damage });
        }
        let mut hard_state = ledger.hard_state.clone();
        if let Some(mark) = &snapshot {
            hard_state.commit = hard_state.commit.max(mark.index);
            if hard_state.term < mark.term {
                // A vote counts in its term only.
                (hard_state.term, hard_state.vote) = (mark.term, 0);
            }
        }
        let (commit, last) = (hard_state.commit, ledger.last);
        if commit > last {
            let nonsense = Nonsense::OutOfOrder(OutOfOrder::Commit { commit, last });
            return Err(damaged(current, current.end, Damage::Nonsense(nonsense)));
        }
        ledger.hard_state = hard_state.clone();
        let mut earlier = std::mem::take(entries);
        let entries = earlier.split_off((snapshot_index - ledger.base) as usize);
        Ok(Self { hard_state, entries, snapshot, boot: *boot, is_new: false, earlier, base: ledger.base })
    }

    /// Goes back to the snapshot before, or to none where the log starts at the beginning.
    pub(super) fn fall_back(&mut self, ledger: &mut Ledger, layout: &Layout) -> Result<(), Error> {
        let Some(unreadable) = self.snapshot.take() else {
            return Ok(());
        };
        let older = ledger.marks.iter().rev().find(|mark| mark.index < unreadable.index).cloned();
        let index = older.as_ref().map_or(0, |mark| mark.index);
        if index < self.base {
            let path = layout.snapshots.join(&unreadable.file);
            self.snapshot = Some(unreadable);
            return Err(Error::Damaged { path, offset: 0, damage: Damage::NothingEarlier });
        }
        let file = &unreadable.file;
        tracing::warn!(file, older = index, "the newest snapshot is not readable; going back to an older one");
        ledger.marks.retain(|mark| mark.index < unreadable.index);
        let mut entries = self.earlier.split_off((index - self.base) as usize);
        entries.append(&mut self.entries);
        self.entries = entries;
        self.snapshot = older;
        Ok(())
    }
}

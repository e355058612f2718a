//! Reads the segments back, and tells what a crash tore from what rotted.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use raft::eraftpb::Entry;

use super::error::{Damage, During, Error, Nonsense, OutOfOrder};
use super::frame::{self, NoFrame};
use super::ledger::Ledger;
use super::record::{self, Record};
use super::{Identity, segment};
use crate::disk::{Disk, File};

/// A segment that takes no more frames.
#[derive(Debug)]
pub(super) struct Sealed {
    pub(super) path: PathBuf,
    pub(super) first_index: u64,
}

/// The segment that frames are appended to.
#[derive(Debug)]
pub(super) struct Current<F> {
    pub(super) path: PathBuf,
    pub(super) file: F,
    pub(super) head: segment::Head,
    /// Where the next frame goes.
    pub(super) end: u64,
    /// Up to where it was synced.
    pub(super) synced: u64,
}

/// What a log's segments hold.
#[derive(Debug)]
pub(super) struct Found<F> {
    pub(super) ledger: Ledger,
    /// From the one after `ledger.base` on.
    pub(super) entries: Vec<Entry>,
    pub(super) boot: u64,
    pub(super) sealed: VecDeque<Sealed>,
    pub(super) current: Current<F>,
}

/// Reads the log in `wal`; `None` where there is none.
pub(super) fn read<D: Disk>(disk: &D, wal: &Path, identity: Identity) -> Result<Option<Found<D::File>>, Error> {
    let names = disk.list(wal).during("list", wal)?;
    let mut segments = Vec::new();
    for path in names.iter().filter(|name| segment::sequence(name).is_some()).map(|name| wal.join(name)) {
        segments.push(open(disk, path, identity)?);
    }
    let Some((oldest, _)) = segments.split_first() else {
        return Ok(None);
    };
    let mut replay =
        Replay { ledger: Ledger::after(oldest.head.first_index - 1), entries: Vec::new(), boot: 0, synced: 0 };
    let mut sealed = VecDeque::new();
    let mut segments = segments.into_iter().peekable();
    while let Some(mut segment) = segments.next() {
        let bytes = segment.file.read_all().during("read", &segment.path)?;
        if let Some(next) = segments.peek() {
            require_successor(&segment, next)?;
            replay.sealed(&bytes, &segment, next.head.previous_end)?;
            sealed.push_back(Sealed { path: segment.path, first_index: segment.head.first_index });
            continue;
        }
        segment.end = replay.last(&bytes, &segment)?;
        segment.synced = replay.synced;
        let Replay { ledger, entries, boot, .. } = replay;
        return Ok(Some(Found { ledger, entries, boot, sealed, current: segment }));
    }
    Ok(None)
}

fn open<D: Disk>(disk: &D, path: PathBuf, expected: Identity) -> Result<Current<D::File>, Error> {
    let file = disk.open(&path).during("open", &path)?;
    let mut bytes = [0; segment::HEAD];
    let read = file.read_at(0, &mut bytes).during("read", &path)?;
    let head = segment::Head::decode(&bytes[..read], &path)?;
    if head.identity != expected {
        return Err(Error::OtherCluster { path, found: head.identity, expected });
    }
    if head.first_index == 0 {
        return Err(Error::Damaged { path, offset: 0, damage: Damage::Head });
    }
    Ok(Current { path, file, head, end: 0, synced: 0 })
}

fn require_successor<F>(segment: &Current<F>, next: &Current<F>) -> Result<(), Error> {
    let expected = segment.head.sequence + 1;
    if next.head.sequence == expected {
        return Ok(());
    }
    Err(Error::Damaged { path: next.path.clone(), offset: 0, damage: Damage::SegmentMissing(expected) })
}

struct Replay {
    ledger: Ledger,
    entries: Vec<Entry>,
    boot: u64,
    /// Up to where frames vouch for the segment that is being read.
    synced: u64,
}

impl Replay {
    /// A segment that another follows was synced as a whole: up to its `end`, anything unreadable is damage.
    fn sealed<F>(&mut self, bytes: &[u8], segment: &Current<F>, end: u64) -> Result<(), Error> {
        let within = &bytes[..bytes.len().min(end as usize)];
        let (stopped, _) = self.frames(within, segment)?;
        if stopped == end { Ok(()) } else { Err(damaged(segment, stopped, Damage::Record)) }
    }

    /// The last segment ends where the last write was torn. Unreadable bytes are damage if they were once synced:
    /// that goes for the first frame, and where a later frame vouches for it. Damage to the last frame of all, which
    /// nothing vouches for, cannot be told from a torn write.
    fn last<F>(&mut self, bytes: &[u8], segment: &Current<F>) -> Result<u64, Error> {
        let (end, why) = self.frames(bytes, segment)?;
        if end == segment::HEAD as u64 || frame::is_vouched_for(bytes, segment.head.seed(), end) {
            return Err(damaged(segment, end, Damage::Record));
        }
        if why == NoFrame::Unreadable {
            let file = segment.path.display();
            tracing::warn!(%file, offset = end, "the last write to the log was torn; it is cut off");
        }
        Ok(end)
    }

    /// Takes in frames up to the first that can't be read: says where that is, and why.
    fn frames<F>(&mut self, bytes: &[u8], segment: &Current<F>) -> Result<(u64, NoFrame), Error> {
        let seed = segment.head.seed();
        let mut at = segment::HEAD as u64;
        self.synced = at;
        loop {
            match frame::read(bytes, seed, at) {
                // Left over from before the last start.
                Ok((head, ..)) if head.boot < self.boot => return Ok((at, NoFrame::Clean)),
                Ok((head, mut body, next)) => {
                    self.boot = head.boot;
                    self.synced = self.synced.max(u64::from(head.synced).min(at));
                    while let Some(record) = record::read(&mut body).map_err(|why| damaged(segment, at, why.into()))? {
                        self.record(record)
                            .map_err(|why| damaged(segment, at, Damage::Nonsense(Nonsense::OutOfOrder(why))))?;
                    }
                    at = next;
                }
                Err(why) => return Ok((at, why)),
            }
        }
    }

    fn record(&mut self, record: Record) -> Result<(), OutOfOrder> {
        match record {
            Record::Entry(entry) => {
                let Entry { index, term, .. } = entry;
                self.ledger.check([(index, term)].into_iter())?;
                self.entries.truncate((index - 1).saturating_sub(self.ledger.base) as usize);
                self.ledger.entry(index, term);
                self.entries.push(entry);
            }
            Record::HardState(state) => self.ledger.hard_state = state,
            Record::Snapshot { mark, replaces } => {
                if replaces {
                    self.entries.clear();
                } else if mark.index > self.ledger.last {
                    return Err(OutOfOrder::Gap { index: mark.index, last: self.ledger.last });
                }
                self.ledger.mark(mark, replaces);
            }
        }
        Ok(())
    }
}

pub(super) fn damaged<F>(segment: &Current<F>, offset: u64, damage: Damage) -> Error {
    Error::Damaged { path: segment.path.clone(), offset, damage }
}

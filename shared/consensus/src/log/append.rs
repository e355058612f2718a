//! How frames get into segments, and what a disk that refuses does to the log.

use std::io;

use super::error::{During, Error};
use super::frame::{self, Frame};
use super::ledger::Ledger;
use super::recovery::{Current, Sealed};
use super::spare::Spare;
use super::{Layout, Log, segment};
use crate::disk::{Disk, File};
use crate::faults::{self, Fault};

impl<D: Disk> Log<D> {
    pub(super) fn require_usable(&self) -> Result<(), Error> {
        self.poisoned.map_or(Ok(()), |kind| Err(Error::Poisoned(kind)))
    }

    /// Writes an empty frame behind one that was synced, to say so. It need not last; it most likely will.
    pub(super) fn vouch(&mut self) -> Result<(), Error> {
        if self.is_vouched_for || self.current.synced < self.current.end {
            return Ok(());
        }
        self.frame.clear();
        // A full segment grows a little for it: a new one could not be begun without waiting for the disk.
        self.put()?;
        self.is_vouched_for = true;
        Ok(())
    }

    /// Writes the frame that was put together.
    pub(super) fn append(&mut self, sync: bool) -> Result<(), Error> {
        if self.frame.body_len() > frame::MAX_BODY {
            return Err(Error::TooLarge { bytes: self.frame.body_len() });
        }
        if self.current.end + self.frame.extent() > self.options.segment_bytes {
            self.rotate()?;
        }
        self.put()?;
        if sync { self.sync() } else { Ok(()) }
    }

    fn put(&mut self) -> Result<(), Error> {
        let extent = self.frame.extent();
        let Current { path, file, head, end, synced } = &self.current;
        let room = self.options.segment_bytes.saturating_sub(end + extent);
        let bytes = self.frame.seal(head.seed(), *end, self.boot, *synced, room);
        let outcome = file.write_at(*end, bytes).during("write", path);
        if matches!(outcome, Err(Error::Full { .. })) {
            self.take_back()?;
        }
        self.fatal_unless_full(outcome)?;
        self.current.end += extent;
        self.is_vouched_for = false;
        Ok(())
    }

    pub(super) fn sync(&mut self) -> Result<(), Error> {
        if self.current.synced == self.current.end {
            return Ok(());
        }
        if !faults::active(Fault::SyncSkipped) {
            let outcome = self.current.file.sync_data().during("sync", &self.current.path);
            self.fatal(outcome)?;
        }
        self.current.synced = self.current.end;
        Ok(())
    }

    /// Makes sure that a frame which found the disk full does not come back after a crash: only the zeros behind it
    /// may have had no room.
    fn take_back(&mut self) -> Result<(), Error> {
        let Current { path, file, end, .. } = &self.current;
        let zeros = [0; frame::HEAD];
        // No room for these either, where nothing was written at all.
        let wiped = file.write_at(*end, &zeros);
        let mut head = zeros;
        let outcome = file.read_at(*end, &mut head).and_then(|_| if head == zeros { Ok(()) } else { wiped });
        let outcome = outcome.and_then(|()| file.sync_data()).during("clear", path);
        self.fatal(outcome)?;
        self.current.synced = self.current.end;
        Ok(())
    }

    /// Goes on in a new segment, which the old one's end is known to.
    fn rotate(&mut self) -> Result<(), Error> {
        self.sync()?;
        let head = segment::Head {
            sequence: self.current.head.sequence + 1,
            first_index: self.ledger.last + 1,
            previous_end: self.current.end,
            salt: self.disk.entropy(),
            ..self.current.head
        };
        let outcome = begin(&self.disk, &self.layout, &mut self.spare, head, self.boot, &self.ledger);
        let next = self.fatal_unless_full(outcome)?;
        let old = std::mem::replace(&mut self.current, next);
        self.sealed.push_back(Sealed { path: old.path, first_index: old.head.first_index });
        Ok(())
    }

    pub(super) fn fatal<T>(&mut self, outcome: Result<T, Error>) -> Result<T, Error> {
        outcome.map_err(|error| {
            let error = error.fatal();
            self.poisoned =
                Some(if let Error::Io { source, .. } = &error { source.kind() } else { io::ErrorKind::Other });
            error
        })
    }

    fn fatal_unless_full<T>(&mut self, outcome: Result<T, Error>) -> Result<T, Error> {
        if let Err(Error::Full { .. }) = outcome { outcome } else { self.fatal(outcome) }
    }
}

/// Begins a segment with what must not be lost when those before it go: the hard state and the snapshots. Only then
/// does it get its name.
pub(super) fn begin<D: Disk>(
    disk: &D,
    layout: &Layout,
    spare: &mut Spare<D>,
    head: segment::Head,
    boot: u64,
    ledger: &Ledger,
) -> Result<Current<D::File>, Error> {
    let mut frame = Frame::new();
    let mut body = frame.body();
    body.hard_state(&ledger.hard_state);
    for mark in &ledger.marks {
        body.snapshot(mark, false);
    }
    let end = segment::HEAD as u64 + frame.extent();
    let mut bytes = head.encode().to_vec();
    bytes.extend(frame.seal(head.seed(), segment::HEAD as u64, boot, 0, segment::HEAD as u64));
    let path = layout.wal.join(head.name());
    let file = spare.get()?;
    file.write_at(0, &bytes).during("begin", &path)?;
    file.sync_data().during("sync", &path)?;
    // From here on there is no way back, not even if the disk is full: once the segment has its name, what is written
    // to the one before it is not read any more.
    let file = spare.rename(&path).map_err(Error::fatal)?;
    disk.sync_dir(&layout.wal).during("sync", &layout.wal).map_err(Error::fatal)?;
    Ok(Current { path, file, head, end, synced: end })
}

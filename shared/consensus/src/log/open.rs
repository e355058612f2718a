use std::collections::VecDeque;
use std::path::Path;

use super::append::begin;
use super::error::{During, Error};
use super::frame::{self, Frame};
use super::ledger::Ledger;
use super::recovery::{self, Found};
use super::spare::Spare;
use super::{Identity, Layout, Log, Options, Recovered, segment, snapshot};
use crate::disk::{Disk, File};

impl<D: Disk> Log<D> {
    /// Opens the log in `dir`, creates it if there is none, and counts the start.
    ///
    /// # Errors
    ///
    /// [`Error::Locked`], [`Error::OtherCluster`], [`Error::Version`], [`Error::Damaged`] and the disk's own.
    pub fn open(disk: D, dir: &Path, identity: Identity, options: Options) -> Result<(Self, Recovered), Error> {
        let layout = Layout::new(dir.to_owned());
        let lock = lock(&disk, &layout)?;
        snapshot::remove_unfinished(&disk, dir)?;
        let options = Options { segment_bytes: options.segment_bytes.min(frame::MAX_BODY as u64) };
        let mut spare = Spare::open(&disk, &layout.wal, options.segment_bytes)?;
        let (found, recovered) = match recovery::read(&disk, &layout.wal, identity)? {
            Some(mut found) => {
                found.boot += 1;
                let recovered = Recovered::new(&mut found)?;
                (found, recovered)
            }
            None => (create(&disk, &layout, &mut spare, identity)?, Recovered::new_member(1)),
        };
        let Found { ledger, boot, sealed, current, .. } = found;
        let mut log = Self {
            disk,
            layout,
            options,
            boot,
            ledger,
            sealed,
            current,
            spare,
            frame: Frame::new(),
            is_vouched_for: true,
            poisoned: None,
            _lock: lock,
        };
        log.start()?;
        Ok((log, recovered))
    }

    /// Makes the start last, and before that what was read. It may have been in the system's cache only: never
    /// synced, or worse, given up by a sync that failed, and not written by the next. So it is written once more.
    fn start(&mut self) -> Result<(), Error> {
        let current = &mut self.current;
        let mut unsynced = vec![0; (current.end - current.synced) as usize];
        current.file.read_at(current.synced, &mut unsynced).during("read", &current.path)?;
        current.file.write_at(current.synced, &unsynced).during("write", &current.path)?;
        current.file.sync_data().during("sync", &current.path)?;
        current.synced = current.end;
        self.disk.sync_dir(&self.layout.wal).during("sync", &self.layout.wal)?;
        // The second frame vouches for the first, so that no damage can make a later start take the same number.
        for _ in 0..2 {
            self.frame.clear();
            self.append(true)?;
        }
        self.is_vouched_for = true;
        Ok(())
    }
}

/// Makes the directories and takes the lock.
fn lock<D: Disk>(disk: &D, layout: &Layout) -> Result<D::Lock, Error> {
    for dir in [&layout.wal, &layout.snapshots] {
        disk.make_dir(dir).during("create", dir)?;
    }
    disk.sync_dir(&layout.root).during("sync", &layout.root)?;
    if let Some(above) = layout.root.parent().filter(|above| !above.as_os_str().is_empty()) {
        disk.sync_dir(above).during("sync", above)?;
    }
    let path = layout.root.join("lock");
    disk.lock(&path).during("lock", &path)?.ok_or_else(|| Error::Locked { path: layout.root.clone() })
}

/// Begins the log of a member that has never run here.
fn create<D: Disk>(
    disk: &D,
    layout: &Layout,
    spare: &mut Spare<D>,
    identity: Identity,
) -> Result<Found<D::File>, Error> {
    snapshot::require_none(disk, &layout.root)?;
    let head = segment::Head { identity, sequence: 1, first_index: 1, previous_end: 0, salt: disk.entropy() };
    let (boot, ledger) = (1, Ledger::default());
    let current = begin(disk, layout, spare, head, boot, &ledger)?;
    Ok(Found { ledger, entries: Vec::new(), boot, sealed: VecDeque::new(), current })
}

//! Snapshots on their way to the disk, and to other members.

use std::path::Path;

use bytes::Bytes;
use raft::eraftpb::{Message, SnapshotMetadata};
use rand::Rng as _;

use super::{
    World,
    event::Event,
    host::{CHUNK, CLUSTER, DATA, Job, Saving, name},
};
use crate::{
    log::{self, snapshot},
    sim::{
        clock::MILLISECOND,
        plan::Moment,
        violation::{Broken, Rule},
    },
    store::{Limits, Restore, Snapshot, Store},
};

/// A snapshot on its way from one member to another, chunk by chunk.
pub(crate) struct Transfer {
    from: usize,
    from_life: u64,
    to: usize,
    to_life: u64,
    message: Message,
    chunks: Vec<Bytes>,
    arrived: usize,
}

impl Saving {
    /// Writes all that is left, and gives the file its name.
    pub(crate) fn finish(&mut self, store: &Store) -> Result<(), log::Error> {
        while self.push(store)? {}
        Ok(())
    }

    /// Writes a chunk. False when there was none left.
    fn push(&mut self, store: &Store) -> Result<bool, log::Error> {
        match store.snapshot_chunk(&mut self.snapshot, CHUNK) {
            Some(chunk) => self.writer.push(&chunk).map(|()| true),
            None => Ok(false),
        }
    }
}

impl World {
    pub(super) fn begin_saving(&mut self, place: usize, life: u64, metadata: SnapshotMetadata, snapshot: Snapshot) {
        let disk = self.hosts[place].disk.clone();
        let soon = self.now + self.rng.random_range(MILLISECOND..10 * MILLISECOND);
        let Some(process) = self.hosts[place].process(life) else { return };
        match snapshot::Writer::new(disk, Path::new(DATA), CLUSTER, metadata.index, metadata.term) {
            Ok(writer) => {
                process.saving = Some(Saving { metadata, snapshot, writer });
                self.queue.push(soon, Event::Save { host: place, life });
            }
            Err(_) => process.node.snapshot_failed(),
        }
    }

    /// The state that a snapshot was being taken of has been replaced: it is of no use any more.
    pub(super) fn installed(&mut self, place: usize) {
        let Some(process) = &mut self.hosts[place].process else { return };
        process.observed = 0;
        if process.saving.take().is_some() {
            process.node.snapshot_failed();
        }
    }

    /// Some more of a snapshot goes to the disk.
    pub(super) fn save(&mut self, place: usize, life: u64) -> Result<(), Broken> {
        let soon = self.now + self.rng.random_range(MILLISECOND / 4..8 * MILLISECOND);
        let chunks = self.rng.random_range(1..8);
        let Some(process) = self.hosts[place].process(life) else { return Ok(()) };
        let Some(mut saving) = process.saving.take() else { return Ok(()) };
        // The node has put another's state in its place, and what it has to write of that still waits for the disk.
        if !process.store().serves(&saving.snapshot) {
            process.node.snapshot_failed();
            return Ok(());
        }
        let pushed = {
            let store = process.store();
            (0..chunks).try_fold(true, |more, _| if more { saving.push(&store) } else { Ok(false) })
        };
        match pushed {
            Ok(true) => {
                process.saving = Some(saving);
                self.queue.push(soon, Event::Save { host: place, life });
                self.moment(place, Moment::Saving)?;
            }
            Ok(false) => match saving.writer.finish() {
                Ok(_) => self.give(place, life, Job::Mark(saving.metadata)),
                Err(_) => process.node.snapshot_failed(),
            },
            Err(_) => process.node.snapshot_failed(),
        }
        Ok(())
    }

    /// Opens the file that a snapshot message speaks of.
    pub(super) fn begin_transfer(&mut self, from: usize, from_life: u64, to: usize, message: Message) {
        let file = name(message.get_snapshot().get_metadata()).file();
        let path = snapshot::dir(Path::new(DATA)).join(file);
        let chunks = snapshot::Reader::open(&self.hosts[from].disk, &path).and_then(|reader| reader.collect());
        let (peer, to_life) = (message.to, self.hosts[to].life);
        // It may have been replaced by a newer one since.
        let Ok(chunks) = chunks else {
            return self
                .queue
                .push(self.now + MILLISECOND, Event::Sent { host: from, life: from_life, peer, delivered: false });
        };
        let transfer = self.name() as u64;
        self.transfers.insert(transfer, Transfer { from, from_life, to, to_life, message, chunks, arrived: 0 });
        let delay = self.network.delay();
        self.queue.push(self.now + delay, Event::Chunk { transfer });
    }

    /// A chunk arrives, or the connection breaks.
    pub(super) fn chunk(&mut self, transfer: u64) -> Result<(), Broken> {
        let Some(mut sending) = self.transfers.remove(&transfer) else { return Ok(()) };
        let Transfer { from, from_life, to, to_life, .. } = sending;
        let runs = |world: &Self, place: usize, life: u64| {
            world.hosts[place].life == life && world.hosts[place].process.is_some()
        };
        let whole = self.network.reaches(from, to)
            && self.network.reaches(to, from)
            && runs(self, from, from_life)
            && runs(self, to, to_life)
            && !self.network.chance(3);
        let delay = self.network.delay();
        if !whole {
            self.sent(&sending, false, delay);
            return Ok(());
        }
        sending.arrived += 1;
        if sending.arrived < sending.chunks.len() {
            self.transfers.insert(transfer, sending);
            self.queue.push(self.now + delay / 4, Event::Chunk { transfer });
            return Ok(());
        }
        self.received(sending, delay)
    }

    /// All of a snapshot has arrived: it goes to the disk, and then to the node.
    fn received(&mut self, transfer: Transfer, delay: u64) -> Result<(), Broken> {
        let (to, life) = (transfer.to, transfer.to_life);
        let metadata = transfer.message.get_snapshot().get_metadata().clone();
        let kept = keep(&self.hosts[to].disk, &metadata, &transfer.chunks);
        self.sent(&transfer, kept.is_ok(), delay);
        if kept.is_err() || self.moment(to, Moment::Received)? {
            return Ok(());
        }
        let store = restore(&transfer.chunks)?;
        self.report.snapshots_received += 1;
        self.input(to, life, |process| process.node.receive_snapshot(transfer.message, store));
        Ok(())
    }

    fn sent(&mut self, transfer: &Transfer, delivered: bool, delay: u64) {
        let Transfer { from, from_life, message, .. } = transfer;
        let event = Event::Sent { host: *from, life: *from_life, peer: message.to, delivered };
        self.queue.push(self.now + delay, event);
    }
}

fn keep(disk: &crate::disk::Simulated, metadata: &SnapshotMetadata, chunks: &[Bytes]) -> Result<(), log::Error> {
    let mut writer = snapshot::Writer::new(disk.clone(), Path::new(DATA), CLUSTER, metadata.index, metadata.term)?;
    chunks.iter().try_for_each(|chunk| writer.push(chunk))?;
    writer.finish().map(drop)
}

fn restore(chunks: &[Bytes]) -> Result<Store, Broken> {
    let mut restore = Restore::new(Limits::default());
    let broken = |error| Broken::new(Rule::LogReadable, format!("a snapshot that arrived whole: {error}"));
    for chunk in chunks {
        restore.push(chunk.clone()).map_err(broken)?;
    }
    restore.finish().map(|(store, _)| store).map_err(broken)
}

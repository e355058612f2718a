//! What has ended and waits to be sent, as it will be sent.

use std::{
    collections::VecDeque,
    mem,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::sync::Notify;

use crate::wire::Wire;

/// A chunk of this size is closed, and sent when its turn comes.
const CHUNK: usize = 256 * 1024;
/// Chunks kept for reuse once they are sent.
const SPARE: usize = 4;
/// `ScopeSpans.spans`, and `ScopeLogs.log_records`.
const ITEMS: u8 = 2;

/// Spans or log records on their way out, each as a field of OTLP's `ScopeSpans` or `ScopeLogs`. Holds up to a number of
/// items, and up to 1 KiB for each of them; what finds no room is lost and counted.
#[derive(Debug)]
pub struct Queue {
    state: Mutex<State>,
    /// Told when a chunk is full.
    pub(super) ready: Notify,
    capacity: usize,
    /// A chunk of so many items is closed as well.
    batch: usize,
    pub(super) counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct State {
    open: Chunk,
    full: VecDeque<Chunk>,
    spare: Vec<Vec<u8>>,
    /// All that is in here or in the sender's hands.
    items: usize,
    bytes: usize,
}

impl State {
    /// Closes the open chunk and opens another.
    fn turn(&mut self) -> Chunk {
        let next = Chunk { bytes: self.spare.pop().unwrap_or_default(), items: 0 };
        mem::replace(&mut self.open, next)
    }
}

/// Items that are sent together.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    pub(super) bytes: Vec<u8>,
    pub(super) items: usize,
}

/// What became of items since the process began.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) ended: AtomicU64,
    pub(super) no_room: AtomicU64,
    pub(super) exported: AtomicU64,
    pub(super) failed: AtomicU64,
    pub(super) rejected: AtomicU64,
}

impl Counts {
    pub(super) fn add(counter: &AtomicU64, items: usize) {
        counter.fetch_add(items as u64, Ordering::Relaxed);
    }
}

impl Queue {
    /// A queue for so many items.
    pub fn new(capacity: usize) -> Self {
        Self::in_batches(capacity, usize::MAX)
    }

    /// A queue for so many items, of which at most `batch` are sent together.
    pub(super) fn in_batches(capacity: usize, batch: usize) -> Self {
        Self { state: Mutex::default(), ready: Notify::new(), capacity, batch, counts: Arc::default() }
    }

    /// How many items it holds at most.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// How many items have ended and are not sent.
    pub fn len(&self) -> usize {
        self.lock().items
    }

    /// Whether all that has ended is sent.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many items found no room.
    pub fn lost(&self) -> u64 {
        self.counts.no_room.load(Ordering::Relaxed)
    }

    /// How many items a collector has taken.
    pub fn exported(&self) -> u64 {
        self.counts.exported.load(Ordering::Relaxed)
    }

    /// How many items could not be sent.
    pub fn failed(&self) -> u64 {
        self.counts.failed.load(Ordering::Relaxed)
    }

    /// How many items a collector has looked at and rejected.
    pub fn rejected(&self) -> u64 {
        self.counts.rejected.load(Ordering::Relaxed)
    }

    /// All that waits, as fields of a `ScopeSpans` or `ScopeLogs`.
    #[cfg(test)]
    pub(crate) fn drain(&self) -> Vec<u8> {
        let mut all = Vec::new();
        while let Some(chunk) = self.take(true) {
            all.extend_from_slice(&chunk.bytes);
            self.done(chunk);
        }
        all
    }

    /// Takes an item of this many bytes, which `write` appends.
    pub(crate) fn push(&self, length: usize, write: impl FnOnce(&mut Vec<u8>)) {
        Counts::add(&self.counts.ended, 1);
        let mut state = self.lock();
        if state.items >= self.capacity || state.bytes + length > self.capacity * 1024 {
            drop(state);
            Counts::add(&self.counts.no_room, 1);
            return;
        }
        let before = state.open.bytes.len();
        state.open.bytes.head(ITEMS, length);
        write(&mut state.open.bytes);
        state.open.items += 1;
        state.items += 1;
        let after = state.open.bytes.len();
        state.bytes += after - before;
        if after >= CHUNK || state.open.items >= self.batch {
            let full = state.turn();
            state.full.push_back(full);
            drop(state);
            self.ready.notify_one();
        }
    }

    /// The oldest chunk; the one that is not full, too, where `any` is given.
    pub(super) fn take(&self, any: bool) -> Option<Chunk> {
        let mut state = self.lock();
        let full = state.full.pop_front();
        full.or_else(|| (any && state.open.items > 0).then(|| state.turn()))
    }

    /// A chunk has been sent, or given up.
    pub(super) fn done(&self, chunk: Chunk) {
        let mut state = self.lock();
        state.items -= chunk.items;
        state.bytes -= chunk.bytes.len();
        if state.spare.len() < SPARE {
            let mut bytes = chunk.bytes;
            bytes.clear();
            state.spare.push(bytes);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // What is written under it can't panic half-way but for want of memory.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! What has ended and waits to be sent, as it will be sent.

use std::{
    collections::VecDeque,
    mem,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::sync::Notify;

use crate::wire::Wire;

/// A chunk of this size is closed, and sent when its turn comes.
const CHUNK: usize = 256 * 1024;
/// Chunks kept for reuse once they are sent.
const SPARE: usize = 4;
/// `ScopeSpans.spans`.
const SPANS: u8 = 2;

/// Spans on their way out, each as a field of OTLP's `ScopeSpans`. Holds up to a number of spans, and up to 1 KiB for
/// each of them; what finds no room is lost and counted.
#[derive(Debug)]
pub struct Queue {
    state: Mutex<State>,
    /// Told when a chunk is full.
    pub(super) ready: Notify,
    capacity: usize,
    pub(super) counts: Counts,
}

#[derive(Debug, Default)]
struct State {
    open: Chunk,
    full: VecDeque<Chunk>,
    spare: Vec<Vec<u8>>,
    /// All that is in here or in the sender's hands.
    spans: usize,
    bytes: usize,
}

impl State {
    /// Closes the open chunk and opens another.
    fn turn(&mut self) -> Chunk {
        let next = Chunk { bytes: self.spare.pop().unwrap_or_default(), spans: 0 };
        mem::replace(&mut self.open, next)
    }
}

/// Spans that are sent together.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    pub(super) bytes: Vec<u8>,
    pub(super) spans: usize,
}

/// What became of spans since the process began.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) ended: AtomicU64,
    pub(super) no_room: AtomicU64,
    pub(super) exported: AtomicU64,
    pub(super) failed: AtomicU64,
    pub(super) rejected: AtomicU64,
}

impl Counts {
    pub(super) fn add(counter: &AtomicU64, spans: usize) {
        counter.fetch_add(spans as u64, Ordering::Relaxed);
    }
}

impl Queue {
    /// A queue for so many spans.
    pub fn new(capacity: usize) -> Self {
        Self { state: Mutex::default(), ready: Notify::new(), capacity, counts: Counts::default() }
    }

    /// How many spans it holds at most.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// How many spans have ended and are not sent.
    pub fn len(&self) -> usize {
        self.lock().spans
    }

    /// Whether all that has ended is sent.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many spans found no room.
    pub fn lost(&self) -> u64 {
        self.counts.no_room.load(Ordering::Relaxed)
    }

    /// How many spans a collector has taken.
    pub fn exported(&self) -> u64 {
        self.counts.exported.load(Ordering::Relaxed)
    }

    /// How many spans could not be sent.
    pub fn failed(&self) -> u64 {
        self.counts.failed.load(Ordering::Relaxed)
    }

    /// How many spans a collector has looked at and rejected.
    pub fn rejected(&self) -> u64 {
        self.counts.rejected.load(Ordering::Relaxed)
    }

    /// All that waits, as fields of a `ScopeSpans`.
    #[cfg(test)]
    pub(crate) fn drain(&self) -> Vec<u8> {
        let mut all = Vec::new();
        while let Some(chunk) = self.take(true) {
            all.extend_from_slice(&chunk.bytes);
            self.done(chunk);
        }
        all
    }

    /// Takes a span of this many bytes, which `write` appends.
    pub(crate) fn push(&self, length: usize, write: impl FnOnce(&mut Vec<u8>)) {
        Counts::add(&self.counts.ended, 1);
        let mut state = self.lock();
        if state.spans >= self.capacity || state.bytes + length > self.capacity * 1024 {
            drop(state);
            Counts::add(&self.counts.no_room, 1);
            return;
        }
        let before = state.open.bytes.len();
        state.open.bytes.head(SPANS, length);
        write(&mut state.open.bytes);
        state.open.spans += 1;
        state.spans += 1;
        let after = state.open.bytes.len();
        state.bytes += after - before;
        if after >= CHUNK {
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
        full.or_else(|| (any && state.open.spans > 0).then(|| state.turn()))
    }

    /// A chunk has been sent, or given up.
    pub(super) fn done(&self, chunk: Chunk) {
        let mut state = self.lock();
        state.spans -= chunk.spans;
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

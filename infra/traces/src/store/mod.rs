//! The newest spans, within a bound of memory.
//!
//! Spans go into chunks. A few are open, so that requests can be taken at once; a full one is closed and never changed
//! again. When all of them together are larger than the bound, the oldest is dropped, and counted.

mod chunk;
mod codec;
mod decode;
mod dependencies;
mod encode;
mod find;
mod matching;
pub mod model;
mod origins;
mod strings;
mod tables;
mod text;

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use self::chunk::Chunk;
pub use self::{
    dependencies::Dependency,
    find::{Operation, Search},
    text::{double, value as text_of},
};
use crate::wire::Batch;

/// Into how many chunks the memory is divided: what is dropped at once is this part of it.
const CHUNKS: usize = 64;
/// No chunk is larger, so that dropping one is not felt.
const LARGEST: usize = 4 << 20;

/// The spans.
#[derive(Debug)]
pub struct Store {
    open: Vec<Mutex<Chunk>>,
    closed: RwLock<VecDeque<Arc<Chunk>>>,
    /// Bytes that chunks may take.
    bound: usize,
    /// A chunk of this many bytes is closed.
    full: usize,
    /// What the open ones took when they were last looked at, and what the closed ones take.
    open_bytes: Vec<AtomicUsize>,
    closed_bytes: AtomicUsize,
    counts: Counts,
}

#[derive(Debug, Default)]
struct Counts {
    spans: AtomicU64,
    evicted_spans: AtomicU64,
    evicted_traces: AtomicU64,
    evicted_chunks: AtomicU64,
}

/// What is kept, and what no longer is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct State {
    /// Spans that are kept.
    pub spans: u64,
    /// Traces, as far as chunks tell: one that stands in two counts twice.
    pub traces: u64,
    /// Bytes of memory that they take.
    pub bytes: usize,
    /// Bytes they may take.
    pub bytes_limit: usize,
    /// The start of the earliest span that is kept; nanoseconds since 1970.
    pub oldest_start: Option<u64>,
    /// Spans that were dropped for newer ones.
    pub evicted_spans: u64,
    /// Their traces, counted as above.
    pub evicted_traces: u64,
    /// How often something was dropped.
    pub evictions: u64,
}

impl Store {
    /// An empty store of at most `bound` bytes, into which about `writers` requests can be taken at once.
    #[must_use]
    pub fn new(bound: usize, writers: usize) -> Self {
        let writers = writers.clamp(1, 8);
        let chunks = || std::iter::repeat_with(Default::default).take(writers);
        Self {
            open: chunks().collect(),
            closed: RwLock::default(),
            bound,
            full: (bound / CHUNKS).min(LARGEST),
            open_bytes: std::iter::repeat_with(AtomicUsize::default).take(writers).collect(),
            closed_bytes: AtomicUsize::new(0),
            counts: Counts::default(),
        }
    }

    /// Keeps the spans of a request.
    pub fn add(&self, batch: &Batch<'_>) {
        let (place, mut chunk) = self.free_chunk();
        for group in &batch.groups {
            let mut origin = None;
            for span in &group.spans {
                let (resource, scope) = *origin.get_or_insert_with(|| {
                    let Chunk { origins, words, .. } = &mut *chunk;
                    (origins.resource(group.resource, words), origins.scope(group.scope, words))
                });
                chunk.add(span, &batch.parts, resource, scope);
                // Its size is summed up from many parts: not after each span.
                if chunk.spans().is_multiple_of(64) && chunk.size() >= self.full {
                    self.close(&mut chunk);
                    origin = None;
                }
            }
        }
        if chunk.size() >= self.full {
            self.close(&mut chunk);
        }
        self.open_bytes[place].store(chunk.size(), Ordering::Relaxed);
        drop(chunk);
        self.counts.spans.fetch_add(batch.accepted as u64, Ordering::Relaxed);
        self.evict();
    }

    /// An open chunk that nobody writes to; the first of those, so that few requests fill one chunk.
    fn free_chunk(&self) -> (usize, MutexGuard<'_, Chunk>) {
        let free = self.open.iter().enumerate().find_map(|(place, chunk)| Some((place, chunk.try_lock().ok()?)));
        free.unwrap_or_else(|| (0, lock(&self.open[0])))
    }

    fn close(&self, chunk: &mut Chunk) {
        let mut full = std::mem::take(chunk);
        full.shrink();
        self.closed_bytes.fetch_add(full.size(), Ordering::Relaxed);
        self.closed.write().unwrap_or_else(PoisonError::into_inner).push_back(Arc::new(full));
    }

    fn evict(&self) {
        while self.bytes() > self.bound {
            let oldest = self.closed.write().unwrap_or_else(PoisonError::into_inner).pop_front();
            let Some(oldest) = oldest else { break };
            self.closed_bytes.fetch_sub(oldest.size(), Ordering::Relaxed);
            let Counts { spans, evicted_spans, evicted_traces, evicted_chunks } = &self.counts;
            spans.fetch_sub(oldest.spans() as u64, Ordering::Relaxed);
            evicted_spans.fetch_add(oldest.spans() as u64, Ordering::Relaxed);
            evicted_traces.fetch_add(oldest.traces.len() as u64, Ordering::Relaxed);
            evicted_chunks.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn bytes(&self) -> usize {
        let open: usize = self.open_bytes.iter().map(|bytes| bytes.load(Ordering::Relaxed)).sum();
        open + self.closed_bytes.load(Ordering::Relaxed)
    }

    /// Shows every chunk once, the newest first. Open ones are locked meanwhile, closed ones are not.
    fn look_at(&self, mut look: impl FnMut(&Chunk)) {
        // All open ones first, and in their order: none is closed while the closed ones are listed.
        let open: Vec<_> = self.open.iter().map(lock).collect();
        let closed = self.closed.read().unwrap_or_else(PoisonError::into_inner).clone();
        open.iter().for_each(|chunk| look(chunk));
        drop(open);
        closed.iter().rev().for_each(|chunk| look(chunk));
    }

    /// How many spans were dropped for newer ones.
    #[must_use]
    pub fn evicted_spans(&self) -> u64 {
        self.counts.evicted_spans.load(Ordering::Relaxed)
    }

    /// What is kept, and what no longer is.
    #[must_use]
    pub fn state(&self) -> State {
        let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let mut state = State {
            spans: count(&self.counts.spans),
            bytes: self.bytes(),
            bytes_limit: self.bound,
            evicted_spans: count(&self.counts.evicted_spans),
            evicted_traces: count(&self.counts.evicted_traces),
            evictions: count(&self.counts.evicted_chunks),
            ..State::default()
        };
        self.look_at(|chunk| {
            state.traces += chunk.traces.len() as u64;
            let first = chunk.starts.map(|(first, _)| first);
            state.oldest_start = state.oldest_start.into_iter().chain(first).min();
        });
        state
    }
}

/// What panicked while it held a chunk has left it readable: columns are only ever appended to.
fn lock(chunk: &Mutex<Chunk>) -> MutexGuard<'_, Chunk> {
    chunk.lock().unwrap_or_else(PoisonError::into_inner)
}

//! An example of a request or order for each bucket: which trace was it that took so long? OpenTelemetry's SDK keeps none,
//! so they are kept beside it.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::SystemTime,
};

use opentelemetry::KeyValue;

use super::buckets::{self, BOUNDS};
use crate::context::TraceContext;

/// Series of one histogram that have exemplars at most: some 3 KiB each.
const SERIES: usize = 500;

/// Those of all histograms, by their names.
static ALL: Mutex<BTreeMap<&'static str, Arc<Exemplars>>> = Mutex::new(BTreeMap::new());

/// A value that was recorded, and the span it belongs to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Exemplar {
    pub(super) seconds: f64,
    pub(super) at: SystemTime,
    pub(super) trace: TraceContext,
}

/// The exemplars of one histogram, by attributes.
#[derive(Debug, Default)]
pub(super) struct Exemplars {
    series: Mutex<HashMap<Vec<KeyValue>, Arc<Newest>>>,
}

impl Exemplars {
    /// Those of the histogram of this name.
    pub(super) fn of(name: &'static str) -> Arc<Self> {
        Arc::clone(lock(&ALL).entry(name).or_default())
    }

    /// Where a series' exemplars are kept; `None` where there are too many series.
    pub(super) fn series(&self, attributes: &[KeyValue]) -> Option<Arc<Newest>> {
        let mut series = lock(&self.series);
        let key = sorted(attributes.to_vec());
        if series.len() >= SERIES && !series.contains_key(&key) {
            return None;
        }
        Some(Arc::clone(series.entry(key).or_default()))
    }
}

/// Those of a histogram's data point, each with its bucket.
pub(super) fn of<'a>(name: &str, attributes: impl Iterator<Item = &'a KeyValue>) -> Vec<(usize, Exemplar)> {
    let Some(histogram) = lock(&ALL).get(name).map(Arc::clone) else { return Vec::new() };
    let key = sorted(attributes.cloned().collect());
    let series = lock(&histogram.series).get(&key).map(Arc::clone);
    series.map_or_else(Vec::new, |newest| newest.all())
}

fn sorted(mut attributes: Vec<KeyValue>) -> Vec<KeyValue> {
    attributes.sort_by(|a, b| a.key.cmp(&b.key));
    attributes
}

type Slots = [Mutex<Option<Exemplar>>; BOUNDS + 1];

/// The newest exemplar of each bucket of a series.
#[derive(Debug, Default)]
pub(super) struct Newest {
    /// Made with the first: most series of a process that records few traces have none.
    slots: OnceLock<Box<Slots>>,
}

impl Newest {
    /// Keeps it instead of the one before in its bucket. Where another thread does so right now, that one stays.
    pub(super) fn keep(&self, seconds: f64, trace: TraceContext) {
        let slots = self.slots.get_or_init(|| Box::new(std::array::from_fn(|_| Mutex::default())));
        if let Ok(mut slot) = slots[buckets::of(seconds)].try_lock() {
            *slot = Some(Exemplar { seconds, at: SystemTime::now(), trace });
        }
    }

    fn all(&self) -> Vec<(usize, Exemplar)> {
        let slots = self.slots.get().into_iter().flat_map(|slots| slots.iter());
        slots.enumerate().filter_map(|(bucket, slot)| Some((bucket, (*lock(slot))?))).collect()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is done under it can't panic half-way but for want of memory.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

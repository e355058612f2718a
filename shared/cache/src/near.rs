//! The cache in the process: for a moment, in front of memcached.

use std::{
    any::Any,
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex},
    time::Instant,
};

use crate::{Cached, Source, Stamp, config::Near as Bounds, metric_definitions::METRICS};

/// Entries, the oldest first to go, as that is also the first to expire.
#[derive(Debug)]
pub(crate) struct Near {
    bounds: Bounds,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    entries: HashMap<String, Entry>,
    /// Keys in the order in which they came; one that was replaced or removed stands there once more, by another number.
    order: VecDeque<(u64, String)>,
    next: u64,
    bytes: usize,
}

#[derive(Debug)]
struct Entry {
    number: u64,
    since: Instant,
    epoch: u64,
    bytes: usize,
    stamp: Stamp,
    /// An `Option<Arc<V>>`.
    value: Box<dyn Any + Send + Sync>,
}

impl Near {
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self { bounds, held: Mutex::default() }
    }

    pub(crate) fn get<V: Send + Sync + 'static>(&self, key: &str, epoch: u64) -> Option<Cached<V>> {
        let held = self.lock();
        let entry = held.entries.get(key)?;
        if entry.epoch != epoch || entry.since.elapsed() > self.bounds.ttl() {
            return None;
        }
        let value = entry.value.downcast_ref::<Option<Arc<V>>>()?.clone();
        Some(Cached { value, stamp: entry.stamp, source: Source::Near })
    }

    /// Takes a value that was read at `since`: what it was read from may have been changed from then on.
    pub(crate) fn put<V: Send + Sync + 'static>(
        &self,
        key: &str,
        epoch: u64,
        since: Instant,
        bytes: usize,
        cached: &Cached<V>,
    ) {
        let bytes = bytes + key.len();
        if bytes > self.bounds.bytes || self.bounds.entries == 0 {
            return;
        }
        let mut held = self.lock();
        held.remove(key);
        let number = held.next;
        held.next += 1;
        held.bytes += bytes;
        let value = Box::new(cached.value.clone());
        held.entries.insert(key.to_owned(), Entry { number, since, epoch, bytes, stamp: cached.stamp, value });
        held.order.push_back((number, key.to_owned()));
        let evicted = held.shrink(&self.bounds);
        drop(held);
        if evicted > 0 {
            METRICS.near_evicted.add(evicted, &[]);
        }
    }

    pub(crate) fn remove(&self, key: &str) {
        self.lock().remove(key);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Held> {
        self.held.lock().expect("nothing panics while it holds the lock")
    }
}

impl Held {
    fn remove(&mut self, key: &str) {
        if let Some(entry) = self.entries.remove(key) {
            self.bytes -= entry.bytes;
        }
    }

    /// Lets go what has expired, and what there is no room for; how much of the latter.
    fn shrink(&mut self, bounds: &Bounds) -> u64 {
        let mut evicted = 0;
        while let Some((number, key)) = self.order.front() {
            let current = self.entries.get(key).filter(|entry| entry.number == *number);
            let full = self.entries.len() > bounds.entries || self.bytes > bounds.bytes;
            match current.map(|entry| entry.since.elapsed() > bounds.ttl()) {
                Some(false) if !full => break,
                Some(false) => evicted += 1,
                Some(true) | None => {}
            }
            let gone = current.is_some();
            let Some((_, key)) = self.order.pop_front() else { break };
            if gone {
                self.remove(&key);
            }
        }
        evicted
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn near(entries: usize, bytes: usize) -> Near {
        Near::new(Bounds { ttl: Duration::from_secs(1), entries, bytes })
    }

    fn cached(value: u32) -> Cached<u32> {
        Cached { value: Some(Arc::new(value)), stamp: Stamp::default(), source: Source::Cache }
    }

    fn put(near: &Near, key: &str, value: u32) {
        near.put(key, 0, Instant::now(), 10, &cached(value));
    }

    fn get(near: &Near, key: &str) -> Option<u32> {
        near.get::<u32>(key, 0).map(|cached| *cached.value.unwrap())
    }

    #[test]
    fn the_oldest_goes_first() {
        let near = near(2, 1_000);
        [("a", 1), ("b", 2), ("a", 3), ("c", 4)].into_iter().for_each(|(key, value)| put(&near, key, value));
        assert_eq!(["a", "b", "c"].map(|key| get(&near, key)), [Some(3), None, Some(4)]);
        let held = near.lock();
        assert_eq!((held.entries.len(), held.bytes), (2, 22));
    }

    #[test]
    fn it_holds_no_more_bytes_than_it_may() {
        let near = near(100, 30);
        [("a", 1), ("b", 2), ("c", 3)].into_iter().for_each(|(key, value)| put(&near, key, value));
        assert_eq!(["a", "b", "c"].map(|key| get(&near, key)), [None, Some(2), Some(3)]);
        near.put("d", 0, Instant::now(), 40, &cached(4));
        assert_eq!(get(&near, "d"), None, "more than there is room for in all");
    }

    #[test]
    fn what_is_old_or_of_another_kind_or_policy_is_not_given() {
        let near = near(2, 1_000);
        put(&near, "a", 1);
        assert_eq!(near.get::<String>("a", 0).map(|cached| cached.value), None);
        assert!(near.get::<u32>("a", 1).is_none());
        let past = Instant::now().checked_sub(Duration::from_millis(1_001)).unwrap();
        near.put("a", 0, past, 10, &cached(1));
        assert_eq!(get(&near, "a"), None);
        near.remove("a");
        assert_eq!(near.lock().bytes, 0);
    }

    #[test]
    fn keys_that_come_again_and_again_do_not_pile_up() {
        let near = near(4, 1_000);
        (0..1_000).for_each(|value| put(&near, ["a", "b"][value as usize % 2], value));
        assert!(near.lock().order.len() <= 4, "{}", near.lock().order.len());
    }
}

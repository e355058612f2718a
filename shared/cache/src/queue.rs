//! Changes that are to be told of: by a task of its own, so that whoever made them does not wait, each key once in a while
//! however often it changes, and no more than there is room for.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    sync::{Arc, Mutex, MutexGuard, Weak},
    time::Duration,
};

use tokio::{sync::Notify, task::JoinHandle, time::sleep};

use crate::{Cache, Change, Key, Kind, Stamp, metric_definitions::METRICS, stamp::now};

/// From one telling to the next: a key is told of forty times a second at most.
const PACE: Duration = Duration::from_millis(25);
/// How many keys are told of at once, so that what this costs is bounded: what waits meanwhile is told once.
const TOGETHER: usize = 256;
/// The same where most of it is to be told to nobody.
const TOGETHER_SPARSE: usize = 1_024;
/// How many keys wait, at most.
const MOST: usize = 50_000;

/// A change that was committed.
#[derive(Debug)]
pub struct News<K: Kind> {
    /// Of which.
    pub key: Key<K>,
    /// What it is now; `None` where whoever has changed it does not know.
    pub value: Option<K::Value>,
    /// The position of the change, and the value's version after it. Neither where they are not known.
    pub stamp: Stamp,
}

impl<K: Kind> News<K> {
    /// A value that was written at a position, by who saw all that was before `sees`.
    pub fn written(key: Key<K>, value: K::Value, position: u64, sees: u64) -> Self {
        let stamp = Stamp { sees, shows: position, read_at: now(), version: K::version(&value) };
        Self { key, value: Some(value), stamp }
    }

    /// A value that was changed at a position, and it is not known here to what.
    pub fn at(key: Key<K>, position: u64) -> Self {
        Self { key, value: None, stamp: Stamp { shows: position, ..Stamp::default() } }
    }

    /// A value that was changed, and nothing is known of that.
    pub fn unknown(key: Key<K>) -> Self {
        Self::at(key, 0)
    }

    fn is_unknown(&self) -> bool {
        (self.stamp.shows, self.stamp.version) == (0, 0)
    }

    /// Both of them, told as one.
    fn and(self, other: Self) -> Self {
        if self.is_unknown() || other.is_unknown() {
            return Self::unknown(self.key);
        }
        let order = |news: &Self| (news.stamp.version, news.stamp.shows);
        let (older, newer) = if order(&self) > order(&other) { (other, self) } else { (self, other) };
        // A row that is written later may have been so by the transaction that began earlier.
        Self { stamp: Stamp { shows: newer.stamp.shows.max(older.stamp.shows), ..newer.stamp }, ..newer }
    }
}

/// What is to be told of one kind.
pub(crate) struct Queue<K: Kind> {
    cache: Cache,
    waiting: Mutex<Waiting<K>>,
    came: Arc<Notify>,
    task: Mutex<Option<JoinHandle<()>>>,
}

struct Waiting<K: Kind> {
    news: HashMap<Arc<str>, News<K>>,
    /// The keys in the order in which they came.
    order: VecDeque<Arc<str>>,
}

impl<K: Kind> fmt::Debug for Queue<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").field("kind", &K::NAME).finish_non_exhaustive()
    }
}

impl<K: Kind> Drop for Queue<K> {
    fn drop(&mut self) {
        let task = self.task.get_mut().ok().and_then(Option::take);
        task.into_iter().for_each(|task| task.abort());
    }
}

impl<K: Kind> Queue<K> {
    /// A queue that is told to a cache from now on.
    pub(crate) fn start(cache: Cache) -> Arc<Self> {
        let came = Arc::new(Notify::new());
        let waiting = Mutex::new(Waiting { news: HashMap::new(), order: VecDeque::new() });
        let queue = Arc::new(Self { cache, waiting, came: Arc::clone(&came), task: Mutex::default() });
        let task = tokio::spawn(keep_telling(Arc::downgrade(&queue), came));
        *queue.task.lock().expect("nothing panics while it holds the lock") = Some(task);
        queue
    }

    pub(crate) fn take(&self, news: impl IntoIterator<Item = News<K>>) {
        if !self.cache.inner().live.tells() {
            return;
        }
        let mut dropped = 0;
        let mut waiting = self.waiting();
        for news in news {
            let key = news.key.shared();
            match waiting.news.remove(&key) {
                Some(before) => {
                    waiting.news.insert(key, before.and(news));
                }
                None if waiting.order.len() >= MOST => dropped += 1,
                None => {
                    waiting.order.push_back(Arc::clone(&key));
                    waiting.news.insert(key, news);
                }
            }
        }
        drop(waiting);
        METRICS.told(K::NAME, "dropped", dropped);
        self.came.notify_one();
    }

    /// Tells of those that have waited longest; whether others are left.
    async fn tell(&self) -> bool {
        let most = if K::SPARSE { TOGETHER_SPARSE } else { TOGETHER };
        let (news, left) = {
            let mut waiting = self.waiting();
            let count = waiting.order.len().min(most);
            let keys: Vec<Arc<str>> = waiting.order.drain(..count).collect();
            let news: Vec<News<K>> = keys.iter().filter_map(|key| waiting.news.remove(key)).collect();
            (news, !waiting.order.is_empty())
        };
        let (mut written, mut outdated) = (Vec::new(), Vec::new());
        for News { key, value, stamp } in news {
            match value {
                Some(value) => written.push(Change { key, value: Some(value), stamp }),
                None => outdated.push((key, stamp)),
            }
        }
        if !written.is_empty() {
            self.cache.changed_many(written).await;
        }
        if !outdated.is_empty() {
            self.cache.outdated_many(outdated).await;
        }
        left
    }

    pub(crate) async fn tell_all(&self) {
        while self.tell().await {}
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting<K>> {
        self.waiting.lock().expect("nothing panics while it holds the lock")
    }
}

async fn keep_telling<K: Kind>(queue: Weak<Queue<K>>, came: Arc<Notify>) {
    loop {
        came.notified().await;
        let Some(queue) = queue.upgrade() else { return };
        if queue.tell().await {
            came.notify_one();
        }
        drop(queue);
        sleep(PACE).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Stock;

    impl Kind for Stock {
        const NAME: &'static str = "stock";
        const SCHEMA: u16 = 1;
        type Value = u64;

        fn version(value: &u64) -> u64 {
            *value
        }
    }

    fn news(version: u64, position: u64) -> News<Stock> {
        News::written(Key::new("a"), version, position, position - 1)
    }

    #[test]
    fn of_two_changes_the_later_value_is_told_with_the_greater_position() {
        for (one, other) in [(news(4, 90), news(5, 80)), (news(5, 80), news(4, 90))] {
            let both = one.and(other);
            let Stamp { sees, shows, version, .. } = both.stamp;
            assert_eq!((both.value, version, shows, sees), (Some(5), 5, 90, 79));
        }
    }

    #[test]
    fn what_is_not_known_of_one_is_not_known_of_both() {
        let unknown = || News::<Stock>::unknown(Key::new("a"));
        for both in [unknown().and(news(4, 90)), news(4, 90).and(unknown())] {
            assert!(both.is_unknown() && both.value.is_none());
        }
    }

    #[test]
    fn a_value_that_is_not_known_is_not_taken_for_the_one_before() {
        let both = news(0, 80).and(News::at(Key::new("a"), 90));
        assert_eq!((both.value, both.stamp.shows), (None, 90));
    }
}

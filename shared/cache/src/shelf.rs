//! Values of one kind: read by the level that is asked for, and told of when they change.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use contracts::consistency::{Answer, Copy, Demand, Served};
use coordination::settings::Setting;
use telemetry::context::TraceContext;

use crate::{
    Acceptable, Cache, Cached, Key, Kind, LoadError, Loaded, Policy, Source, Stamp,
    queue::{News, Queue},
    stamp::now,
};

/// Values of one kind, in front of the databases they are loaded from. Clones are the same.
#[derive(Debug)]
pub struct Shelf<K: Kind> {
    cache: Option<Cache>,
    load_delay: Setting<Duration>,
    /// What is to be told.
    queue: Option<Arc<Queue<K>>>,
}

// Not derived, as that would ask for a kind that can be cloned.
impl<K: Kind> Clone for Shelf<K> {
    fn clone(&self) -> Self {
        Self { cache: self.cache.clone(), load_delay: self.load_delay.clone(), queue: self.queue.clone() }
    }
}

impl<K: Kind> Shelf<K> {
    pub(crate) fn new(cache: Option<Cache>, load_delay: Setting<Duration>) -> Self {
        let queue = cache.clone().map(Queue::start);
        Self { cache, load_delay, queue }
    }

    /// A shelf on which nothing stands.
    pub fn none() -> Self {
        Self::new(None, Setting::fixed(Duration::ZERO))
    }

    /// Answers a read. What has to show every write is loaded, always; else what is cached is taken if it is new enough, and
    /// loaded if it is not. `load` answers from a database what it is asked for; of all who miss the same value at once, one
    /// loads.
    ///
    /// # Errors
    /// Those of `load`, of this reader's or of another's that it waited for.
    pub async fn read<E, F>(
        &self,
        key: &Key<K>,
        demand: Demand,
        parent: Option<TraceContext>,
        load: impl Fn(Demand) -> F + Clone + Send + Sync + 'static,
    ) -> Result<Answer<Option<K::Value>>, E>
    where
        K::Value: Clone,
        E: Clone + Send + Sync + 'static,
        F: Future<Output = Result<Answer<Option<K::Value>>, E>> + Send + 'static,
    {
        let Some(position) = demand.position() else { return load(demand).await };
        let Some(cache) = &self.cache else {
            delay(&self.load_delay).await;
            return load(demand).await;
        };
        let loaded = Arc::new(OnceLock::new());
        let loader = {
            let (load, loaded, load_delay) = (load.clone(), Arc::clone(&loaded), self.load_delay.clone());
            move || async move {
                delay(&load_delay).await;
                let began = now();
                let answer = load(demand).await?;
                // Only this sets it, and is called once.
                let _ = loaded.set(answer.served);
                Ok::<_, E>(of_answer::<K>(answer, began))
            }
        };
        let acceptable = Acceptable::any().seeing(position).parent(parent);
        match cache.get_or_load(key, &acceptable, loader).await {
            Ok(Cached { value, stamp, source }) => {
                let served = match loaded.get() {
                    Some(served) if source == Source::Loaded => *served,
                    _ => Served { by: Copy::Cache, sees: stamp.sees, shows: stamp.shows, age: stamp.age() },
                };
                Ok(Answer { value: value.map(Arc::unwrap_or_clone), served })
            }
            Err(LoadError::Failed(error)) => Err(E::clone(&error)),
            // Whoever loaded has panicked.
            Err(LoadError::Ended) => load(demand).await,
        }
    }

    /// Whether what stands here is replaced by what is written, so that it is of use to know that.
    pub fn replaces(&self) -> bool {
        self.cache.as_ref().is_some_and(|cache| cache.policy() == Policy::WriteThrough)
    }

    /// Takes note of changes that were committed, to tell of them as the policy in force has it. Returns at once: they are
    /// told soon, and what changes again before that is told once. Nothing but how soon readers without a position see them
    /// depends on it.
    pub fn changed(&self, changes: impl IntoIterator<Item = News<K>>) {
        if let Some(queue) = &self.queue {
            queue.take(changes);
        }
    }

    /// Tells what is still to be told: before the process ends.
    pub async fn close(&self) {
        if let Some(queue) = &self.queue {
            queue.tell_all().await;
        }
    }
}

async fn delay(by: &Setting<Duration>) {
    let by = by.get();
    if !by.is_zero() {
        tokio::time::sleep(by).await;
    }
}

/// An answer of a database, read from `began` on, as it is cached: no younger than it is.
fn of_answer<K: Kind>(Answer { value, served }: Answer<Option<K::Value>>, began: u64) -> Loaded<K::Value> {
    let age = u64::try_from(served.age.as_millis()).unwrap_or(u64::MAX);
    let version = value.as_ref().map_or(0, K::version);
    let stamp = Stamp { sees: served.sees, shows: served.shows, read_at: began.saturating_sub(age), version };
    Loaded { value, stamp, lags: served.by == Copy::Replica }
}

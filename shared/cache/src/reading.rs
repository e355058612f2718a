//! Reading: from the process, from memcached, and else by loading.

use std::{
    sync::{Arc, Mutex},
    time::Instant,
};

use futures::{
    FutureExt as _,
    future::{BoxFuture, join_all},
};

use crate::{
    Acceptable, Cache, Cached, Key, Kind, LoadError, Loaded, Source,
    cache::Inner,
    filling::{self, Job},
    flight::{Following, Place, Seat},
    observing::Reading,
    server::{Away, Found, look, look_or_begin},
    stamp::now,
    verdict::{Verdict, judge},
};

/// What loads values, in the order of the keys it is given.
pub(crate) type Loader<K, E> =
    Arc<dyn Fn(Vec<Key<K>>) -> BoxFuture<'static, Result<Vec<Loaded<<K as Kind>::Value>>, E>> + Send + Sync>;

/// How often a reader joins others before it goes by itself.
const JOINS: usize = 2;

impl Cache {
    /// The value, if it is cached and acceptable. Loads nothing.
    pub async fn get<K: Kind>(&self, key: &Key<K>, acceptable: &Acceptable) -> Option<Cached<K::Value>> {
        let inner = self.inner();
        let reading = Reading::begin(K::NAME, 1, acceptable.trace());
        let found = match inner.live.epoch() {
            Some(epoch) => inner.cached(key, acceptable, epoch).await,
            None => None,
        };
        reading.end(found.iter());
        found
    }

    /// The value: cached and acceptable, or loaded. Of all who want it, in this process and others, one loads; the others
    /// wait for it, or have what is out of date if they accept that.
    ///
    /// The loader goes on when this is dropped.
    ///
    /// # Errors
    /// The loader's.
    pub async fn get_or_load<K, E, F>(
        &self,
        key: &Key<K>,
        acceptable: &Acceptable,
        loader: impl FnOnce() -> F + Send + 'static,
    ) -> Result<Cached<K::Value>, LoadError<E>>
    where
        K: Kind,
        E: Send + Sync + 'static,
        F: Future<Output = Result<Loaded<K::Value>, E>> + Send + 'static,
    {
        let loader = Mutex::new(Some(loader));
        let once = move |_: Vec<Key<K>>| {
            let loader = loader.lock().expect("nothing panics while it holds the lock").take();
            let load = loader.expect("a key is loaded once")();
            async move { load.await.map(|loaded| vec![loaded]) }.boxed()
        };
        let mut read = self.read(std::slice::from_ref(key), acceptable, Arc::new(once)).await?;
        read.pop().ok_or(LoadError::Ended)
    }

    /// The same for many keys: one round trip to each server, and the loader is called once with all that are missing, and
    /// again only for those that others had begun to load and did not. It gives a value for each key, in their order.
    ///
    /// # Errors
    /// The loader's, of this reader or of one it waited for: nothing is given then.
    pub async fn get_many_or_load<K, E, F>(
        &self,
        keys: &[Key<K>],
        acceptable: &Acceptable,
        loader: impl Fn(Vec<Key<K>>) -> F + Send + Sync + 'static,
    ) -> Result<Vec<Cached<K::Value>>, LoadError<E>>
    where
        K: Kind,
        E: Send + Sync + 'static,
        F: Future<Output = Result<Vec<Loaded<K::Value>>, E>> + Send + 'static,
    {
        self.read(keys, acceptable, Arc::new(move |keys| loader(keys).boxed())).await
    }

    async fn read<K: Kind, E: Send + Sync + 'static>(
        &self,
        keys: &[Key<K>],
        acceptable: &Acceptable,
        loader: Loader<K, E>,
    ) -> Result<Vec<Cached<K::Value>>, LoadError<E>> {
        let reading = Reading::begin(K::NAME, keys.len(), acceptable.trace());
        let read = match self.inner().live.epoch() {
            Some(epoch) => Reader { inner: self.inner(), acceptable, epoch, loader }.read(keys).await,
            None => filling::load_past(keys, &loader).await,
        };
        match &read {
            Ok(read) => reading.end(read.iter()),
            Err(error) => reading.fail(error.class()),
        }
        read
    }
}

impl Inner {
    async fn cached<K: Kind>(&self, key: &Key<K>, acceptable: &Acceptable, epoch: u64) -> Option<Cached<K::Value>> {
        let wire = key.wire(self.prefix());
        if let Some(near) = self.nearby(&wire, acceptable, epoch) {
            return Some(near);
        }
        let server = self.server(&wire);
        let since = Instant::now();
        let found = server.using().get(vec![look(&wire)]).await.pop()?.ok()?;
        self.judged(&wire, &found, acceptable, epoch, since).map(|(cached, _)| cached)
    }

    /// What the process itself has, for who accepts whatever is not too old.
    fn nearby<V: Send + Sync + 'static>(&self, wire: &str, acceptable: &Acceptable, epoch: u64) -> Option<Cached<V>> {
        let near = self.near.as_ref().filter(|_| acceptable.is_eventual())?.get(wire, epoch)?;
        acceptable.takes(&near.stamp, self.live.ttl(), now()).then_some(near)
    }

    /// The value that was found, if it is taken, and whether it should be loaded anew.
    pub(crate) fn judged<V: serde::de::DeserializeOwned + Send + Sync + 'static>(
        &self,
        wire: &str,
        found: &Found,
        acceptable: &Acceptable,
        epoch: u64,
        since: Instant,
    ) -> Option<(Cached<V>, bool)> {
        let Found::There { register, .. } = found else { return None };
        let verdict = judge(register, acceptable, &self.rules(self.server(wire), epoch));
        let entry = register.entry.as_ref().filter(|_| verdict != Verdict::Unusable)?;
        let value = match entry.body.value() {
            Ok(value) => value.map(Arc::new),
            Err(error) => {
                tracing::warn!(key = wire, %error, "a cached value can't be read, and is loaded");
                return None;
            }
        };
        let source = if verdict == Verdict::Stale { Source::Stale } else { Source::Cache };
        let cached = Cached { value, stamp: entry.stamp, source };
        if let Some(near) = self.near.as_ref().filter(|_| source == Source::Cache) {
            near.put(wire, epoch, since, entry.body.len(), &cached);
        }
        Some((cached, verdict != Verdict::Fresh && register.lease.is_none()))
    }
}

/// One reader of some keys.
struct Reader<'a, K: Kind, E> {
    inner: &'a Arc<Inner>,
    acceptable: &'a Acceptable,
    epoch: u64,
    loader: Loader<K, E>,
}

/// A key whose value somebody finds.
struct Awaited<V, E> {
    place: usize,
    by: Following<V, E>,
    /// By this reader's own load.
    own: bool,
}

impl<K: Kind, E: Send + Sync + 'static> Reader<'_, K, E> {
    async fn read(&self, keys: &[Key<K>]) -> Result<Vec<Cached<K::Value>>, LoadError<E>> {
        let wires: Vec<String> = keys.iter().map(|key| key.wire(self.inner.prefix())).collect();
        let mut read: Vec<Option<Cached<K::Value>>> = Vec::with_capacity(keys.len());
        read.extend(wires.iter().map(|wire| self.inner.nearby(wire, self.acceptable, self.epoch)));
        let mut open: Vec<usize> = (0..keys.len()).filter(|place| read[*place].is_none()).collect();
        for round in 0.. {
            if open.is_empty() {
                break;
            }
            if round >= JOINS {
                open.iter().for_each(|place| self.inner.flights.part(&wires[*place]));
            }
            let (mut leads, mut awaited) = (Vec::new(), Vec::new());
            for place in open.drain(..) {
                match self.inner.flights.join(&wires[place], self.acceptable.takes_any(), self.acceptable.sees()) {
                    Place::Lead(seat) => leads.push((place, seat)),
                    Place::Follow(by) => awaited.push(Awaited { place, by, own: false }),
                }
            }
            self.lead(keys, leads, &mut read, &mut awaited).await;
            for Awaited { place, by, own } in awaited {
                match by.outcome().await {
                    Some(Ok(cached)) if own => read[place] = Some(cached),
                    Some(Ok(cached)) if self.acceptable.takes(&cached.stamp, self.inner.live.ttl(), now()) => {
                        read[place] = Some(Cached { source: Source::Shared, ..cached });
                    }
                    Some(Err(error)) => return Err(error),
                    None if own => return Err(LoadError::Ended),
                    // Too old for this reader, or whoever went was dropped.
                    Some(Ok(_)) | None => open.push(place),
                }
            }
        }
        Ok(read.into_iter().flatten().collect())
    }

    /// Reads what this reader goes for, and begins to load what is missing.
    async fn lead(
        &self,
        keys: &[Key<K>],
        leads: Vec<(usize, Seat<K::Value, E>)>,
        read: &mut [Option<Cached<K::Value>>],
        awaited: &mut Vec<Awaited<K::Value, E>>,
    ) {
        let since = Instant::now();
        let (mut missing, mut outdated) = (Vec::new(), Vec::new());
        for (place, seat, found) in self.look(leads).await {
            let key = keys[place].clone();
            let judged = found
                .as_ref()
                .ok()
                .and_then(|found| self.inner.judged(seat.key(), found, self.acceptable, self.epoch, since));
            let Some((cached, load_anew)) = judged else {
                awaited.push(Awaited { place, by: seat.follow(), own: true });
                missing.push(Job::awaited(key, seat, found));
                continue;
            };
            let turn = if load_anew { self.inner.refreshing.take(seat.key()) } else { None };
            outdated.extend(turn.map(|turn| Job::refreshing(key, seat.key().to_owned(), turn, found)));
            seat.tell(Ok(cached.clone()));
            read[place] = Some(cached);
        }
        for jobs in [missing, outdated] {
            if !jobs.is_empty() {
                filling::begin(self.inner, jobs, *self.acceptable, self.epoch, Arc::clone(&self.loader));
            }
        }
    }

    /// Asks each server for its keys, all at once.
    async fn look(
        &self,
        leads: Vec<(usize, Seat<K::Value, E>)>,
    ) -> Vec<(usize, Seat<K::Value, E>, Result<Found, Away>)> {
        let seconds = self.inner.config.lease_seconds();
        let work = leads.into_iter().map(|(place, seat)| (seat.key().to_owned(), (place, seat))).collect();
        let each = self.inner.by_server(work).into_iter().map(async |(server, work)| {
            let found = server.using().get(work.iter().map(|(key, _)| look_or_begin(key, seconds)).collect()).await;
            work.into_iter().zip(found).map(|((_, (place, seat)), found)| (place, seat, found)).collect::<Vec<_>>()
        });
        join_all(each).await.into_iter().flatten().collect()
    }
}

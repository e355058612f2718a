//! Telling the cache of changes.

use std::sync::Arc;

use crate::{
    Cache, Key, Kind, Policy, Stamp,
    cache::{Inner, random},
    entry::{Body, Entry},
    metric_definitions::METRICS,
    register::{Fence, Register},
    server::{Access, Found, Server, Step, Taken},
    stamp::now,
};

/// What is told of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Telling {
    pub(crate) fence: Fence,
    /// That there was a change whose position is not known.
    pub(crate) unknown: bool,
    /// That it is told only where something stands, see [`Kind::SPARSE`].
    pub(crate) sparse: bool,
}

impl Telling {
    fn of<K: Kind>(stamp: &Stamp) -> Self {
        let fence = Fence::of(stamp);
        Self { fence, unknown: fence.is_unknown(), sparse: K::SPARSE }
    }

    fn unknown<K: Kind>() -> Self {
        Self::of::<K>(&Stamp::default())
    }

    pub(crate) fn and(self, other: Self) -> Self {
        let (unknown, sparse) = (self.unknown || other.unknown, self.sparse && other.sparse);
        Self { fence: self.fence.max(other.fence), unknown, sparse }
    }

    /// What stands there then; `None` where it may stay as it is. Of a place that is held for somebody who has not begun to
    /// load, as little is to be told as of one where nothing stands: the load begins later.
    fn of_found(self, found: &Found) -> Option<Register> {
        let Found::There { register, .. } = found else {
            return (!self.sparse).then(|| Register::told(random(), self.fence, now()));
        };
        let changed = register.changed(self.fence, now());
        // One that is no register has no lineage yet.
        Some(if self.unknown || register.lineage == 0 { changed.forgotten(random(), now()) } else { changed })
    }
}

/// Tells a server of changes; returns what it could not be told.
pub(crate) async fn tell(access: Access<'_>, changes: Vec<(String, Telling)>) -> Vec<(String, Telling)> {
    let taken = access.step(&changes, |telling, found| telling.of_found(found).map_or(Step::Leave, Step::Write)).await;
    let (mut left, mut contended) = (Vec::new(), Vec::new());
    for (change, taken) in changes.into_iter().zip(taken) {
        match taken {
            Taken::Written | Taken::Left => {}
            Taken::Contended => contended.push(change),
            Taken::Away => left.push(change),
        }
    }
    // Whoever is always quicker loses what it wrote, which is as if the server had lost it.
    let blank = |(key, telling): &(String, Telling)| (key.clone(), Register::told(random(), telling.fence, now()));
    let done = access.overwrite(contended.iter().map(blank).collect()).await;
    left.extend(contended.into_iter().zip(done).filter(|(_, done)| done.is_err()).map(|(change, _)| change));
    left
}

/// A change of a value.
#[derive(Debug)]
pub struct Change<K: Kind> {
    /// Of which.
    pub key: Key<K>,
    /// What it is now; `None` where it was removed.
    pub value: Option<K::Value>,
    /// The write: `shows` its position, `version` the value's. `sees` is the `xmin` of a snapshot of its transaction: others'
    /// writes below it are in the value. With neither position nor version it is as [`Cache::invalidate`].
    pub stamp: Stamp,
}

impl Cache {
    /// Tells of a change that was committed, as the policy in force has it: by it the entry is out of date, or is replaced.
    /// Returns when the servers know; where one is away, or does not answer in time, it is told later, and until then this
    /// process believes nothing of it that was read before. Dropped, it goes on.
    pub async fn changed<K: Kind>(&self, key: &Key<K>, value: Option<K::Value>, stamp: Stamp) {
        self.changed_many([Change { key: key.clone(), value, stamp }]).await;
    }

    /// The same for many changes, in two round trips to each server.
    pub async fn changed_many<K: Kind>(&self, changes: impl IntoIterator<Item = Change<K>>) {
        let inner = self.inner();
        if !inner.live.tells() {
            return;
        }
        if inner.live.policy() == Policy::WriteThrough {
            self.write_through_many(changes).await;
        } else {
            let told =
                changes.into_iter().map(|change| (change.key.wire(inner.prefix()), Telling::of::<K>(&change.stamp)));
            self.tell_all(K::NAME, told.collect()).await;
        }
    }

    /// Tells, whatever the policy, that what was changed so is out of date: for changes of which the position is known, and not
    /// what was written.
    pub(crate) async fn outdated_many<K: Kind>(&self, changes: Vec<(Key<K>, Stamp)>) {
        let prefix = self.inner().prefix();
        let told = changes.into_iter().map(|(key, stamp)| (key.wire(prefix), Telling::of::<K>(&stamp)));
        self.tell_all(K::NAME, told.collect()).await;
    }

    /// Tells that these values were changed, and not to what: their entries are out of date, and what is being loaded at
    /// present is not cached. As the position is not known, a later load from a replica that lags may show what was before.
    pub async fn invalidate<K: Kind>(&self, keys: impl IntoIterator<Item = Key<K>>) {
        let told = keys.into_iter().map(|key| (key.wire(self.inner().prefix()), Telling::unknown::<K>()));
        self.tell_all(K::NAME, told.collect()).await;
    }

    /// Replaces the entry, if one was loaded and is older, whatever the policy says; where none was, the change is told of and
    /// the next reader loads.
    pub async fn write_through<K: Kind>(&self, key: &Key<K>, value: Option<K::Value>, stamp: Stamp) {
        self.write_through_many([Change { key: key.clone(), value, stamp }]).await;
    }

    async fn write_through_many<K: Kind>(&self, changes: impl IntoIterator<Item = Change<K>>) {
        let inner = Arc::clone(self.inner());
        let written: Vec<_> = changes.into_iter().map(|change| inner.written(&change)).collect();
        written.iter().for_each(|(key, _)| inner.part(key));
        let done = tokio::spawn(async move {
            let by_server = inner.by_server(written);
            let each = by_server.into_iter().map(|(server, written)| write(server, K::NAME, written));
            futures::future::join_all(each).await;
        });
        // An error means that the runtime shuts down.
        let _ = done.await;
    }

    async fn tell_all(&self, kind: &'static str, told: Vec<(String, Telling)>) {
        let inner = Arc::clone(self.inner());
        told.iter().for_each(|(key, _)| inner.part(key));
        let done = tokio::spawn(async move {
            let each = inner.by_server(told).into_iter().map(async |(server, told)| {
                let count = told.len();
                let left = tell(server.using(), told).await;
                METRICS.told(kind, "told", count - left.len());
                METRICS.told(kind, "missed", left.len());
                server.missed(left);
            });
            futures::future::join_all(each).await;
        });
        // An error means that the runtime shuts down.
        let _ = done.await;
    }
}

/// What a change writes: the entry, where it can be cached.
struct Written {
    telling: Telling,
    entry: Option<Entry>,
}

impl Inner {
    fn written<K: Kind>(&self, change: &Change<K>) -> (String, Written) {
        let telling = Telling::of::<K>(&change.stamp);
        let body = Body::of(change.value.as_ref(), self.config.writing());
        let entry = match (body, self.live.epoch()) {
            (Ok(body), Some(epoch)) if !telling.unknown => Some(self.entry(body, change.stamp, epoch, 0)),
            _ => None,
        };
        (change.key.wire(self.prefix()), Written { telling, entry })
    }
}

async fn write(server: &Server, kind: &'static str, written: Vec<(String, Written)>) {
    let taken =
        server.using().step(&written, |written, found| written.of_found(found).map_or(Step::Leave, Step::Write)).await;
    let (mut left, mut stored) = (Vec::new(), 0);
    for ((key, Written { telling, .. }), taken) in written.into_iter().zip(taken) {
        match taken {
            Taken::Written | Taken::Left => stored += 1,
            Taken::Contended | Taken::Away => left.push((key, telling)),
        }
    }
    let contended = tell(server.using(), left).await;
    METRICS.told(kind, "written", stored);
    METRICS.told(kind, "missed", contended.len());
    server.missed(contended);
}

impl Written {
    fn of_found(&self, found: &Found) -> Option<Register> {
        let told = self.telling.of_found(found)?;
        let Some(before) = &told.entry else { return Some(told) };
        // What it costs to load is what it cost before.
        let entry = self.entry.clone().map(|entry| Entry { cost: before.cost, ..entry });
        Some(entry.and_then(|entry| told.written(entry).ok()).unwrap_or(told))
    }
}

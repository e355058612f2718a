//! Loading what is missing, by one in all processes, and storing it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures::future::{join, join_all};
use tokio::time::sleep;

use crate::{
    Acceptable, Cached, Config, Key, Kind, LoadError, Loaded, Source,
    cache::{Inner, random},
    entry::Body,
    flight::Seat,
    metric_definitions::METRICS,
    observing,
    reading::Loader,
    refreshing::Turn,
    register::{Lease, Register},
    server::{Away, Found, look_or_begin, replace},
    storing::{self, Fill},
};

/// How much longer than at first one waits between two looks, at most.
const LONGER: u32 = 8;
/// So many times as long as the last load took, another's may take.
const LONGER_THAN_LAST: u32 = 8;
/// After so many leases' time a reader loads whoever else does.
const LEASES: u32 = 3;

/// A key that is to be loaded.
pub(crate) struct Job<K: Kind, E: Send + Sync + 'static> {
    key: Key<K>,
    wire: String,
    by: By<K, E>,
    found: Result<Found, Away>,
    /// The load of another that is waited for, and since when.
    other: Option<(u64, Instant)>,
    since: Instant,
}

/// For whom.
enum By<K: Kind, E: Send + Sync + 'static> {
    /// For readers who wait.
    Seat(Seat<K::Value, E>),
    /// For nobody in particular.
    Turn(#[expect(dead_code, reason = "held until the load has ended")] Turn),
}

/// A job that nobody else has.
struct Claimed<K: Kind, E: Send + Sync + 'static> {
    job: Job<K, E>,
    /// Under which the register is held; `None` where the value is not stored.
    claim: Option<Claim>,
}

/// What a register is held by.
#[derive(Debug, Clone, Copy)]
struct Claim {
    lineage: u64,
    lease: u64,
}

impl<K: Kind, E: Send + Sync + 'static> Job<K, E> {
    pub(crate) fn awaited(key: Key<K>, seat: Seat<K::Value, E>, found: Result<Found, Away>) -> Self {
        let wire = seat.key().to_owned();
        Self { key, wire, by: By::Seat(seat), found, other: None, since: Instant::now() }
    }

    pub(crate) fn refreshing(key: Key<K>, wire: String, turn: Turn, found: Result<Found, Away>) -> Self {
        Self { key, wire, by: By::Turn(turn), found, other: None, since: Instant::now() }
    }

    fn tell(self, outcome: Result<Cached<K::Value>, LoadError<E>>) -> usize {
        match self.by {
            By::Seat(seat) => seat.tell(outcome),
            By::Turn(_) => 0,
        }
    }

    /// Who loads at present, as memcached has it, if anybody does.
    fn holder(&self) -> Option<u64> {
        match &self.found {
            Ok(Found::Begun { cas }) => Some(*cas),
            Ok(Found::There { register, .. }) => register.lease.map(|lease| lease.number),
            Ok(Found::Nothing | Found::Begin { .. }) | Err(Away) => None,
        }
    }

    /// Whether somebody else loads, and may be waited for.
    fn is_held(&mut self, config: &Config, acceptable: &Acceptable) -> bool {
        let Some(holder) = self.holder().filter(|_| self.may_suffice(acceptable)) else { return false };
        let since = match self.other {
            Some((before, since)) if before == holder => since,
            _ => self.other.insert((holder, Instant::now())).1,
        };
        since.elapsed() < self.bound(config)
    }

    /// How long it is waited for who loads.
    fn bound(&self, config: &Config) -> Duration {
        let shortest = config.patience * 2;
        let cost = match &self.found {
            // Who is told to load writes its lease at once. One who has not was never reached by what it was told.
            Ok(Found::Begun { .. }) => return shortest,
            Ok(Found::There { register, .. }) => register.entry.as_ref().map(|entry| entry.cost),
            _ => None,
        };
        // Who takes that much longer than the last load took is gone, or can't tell that it has ended.
        let of_the_last = |cost| (Duration::from_millis(u64::from(cost)) * LONGER_THAN_LAST).max(shortest);
        cost.map_or(config.lease, |cost| of_the_last(cost).min(config.lease))
    }

    /// Whether what another loads will include what must be seen, as far as can be told: where that is less than its own
    /// reader must see, or stands there already and is only too old. Else it may have begun before that was written.
    fn may_suffice(&self, acceptable: &Acceptable) -> bool {
        let Ok(Found::There { register, .. }) = &self.found else { return true };
        let entry = register.entry.as_ref();
        register.lease.is_none_or(|lease| lease.sees >= acceptable.sees())
            || entry.is_some_and(|entry| entry.stamp.satisfies(acceptable.sees()))
    }
}

/// Loads without the cache.
pub(crate) async fn load_past<K: Kind, E>(
    keys: &[Key<K>],
    loader: &Loader<K, E>,
) -> Result<Vec<Cached<K::Value>>, LoadError<E>> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let loaded = loader(keys.to_vec()).await.map_err(|error| LoadError::Failed(Arc::new(error)))?;
    if loaded.len() != keys.len() {
        return Err(LoadError::Ended);
    }
    Ok(loaded.into_iter().map(own).collect())
}

fn own<V>(Loaded { value, stamp, .. }: Loaded<V>) -> Cached<V> {
    Cached { value: value.map(Arc::new), stamp, source: Source::Loaded }
}

/// Begins to load, by a task of its own: whoever asked may go.
pub(crate) fn begin<K: Kind, E: Send + Sync + 'static>(
    inner: &Arc<Inner>,
    jobs: Vec<Job<K, E>>,
    acceptable: Acceptable,
    epoch: u64,
    loader: Loader<K, E>,
) {
    let filling = Filling { inner: Arc::clone(inner), acceptable, epoch, loader };
    tokio::spawn(filling.run(jobs));
}

struct Filling<K: Kind, E> {
    inner: Arc<Inner>,
    acceptable: Acceptable,
    epoch: u64,
    loader: Loader<K, E>,
}

impl<K: Kind, E: Send + Sync + 'static> Filling<K, E> {
    async fn run(self, mut jobs: Vec<Job<K, E>>) {
        while !jobs.is_empty() {
            let (claimed, held) = self.claim(jobs).await;
            // Who refreshes leaves it to whoever does already.
            let waiting = held.into_iter().filter(|job| matches!(job.by, By::Seat(_))).collect();
            jobs = join(self.load(claimed), self.wait(waiting)).await.1;
        }
    }

    /// Takes what nobody else loads.
    async fn claim(&self, jobs: Vec<Job<K, E>>) -> (Vec<Claimed<K, E>>, Vec<Job<K, E>>) {
        let (mut claimed, mut held, mut wanted) = (Vec::new(), Vec::new(), Vec::new());
        let bound = self.inner.config.lease * LEASES;
        for mut job in jobs {
            if job.found.is_err() || job.since.elapsed() > bound {
                claimed.push(Claimed { job, claim: None });
            } else if job.is_held(&self.inner.config, &self.acceptable) {
                held.push(job);
            } else {
                wanted.push((job.wire.clone(), job));
            }
        }
        let each = self.inner.by_server(wanted).into_iter().map(async |(server, wanted)| {
            let gone_before = crate::stamp::now().saturating_sub(server.hold().as_millis() as u64);
            let leases: Vec<_> =
                wanted.iter().map(|_| (random(), Lease { number: random(), sees: self.acceptable.sees() })).collect();
            let registers: Vec<Register> = wanted
                .iter()
                .zip(&leases)
                .map(|((_, job), (lineage, lease))| {
                    let there = job.found.as_ref().map(Found::register).unwrap_or_default();
                    there.leased(*lineage, *lease, gone_before)
                })
                .collect();
            let sets = wanted.iter().zip(&registers).map(|((wire, job), register)| {
                replace(wire, job.found.as_ref().unwrap_or(&Found::Nothing), register, server.hold_seconds())
            });
            let done = server.using().set(sets.collect()).await;
            wanted.into_iter().map(|(_, job)| job).zip(registers).zip(done).collect::<Vec<_>>()
        });
        for ((mut job, register), done) in join_all(each).await.into_iter().flatten() {
            if done == Ok(false) {
                job.other = None;
                held.push(job);
                continue;
            }
            // Without an answer in time it may be written all the same, and is to be given back then. Where it is not, what
            // is loaded is stored only in the history in which it was begun.
            let may_be_written = done.is_ok() || !self.inner.server(&job.wire).is_away();
            let claim = register.lease.filter(|_| may_be_written);
            let claim = claim.map(|lease| Claim { lineage: register.lineage, lease: lease.number });
            claimed.push(Claimed { job, claim });
        }
        (claimed, held)
    }

    async fn load(&self, claimed: Vec<Claimed<K, E>>) {
        if claimed.is_empty() {
            return;
        }
        let keys: Vec<Key<K>> = claimed.iter().map(|claimed| claimed.job.key.clone()).collect();
        let (count, since) = (keys.len(), Instant::now());
        let mut loading = observing::Loading::begin(K::NAME, count, self.acceptable.trace());
        let loaded = match (self.loader)(keys).await {
            Ok(loaded) if loaded.len() == count => Ok(loaded),
            Ok(_) => Err(LoadError::Ended),
            Err(error) => Err(LoadError::Failed(Arc::new(error))),
        };
        let took = since.elapsed();
        match loaded {
            Ok(loaded) => {
                loading.end(took);
                self.store(claimed, loaded, took, since).await;
            }
            Err(error) => {
                loading.fail(took, error.class());
                let leases: Vec<_> =
                    claimed.iter().filter_map(|claimed| Some((claimed.job.wire.clone(), claimed.claim?))).collect();
                let waited: usize = claimed.into_iter().map(|claimed| claimed.job.tell(Err(error.clone()))).sum();
                tracing::debug!(kind = K::NAME, class = error.class(), waited, "a load failed");
                let give_back = leases.into_iter().map(|(wire, claim)| (wire, Fill::give_back(claim.lease)));
                storing::store(&self.inner, K::NAME, give_back.collect()).await;
            }
        }
    }

    /// Gives what was loaded to who waits, then stores it.
    async fn store(&self, claimed: Vec<Claimed<K, E>>, loaded: Vec<Loaded<K::Value>>, took: Duration, since: Instant) {
        let cost = u32::try_from(took.as_millis()).unwrap_or(u32::MAX);
        let (mut fills, mut waited) = (Vec::new(), 0);
        for (Claimed { job, claim }, loaded) in claimed.into_iter().zip(loaded) {
            let (stamp, lags, cached) = (loaded.stamp, loaded.lags, own(loaded));
            let body = claim.map(|claim| (claim, Body::of(cached.value.as_deref(), self.inner.config.writing())));
            if let Some((Claim { lineage, lease }, body)) = body {
                let fill = match body {
                    // Where nothing stood, nobody said what it may lack.
                    Ok(_) if K::SPARSE && lags => {
                        METRICS.filled(K::NAME, "lags", 1);
                        Fill::give_back(lease)
                    }
                    Ok(body) => {
                        METRICS.value_size(K::NAME, body.len());
                        if let Some(near) = &self.inner.near {
                            near.put(&job.wire, self.epoch, since, body.len(), &cached);
                        }
                        Fill::entry(lineage, lease, self.inner.entry(body, stamp, self.epoch, cost))
                    }
                    Err(unfit) => {
                        METRICS.filled(K::NAME, unfit.class(), 1);
                        Fill::nothing(lease)
                    }
                };
                fills.push((job.wire.clone(), fill));
            }
            waited += job.tell(Ok(cached)).saturating_sub(1);
        }
        METRICS.saved(K::NAME, "process", waited);
        storing::store(&self.inner, K::NAME, fills).await;
    }

    /// Waits until others have loaded, or until one of these keys may be taken; those that are left.
    async fn wait(&self, mut held: Vec<Job<K, E>>) -> Vec<Job<K, E>> {
        if held.is_empty() {
            return held;
        }
        let waiting = observing::Waiting::begin(K::NAME, held.len(), self.acceptable.trace());
        let (config, mut pause) = (&self.inner.config, self.inner.config.poll);
        loop {
            sleep(pause).await;
            pause = (pause + pause / 4).min(config.poll * LONGER);
            let mut free = false;
            let (since, mut left) = (Instant::now(), Vec::with_capacity(held.len()));
            for mut job in self.look(held).await {
                let judged = job
                    .found
                    .as_ref()
                    .ok()
                    .and_then(|found| self.inner.judged(&job.wire, found, &self.acceptable, self.epoch, since));
                match judged {
                    Some((cached, _)) => {
                        METRICS.saved(K::NAME, "instance", job.tell(Ok(cached)));
                    }
                    None => {
                        free |= !job.is_held(config, &self.acceptable);
                        left.push(job);
                    }
                }
            }
            if free || left.is_empty() {
                waiting.end();
                return left;
            }
            held = left;
        }
    }

    async fn look(&self, jobs: Vec<Job<K, E>>) -> Vec<Job<K, E>> {
        let seconds = self.inner.config.lease_seconds();
        let work = jobs.into_iter().map(|job| (job.wire.clone(), job)).collect();
        let each = self.inner.by_server(work).into_iter().map(async |(server, work)| {
            let found = server.using().get(work.iter().map(|(key, _)| look_or_begin(key, seconds)).collect()).await;
            work.into_iter().zip(found).map(|((_, job), found)| Job { found, ..job }).collect::<Vec<_>>()
        });
        join_all(each).await.into_iter().flatten().collect()
    }
}

//! The replica, and the task that watches it.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::{Duration, Instant},
};

use contracts::consistency::{Answer, Copy, Demand, Served};
use coordination::settings::Setting;
use opentelemetry::KeyValue;
use sqlx::{PgPool, postgres::PgConnectOptions};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{sleep, timeout},
};

use super::{Asking, Durable, Found, watch::Watch};
use crate::{
    database::{self, Database},
    metric_definitions::METRICS,
};

/// How often it is looked how far the replica is.
const INTERVAL: Duration = Duration::from_millis(200);
/// How long such a look may take: a replica that takes longer is not asked, and what it was asked is asked of the primary.
const PATIENCE: Duration = Duration::from_millis(500);

/// All that was committed when this is asked is before what it answers.
const LOOK: &str = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint";
/// All before what it answers has ended, and is seen if it was committed.
const HEAR: &str = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint WHERE pg_is_in_recovery()";

/// A database that follows the primary.
#[derive(Debug, Clone)]
pub struct Following {
    /// How to connect.
    pub options: PgConnectOptions,
    /// The most connections.
    pub connections: u32,
    /// How old it may be where nothing else says how new an answer has to be.
    pub max_age: Setting<Duration>,
}

impl Following {
    /// What follows at this database, for a service with as many connections to it at most.
    pub fn new(database: &Database, service: &str, connections: u32, max_age: &Setting<Duration>) -> Self {
        Self { options: database.options(service), connections, max_age: max_age.clone() }
    }
}

/// The replica, watched.
#[derive(Debug)]
pub(super) struct Replica {
    pool: PgPool,
    max_age: Setting<Duration>,
    watch: Mutex<Watch>,
    durable: Arc<Durable>,
    /// Whether it answers, by the last look.
    answers: watch::Sender<bool>,
    watching: Mutex<Option<JoinHandle<()>>>,
}

/// Why the replica was not asked, or its answer not taken.
#[derive(Debug, Clone, Copy)]
enum PassedOver {
    /// It has not come as far as was asked for, or is too old.
    Behind,
    /// It does not answer.
    Unavailable,
}

impl Replica {
    /// Begins to watch a replica of `primary`, until it is dropped or closed.
    pub(super) fn watched(following: &Following, primary: &PgPool, durable: &Arc<Durable>) -> Arc<Self> {
        let replica = Arc::new(Self {
            pool: database::pool(&following.options, following.connections),
            max_age: following.max_age.clone(),
            watch: Mutex::default(),
            durable: durable.clone(),
            answers: watch::channel(false).0,
            watching: Mutex::default(),
        });
        let watching = tokio::spawn(keep_watching(Arc::downgrade(&replica), primary.clone()));
        *replica.watching.lock().unwrap_or_else(PoisonError::into_inner) = Some(watching);
        replica
    }

    /// Has it answer, if it is new enough and answers at all.
    pub(super) async fn read<T, F: Asking<T>>(
        &self,
        demand: &Demand,
        statement: &impl Fn(PgPool) -> F,
    ) -> Option<Answer<T>> {
        let position = demand.position()?;
        match self.try_read(demand, position, statement).await {
            Ok(answer) => Some(answer),
            Err(reason) => {
                METRICS.copies.passed_over(reason.name());
                None
            }
        }
    }

    async fn try_read<T, F: Asking<T>>(
        &self,
        demand: &Demand,
        position: u64,
        statement: &impl Fn(PgPool) -> F,
    ) -> Result<Answer<T>, PassedOver> {
        let mut answers = self.answers.subscribe();
        if !*answers.borrow() {
            return Err(PassedOver::Unavailable);
        }
        // Let go of what is known before it is asked for again.
        let known = self.watch().sees();
        self.age_if_new_enough(demand, position, known)?;
        let found = tokio::select! {
            found = statement(self.pool.clone()) => found,
            // Whoever waits for one that stands still waits no longer than until that is found out.
            _ = answers.wait_for(|answers| !answers) => return Err(PassedOver::Unavailable),
        };
        let found = found.map_err(|error| self.failed(error))?;
        self.take(demand, position, found)
    }

    /// Has it answer where the primary can't, also if it is thought to be away: it may just be slow.
    pub(super) async fn rescue<T, F: Asking<T>>(
        &self,
        demand: &Demand,
        statement: &impl Fn(PgPool) -> F,
    ) -> Option<Answer<T>> {
        let position = demand.position()?;
        let found = timeout(4 * PATIENCE, statement(self.pool.clone())).await.ok()?.ok()?;
        self.take(demand, position, found).ok()
    }

    fn take<T>(
        &self,
        demand: &Demand,
        position: u64,
        Found { value, sight }: Found<T>,
    ) -> Result<Answer<T>, PassedOver> {
        self.heard(sight.sees);
        let age = self.age_if_new_enough(demand, position, sight.sees)?;
        Ok(Answer { value, served: Served { by: Copy::Replica, sees: sight.sees, shows: sight.shows, age } })
    }

    /// How old it is at most, if what it sees is enough.
    fn age_if_new_enough(&self, demand: &Demand, position: u64, sees: u64) -> Result<Duration, PassedOver> {
        let (age, max_age) = (self.watch().age(sees, Instant::now()), self.max_age.get());
        match age {
            Some(age) if demand.is_by_age() && age > max_age => Err(PassedOver::Behind),
            None if demand.is_by_age() => Err(PassedOver::Behind),
            _ if sees < position => Err(PassedOver::Behind),
            // One that sees all that is asked for, and of which more is not known, may be as old as is allowed at all.
            age => Ok(age.unwrap_or(max_age)),
        }
    }

    /// One that cancels a statement because of what it replays is there all the same.
    fn failed(&self, error: sqlx::Error) -> PassedOver {
        let conflict = error.as_database_error().and_then(|error| error.code()).is_some_and(|code| code == "40001");
        if !conflict {
            self.lost(&error);
        }
        PassedOver::Unavailable
    }

    fn heard(&self, sees: u64) {
        self.durable.note(sees);
        self.watch().heard(sees);
    }

    fn lost(&self, why: &dyn std::fmt::Display) {
        if self.answers.send_replace(false) {
            tracing::warn!(%why, "the replica does not answer; the primary is asked instead");
        }
        self.watch().lost();
    }

    /// Looks how far both are.
    async fn look(&self, primary: &PgPool) {
        let at = Instant::now();
        // Without a look at the primary nothing is known of time, and what is known of positions still holds.
        let looking = sqlx::query_scalar::<_, i64>(LOOK).fetch_one(primary);
        if let Ok(Ok(ends)) = timeout(PATIENCE, looking).await {
            self.watch().looked(at, ends.cast_unsigned());
        }
        let hearing = sqlx::query_scalar::<_, i64>(HEAR).fetch_one(&self.pool);
        match timeout(PATIENCE, hearing).await {
            Ok(Ok(sees)) => {
                self.heard(sees.cast_unsigned());
                if !self.answers.send_replace(true) {
                    tracing::info!("the replica answers");
                }
            }
            Ok(Err(error)) => self.lost(&error),
            Err(late) => self.lost(&late),
        }
        let known = self.watch().sees();
        let age = self.watch().age(known, Instant::now());
        age.into_iter().for_each(|age| METRICS.copies.replica_age.record(age.as_secs_f64(), &[]));
    }

    pub(super) async fn close(&self) {
        let watching = self.watching.lock().unwrap_or_else(PoisonError::into_inner).take();
        watching.into_iter().for_each(|watching| watching.abort());
        self.answers.send_replace(false);
        // One that stands still is not waited for.
        let _ = timeout(PATIENCE, self.pool.close()).await;
    }

    fn watch(&self) -> MutexGuard<'_, Watch> {
        // Nothing in here panics while it holds the lock, so what is known is whole even then.
        self.watch.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PassedOver {
    fn name(self) -> &'static str {
        match self {
            Self::Behind => "behind",
            Self::Unavailable => "unavailable",
        }
    }
}

async fn keep_watching(replica: Weak<Replica>, primary: PgPool) {
    while let Some(replica) = replica.upgrade() {
        replica.look(&primary).await;
        drop(replica);
        sleep(INTERVAL).await;
    }
}

/// The instruments.
pub(crate) struct Measured {
    pub(crate) reads: opentelemetry::metrics::Counter<u64>,
    pub(crate) passed_over: opentelemetry::metrics::Counter<u64>,
    pub(crate) replica_age: opentelemetry::metrics::Gauge<f64>,
}

impl Measured {
    fn passed_over(&self, reason: &'static str) {
        self.passed_over.add(1, &[KeyValue::new("plumbline.reason", reason)]);
    }
}

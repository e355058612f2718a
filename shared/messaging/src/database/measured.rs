//! How long connections are waited for: <https://opentelemetry.io/docs/specs/semconv/database/database-metrics/>.

use std::time::Instant;

use opentelemetry::{
    KeyValue,
    metrics::{Gauge, UpDownCounter},
};
use sqlx::{PgPool, Postgres, pool::PoolConnection};
use telemetry::{context::TraceContext, metrics::Seconds};

use crate::metric_definitions::METRICS;

/// The instruments.
pub(crate) struct Measured {
    pub(crate) count: Gauge<u64>,
    pub(crate) pending: UpDownCounter<i64>,
    pub(crate) wait: Seconds,
}

/// A connection of the pool, with the wait for it counted; `trace` is whose wait it is.
///
/// # Errors
/// Those of the pool.
pub async fn acquire(pool: &PgPool, trace: Option<TraceContext>) -> Result<PoolConnection<Postgres>, sqlx::Error> {
    let began = Instant::now();
    let pending = Pending::begin();
    let acquired = pool.acquire().await;
    drop(pending);
    METRICS.pool.wait.record(began.elapsed(), trace);
    let (all, idle) = (u64::from(pool.size()), pool.num_idle() as u64);
    for (state, count) in [("used", all.saturating_sub(idle)), ("idle", idle)] {
        METRICS.pool.count.record(count, &[KeyValue::new("db.client.connection.state", state)]);
    }
    acquired
}

/// Also when it is waited for no more.
struct Pending;

impl Pending {
    fn begin() -> Self {
        METRICS.pool.pending.add(1, &[]);
        Self
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        METRICS.pool.pending.add(-1, &[]);
    }
}

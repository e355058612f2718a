//! Where locks are, and for how long.

use std::{ops::RangeInclusive, time::Duration};

use locks::Strategy;
use service::config::{Common, Reader, Secret};

use super::WhenGone;

/// What [`Config::ttl`] may be.
const TTL_RANGE: RangeInclusive<Duration> = Duration::from_millis(50)..=Duration::from_secs(600);
/// What [`Config::patience`] may be.
pub(super) const PATIENCE_RANGE: RangeInclusive<Duration> = Duration::from_millis(10)..=Duration::from_secs(600);

/// How stock is locked.
#[derive(Debug, Clone)]
pub struct Config {
    /// The Redis server.
    pub redis: Secret,
    /// Those of Redlock; none where it is not used.
    pub redlock: Vec<Secret>,
    /// By which strategy, while nobody has set another.
    pub strategy: Strategy,
    /// How long a lock outlives a holder that died.
    pub ttl: Duration,
    /// How long a lock is waited for.
    pub patience: Duration,
    /// What to do where no lock is to be had, because Redis or the coordinators don't answer.
    pub when_gone: WhenGone,
}

impl Config {
    /// Reads the variables of it; `common` says whether there are coordinators.
    pub fn read(env: &mut Reader, common: Option<&Common>) -> Self {
        let alone = common.is_some_and(|common| common.coordination.is_none());
        let redis = env.secret(
            "PLUMBLINE_REDIS_URL",
            "redis://[:password@]host:port/0, where stock is locked; redis://127.0.0.1:16379/0 where it is not set",
        );
        let redlock =
            env.secret("PLUMBLINE_REDLOCK_URLS", "three or five of them, by commas, for the strategy redlock");
        let strategy = env.optional(
            "PLUMBLINE_LOCK_STRATEGY",
            if alone { Strategy::Database } else { Strategy::default() },
            "how stock is locked: none, redis, redis-fenced, redlock, database, coordination; redis-fenced and \
             coordination need coordinators, and without any it is database",
        );
        if alone && strategy.is_fenced() {
            env.fault(format!(
                "PLUMBLINE_LOCK_STRATEGY={strategy}: needs PLUMBLINE_COORDINATORS, which give its tokens"
            ));
        }
        let ttl = env.millis(
            "PLUMBLINE_LOCK_TTL_MILLIS",
            Duration::from_secs(10),
            &TTL_RANGE,
            "how long a lock outlives an instance that died",
        );
        let patience = env.millis(
            "PLUMBLINE_LOCK_PATIENCE_MILLIS",
            Duration::from_secs(5),
            &PATIENCE_RANGE,
            "how long a lock is waited for before a batch is tried again, or a request answered with 503",
        );
        let when_gone = env.optional(
            "PLUMBLINE_LOCK_WHEN_GONE",
            WhenGone::default(),
            "what to do when Redis or the coordinators are gone: database (lock rows, where that is safe) or wait",
        );
        let redis = redis.unwrap_or_else(|| Secret::new("redis://127.0.0.1:16379/0"));
        let redlock = redlock.iter().flat_map(|urls| urls.expose().split(',')).map(|url| Secret::new(url.trim()));
        Self { redis, redlock: redlock.collect(), strategy, ttl, patience, when_gone }
    }

    /// As the locks have it; `prefix` and `holder` are those of the shop and the instance.
    pub(super) fn of_locks(&self, prefix: &str, holder: &str) -> locks::Config {
        locks::Config {
            holder: holder.to_owned(),
            redlock: self.redlock.iter().map(|url| url.expose().to_owned()).collect(),
            prefix: format!("{prefix}:locks:"),
            ttl: self.ttl,
            ..locks::Config::new(self.redis.expose())
        }
    }
}

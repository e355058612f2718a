//! How the shop caches, set for as long as a load runs.

use std::{path::Path, time::Duration};

use coordination::Name;

use crate::{CommandError, borrowed::Borrowed, coordinators::Coordinators};

/// How cached values are kept as they are in the database.
const POLICY: Name = Name::literal("cache.policy");
/// What is added to each load.
const LOAD_DELAY: Name = Name::literal("cache.load_delay_ms");
/// Who is written down as having set it.
const WHO: &str = "load";
/// When all instances have gone over to a policy: they read and store nothing cached for 5 s after `off`.
const SETTLED: Duration = Duration::from_secs(6);

/// What was asked for needs a cache.
#[derive(Debug, thiserror::Error)]
#[error(
    "{what} needs the setting {setting}, which this shop does not have: it runs without coordinators, or has no cache"
)]
pub(crate) struct NoCache {
    what: &'static str,
    setting: &'static str,
}

/// How the shop caches.
pub(super) struct Caching(Borrowed);

impl Caching {
    pub(super) async fn of(coordinators: &Coordinators, data_dir: &Path) -> Result<Self, CommandError> {
        Ok(Self(Borrowed::at(coordinators, data_dir, WHO).await?))
    }

    /// Sets a policy, and waits until every instance follows it. What was cached is believed no longer.
    pub(super) async fn put_in_force(&mut self, policy: &str) -> Result<(), CommandError> {
        if !self.0.set(&POLICY, policy).await? {
            return Err(NoCache { what: "a policy", setting: "cache.policy" }.into());
        }
        tokio::time::sleep(SETTLED).await;
        Ok(())
    }

    /// Makes each load take so much longer.
    pub(super) async fn slow_down(&mut self, by: Duration) -> Result<(), CommandError> {
        if !self.0.set(&LOAD_DELAY, &by.as_millis().to_string()).await? {
            return Err(NoCache { what: "a slow load", setting: "cache.load_delay_ms" }.into());
        }
        Ok(())
    }

    /// Sets everything back.
    pub(super) async fn give_back(self) -> Result<(), CommandError> {
        self.0.give_back().await
    }
}

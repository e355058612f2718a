//! Taking more time for what is held, while it is held.

use std::time::Duration;

use coordination::lease::Life;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{
    Strategy,
    config::usable,
    holding::{Extension, Holding},
    metric_definitions::METRICS,
};

/// Keeps a holding until this is dropped or the holding's life ends.
pub(crate) fn keep(holding: Holding, strategy: Strategy, ttl: Duration, sent: Instant, life: Life) -> DropGuard {
    let stop = CancellationToken::new();
    let keeper = Keeper { holding, strategy, ttl, life };
    let stopped = stop.clone();
    tokio::spawn(async move { stopped.run_until_cancelled(keeper.run(sent)).await });
    stop.drop_guard()
}

struct Keeper {
    holding: Holding,
    strategy: Strategy,
    ttl: Duration,
    life: Life,
}

impl Keeper {
    async fn run(self, taken: Instant) {
        let mut next = taken + self.ttl / 3;
        loop {
            tokio::select! {
                () = self.life.lost() => break,
                () = sleep_until(next) => {}
            }
            let sent = Instant::now();
            let extension = self.holding.extend().await;
            match extension {
                Extension::Extended if self.life.extend(sent + usable(self.ttl)) => {
                    METRICS.extended(self.strategy, "extended");
                    next = sent + self.ttl / 3;
                }
                Extension::Extended | Extension::Refused => {
                    METRICS.extended(self.strategy, "refused");
                    self.life.end();
                    break;
                }
                Extension::Unknown => {
                    METRICS.extended(self.strategy, "unknown");
                    next = Instant::now() + self.ttl / 20;
                }
            }
        }
        METRICS.lost(self.strategy);
        tracing::warn!(keys = %self.holding.keys(), strategy = %self.strategy, "a lock was lost while it was held");
    }
}

//! Work that only the leader does.

use std::time::Duration;

use tokio::time::Instant;

use super::{Mandate, campaign};
use crate::{Name, backoff::Backoff, cluster::Cluster};

/// A leader's work that lasted this long was no failure.
const HEALTHY: Duration = Duration::from_secs(10);

/// Campaigns again and again, and runs `work` while this candidate leads.
///
/// Work is dropped where it waits, before another can lead; it must not block for longer than a tenth of `ttl`. Work that
/// ends by itself resigns, and campaigns again behind all others, after a pause if it was short. Never returns: drop it to
/// stop.
pub async fn run_while_leader<Work: Future<Output = ()>>(
    cluster: &Cluster,
    election: &Name,
    candidate: &str,
    ttl: Duration,
    mut work: impl FnMut(Mandate) -> Work,
) -> ! {
    let mut backoff = Backoff::default();
    loop {
        let leadership = campaign(cluster, election, candidate, ttl).await;
        let begun = Instant::now();
        tokio::select! {
            biased;
            () = leadership.lost() => tracing::warn!(%election, term = leadership.term(), "leadership lost"),
            () = work(leadership.mandate()) => {}
        }
        leadership.resign().await;
        if begun.elapsed() > HEALTHY {
            backoff = Backoff::default();
        }
        backoff.wait().await;
    }
}

//! Keeping a lease alive.

use std::time::Duration;

use etcd_client::{LeaseKeepAliveStream, LeaseKeeper};
use telemetry::{names::rpc, spans};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::{life::Life, usable};
use crate::{
    backoff::Backoff,
    cluster::{Cluster, Failed},
    metric_definitions::METRICS,
};

/// What keeps one lease.
pub(super) struct Keeper {
    pub(super) cluster: Cluster,
    pub(super) lease: i64,
    pub(super) ttl: Duration,
    pub(super) life: Life,
    pub(super) stop: CancellationToken,
}

/// An open stream of keep-alives.
struct Stream {
    endpoint: usize,
    keeper: LeaseKeeper,
    answers: LeaseKeepAliveStream,
}

/// The coordinators do not have the lease any more.
struct Gone;

impl Keeper {
    /// Keeps the lease until it is stopped or lost, then gives it back: at once when stopped, and as well as it can be
    /// done when lost, so that nobody waits for what its holder has given up.
    pub(super) async fn run(self, granted: Instant) {
        let lost = tokio::select! {
            () = self.stop.cancelled() => false,
            () = self.life.lost() => true,
            Gone = self.beat(granted) => true,
        };
        self.life.end();
        if lost {
            METRICS.leases_lost.add(1, &[]);
            tracing::warn!(lease = self.lease, "lease lost");
        }
        if let Err(error) = self.cluster.revoke(self.lease).await {
            tracing::debug!(lease = self.lease, %error, "lease not given back; it ends by itself");
        }
    }

    /// A keep-alive every third of the lease's time, counted from when each was sent; a failed one is sent again soon.
    async fn beat(&self, granted: Instant) -> Gone {
        let mut stream = None;
        let mut backoff = Backoff::default();
        let mut next = granted + self.ttl / 3;
        loop {
            sleep_until(next).await;
            let sent = Instant::now();
            match self.told(self.attempt(&mut stream)).await {
                Ok(ttl) => {
                    if !self.life.extend(sent + usable(ttl)) {
                        return Gone;
                    }
                    backoff = Backoff::default();
                    next = sent + self.ttl / 3;
                }
                Err(Failed::Refused(_)) => return Gone,
                Err(Failed::Passing(fault)) => {
                    stream = None;
                    tracing::debug!(lease = self.lease, %fault, "keep-alive failed");
                    next = Instant::now() + backoff.pause().min(self.ttl / 10);
                }
            }
        }
    }

    /// A keep-alive that fails, or is slow, is a span; all others would be a span every third of the lease's time.
    async fn told<T>(&self, attempt: impl Future<Output = Result<T, Failed>>) -> Result<T, Failed> {
        let mut span = spans::client("etcdserverpb.Lease/LeaseKeepAlive").quiet(true).start();
        // Before the attempt, which may be dropped while it waits.
        span.set(rpc::SYSTEM, rpc::GRPC);
        span.set(rpc::SERVICE, "etcdserverpb.Lease");
        span.set(rpc::METHOD, "LeaseKeepAlive");
        let outcome = attempt.await;
        match &outcome {
            Ok(_) => {}
            Err(Failed::Refused(error)) => span.fail("refused", error),
            Err(Failed::Passing(fault)) => span.fail("unavailable", fault),
        }
        outcome
    }

    /// Sends one keep-alive and waits for its answer; the time the lease has from the moment of sending.
    ///
    /// One at a time on a stream, and none on it after one was not answered: so no answer is taken for another's.
    async fn attempt(&self, stream: &mut Option<Stream>) -> Result<Duration, Failed> {
        let Some(open) = stream else {
            *stream = Some(self.open().await?);
            return Ok(self.ttl);
        };
        let question = async {
            open.keeper.keep_alive().await?;
            let closed = || etcd_client::Error::WatchError("the keep-alive stream ended".to_owned());
            open.answers.message().await?.ok_or_else(closed)
        };
        let answer = self.cluster.bounded(open.endpoint, self.hurried(question)).await?;
        match u64::try_from(answer.ttl()) {
            Ok(ttl) if ttl > 0 => Ok(Duration::from_secs(ttl)),
            _ => Err(Failed::Refused(gone())),
        }
    }

    /// Opens a stream, which sends a first keep-alive.
    async fn open(&self) -> Result<Stream, Failed> {
        let mut chosen = self.cluster.choose().await.map_err(Failed::Refused)?;
        let question = async {
            match chosen.client.lease_keep_alive(self.lease).await {
                // That is how the client says that the first answer had no time left; a new stream's sending can't fail.
                Err(etcd_client::Error::LeaseKeepAliveError(_)) => Ok(None),
                other => other.map(Some),
            }
        };
        let opened = self.cluster.bounded(chosen.number, self.hurried(question)).await?;
        let (keeper, answers) = opened.ok_or_else(|| Failed::Refused(gone()))?;
        Ok(Stream { endpoint: chosen.number, keeper, answers })
    }

    /// An attempt that leaves time for others before the lease ends.
    async fn hurried<T>(
        &self,
        attempt: impl Future<Output = Result<T, etcd_client::Error>>,
    ) -> Result<T, etcd_client::Error> {
        let late = |_| etcd_client::Error::WatchError("the keep-alive was not answered in time".to_owned());
        timeout(self.ttl / 5, attempt).await.map_err(late)?
    }
}

fn gone() -> etcd_client::Error {
    etcd_client::Error::LeaseKeepAliveError("lease not found".to_owned())
}

//! Leases: what a process has put into the cluster is gone soon after the process is.

mod keeper;
mod life;

use std::time::Duration;

use tokio::{task::JoinHandle, time::Instant};
use tokio_util::sync::CancellationToken;

use self::keeper::Keeper;
pub use self::life::Life;
use crate::{CallError, backoff::Backoff, cluster::Cluster};

/// A lease that is kept alive, until it is revoked, dropped or lost.
///
/// A lost lease does not come back: whoever needs one grants another and registers anew.
#[derive(Debug)]
pub struct Session {
    id: i64,
    life: Life,
    stop: CancellationToken,
    keeper: JoinHandle<()>,
}

impl Session {
    /// Grants a lease of at least this time to live, in whole seconds, and keeps it alive. The coordinators may give it
    /// more time: etcd never gives less than one and a half of its election timeouts.
    ///
    /// Must be called within a runtime.
    ///
    /// # Errors
    /// No coordinator answered, or they refuse.
    pub async fn grant(cluster: &Cluster, ttl: Duration) -> Result<Self, CallError> {
        // An attempt that failed may have granted a lease, which nobody keeps alive and which so ends by itself.
        let Granted { id, ttl, sent } = cluster.grant(ttl).await?;
        let life = Life::until(sent + usable(ttl));
        let stop = CancellationToken::new();
        let keeper = Keeper { cluster: cluster.clone(), lease: id, ttl, life: life.clone(), stop: stop.clone() };
        Ok(Self { id, life, stop, keeper: tokio::spawn(keeper.run(sent)) })
    }

    /// Grants a lease, however long it takes until a coordinator answers.
    pub async fn obtain(cluster: &Cluster, ttl: Duration) -> Self {
        let mut backoff = Backoff::default();
        loop {
            match Self::grant(cluster, ttl).await {
                Ok(session) => return session,
                Err(error) => tracing::warn!(%error, "no lease"),
            }
            backoff.wait().await;
        }
    }

    /// The lease's number at the coordinators.
    pub fn id(&self) -> i64 {
        self.id
    }

    /// The lease's life, to look at from elsewhere.
    pub fn life(&self) -> &Life {
        &self.life
    }

    /// Whether the lease still holds: false some time before it can have ended at the coordinators.
    pub fn is_alive(&self) -> bool {
        self.life.is_alive()
    }

    /// Waits until the lease does not hold any more.
    pub async fn lost(&self) {
        self.life.lost().await;
    }

    /// Gives the lease back and waits until the coordinators have taken all its keys away, or patience is over. Dropping
    /// does the same without waiting.
    pub async fn revoke(mut self) {
        self.stop.cancel();
        // An error is a runtime that shuts down: then the lease ends by itself.
        let _ = (&mut self.keeper).await;
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.life.end();
        self.stop.cancel();
    }
}

/// A lease as it was granted.
pub(crate) struct Granted {
    pub(crate) id: i64,
    pub(crate) ttl: Duration,
    /// When the grant was asked for, which is before the lease began.
    pub(crate) sent: Instant,
}

impl Cluster {
    /// Grants a lease that nobody keeps alive.
    pub(crate) async fn grant(&self, ttl: Duration) -> Result<Granted, CallError> {
        let seconds = i64::try_from(ttl.as_millis().div_ceil(1_000).max(1)).unwrap_or(i64::MAX);
        let grant = |mut client: etcd_client::Client| async move {
            let sent = Instant::now();
            let lease = client.lease_grant(seconds, None).await?;
            let ttl = Duration::from_secs(u64::try_from(lease.ttl()).unwrap_or(0));
            Ok(Granted { id: lease.id(), ttl, sent })
        };
        self.call("etcdserverpb.Lease/LeaseGrant", grant).await
    }

    /// Ends a lease; one that has ended is as good.
    async fn revoke(&self, lease: i64) -> Result<(), CallError> {
        let revoke = |mut client: etcd_client::Client| async move { client.lease_revoke(lease).await };
        match self.call("etcdserverpb.Lease/LeaseRevoke", revoke).await {
            Err(error) if !error.is_not_found() => Err(error),
            _ => Ok(()),
        }
    }
}

/// How much of a lease's time its holder uses: a tenth is left for clocks that do not run alike, and for those who have to
/// stop when it is over.
fn usable(ttl: Duration) -> Duration {
    ttl - ttl / 10
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_of_the_time_is_left() {
        assert_eq!(usable(Duration::from_secs(10)), Duration::from_secs(9));
        assert_eq!(usable(Duration::ZERO), Duration::ZERO);
    }
}

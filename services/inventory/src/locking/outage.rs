//! Whether locks are to be had at all.
//!
//! Who waits in a long queue and who waits for a server that is gone wait alike. So while a lock is long in coming another
//! one, which nobody else wants, is tried: that says at once if the servers don't answer.

use std::{
    future::Future,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use locks::{Fault, Guard, Keys, LockError, Locks, Request};
use tokio::time::{Instant, sleep};

use crate::metric_definitions::METRICS;

/// Between attempts.
const LOOK: Duration = Duration::from_millis(200);
/// For so long, and so often, they have to fail to make an outage: a switch of strategies, or of a server, takes no longer.
/// By time, as an attempt fails at once where nothing listens, and takes as long as a command may where nothing answers.
const FOR: Duration = Duration::from_secs(1);
const FAILURES: u32 = 2;

/// Whether locks are to be had.
#[derive(Debug, Default)]
pub(super) struct Outage {
    on: AtomicBool,
}

impl Outage {
    pub(super) fn is_on(&self) -> bool {
        self.on.load(Ordering::Relaxed)
    }

    /// Has it on until a lock is to be had again.
    pub(super) fn begins(self: &Arc<Self>, locks: Locks) {
        if self.on.swap(true, Ordering::Relaxed) {
            return;
        }
        METRICS.locks.outages.add(1, &[]);
        let outage = Arc::downgrade(self);
        tokio::spawn(async move {
            while probe(&locks).await.is_err() {
                sleep(LOOK).await;
                if outage.strong_count() == 0 {
                    return;
                }
            }
            tracing::info!("locks are to be had again");
            outage.upgrade().iter().for_each(|outage| outage.on.store(false, Ordering::Relaxed));
        });
    }
}

/// Takes a lock, unless meanwhile an outage shows: then that is the error.
pub(super) async fn unless(
    locks: &Locks,
    taking: impl Future<Output = Result<Guard, LockError>>,
) -> Result<Guard, LockError> {
    let mut taking = pin!(taking);
    let (mut failures, mut since) = (0, Instant::now());
    loop {
        tokio::select! {
            taken = &mut taking => return taken,
            probed = async { sleep(LOOK).await; probe(locks).await } => match probed {
                Ok(()) => (failures, since) = (0, Instant::now()),
                Err(error) => {
                    failures += 1;
                    if failures >= FAILURES && since.elapsed() >= FOR {
                        return Err(error);
                    }
                }
            }
        }
    }
}

/// Whether a lock is to be had that nobody else wants.
async fn probe(locks: &Locks) -> Result<(), LockError> {
    let key = Keys::one(format!("probe {:032x}", uuid::Uuid::now_v7().as_u128()));
    match locks.try_lock(&key, Request::within(LOOK)).await {
        Ok(guard) => {
            guard.release().await;
            Ok(())
        }
        Err(error) if is_one(&error) => Err(error),
        Err(_) => Ok(()),
    }
}

/// Whether nobody here gets a lock, be it for want of servers that answer or of servers that are configured.
pub(super) fn is_one(error: &LockError) -> bool {
    let is_missing = |fault: &Fault| matches!(fault, Fault::Missing { .. });
    error.is_outage() || matches!(error, LockError::Fault { fault, .. } if is_missing(fault))
}

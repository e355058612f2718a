//! What is in force: policy and time to live, which change while processes run.
//!
//! Processes learn of a switch one after the other. Two of the policies tell of changes, and may stand beside each other;
//! `off` does not, so what is cached while anybody is `off` may miss a change. Therefore entries carry the revision of the
//! setting under which they were written, and are believed under that revision alone; who leaves `off` tells of changes at
//! once, and reads and writes entries only when all others must have learnt of it; who goes to `off`, or can't know whether
//! the others have left it, goes on telling.

use std::{
    sync::{Arc, RwLock},
    time::{Duration, Instant},
};

use coordination::{Cluster, settings::Setting};
use futures::FutureExt as _;
use tokio::{sync::watch, task::JoinHandle};

use crate::{Policy, stamp::now};

/// The settings in force.
#[derive(Debug)]
pub(crate) struct Live {
    policy: Setting<Policy>,
    ttl: Setting<Duration>,
    settle: Duration,
    last: Arc<RwLock<Switch>>,
    connected: Option<watch::Receiver<bool>>,
    follower: Option<JoinHandle<()>>,
}

/// The last switch that this process has seen.
#[derive(Debug, Clone, Copy)]
struct Switch {
    to: Policy,
    at: Option<Instant>,
    from_off: bool,
    /// When others must have learnt of it, in milliseconds since 1970: nothing that was read before is believed.
    settled: u64,
}

impl Live {
    /// Always the same, but for the time to live.
    pub(crate) fn fixed(policy: Policy, ttl: Setting<Duration>) -> Self {
        let last = Switch { to: policy, at: None, from_off: false, settled: 0 };
        let (policy, last) = (Setting::fixed(policy), Arc::new(RwLock::new(last)));
        Self { policy, ttl, settle: Duration::ZERO, last, connected: None, follower: None }
    }

    /// What the settings say. Must be called within a runtime.
    pub(crate) fn following(
        policy: Setting<Policy>,
        ttl: Setting<Duration>,
        settle: Duration,
        cluster: &Cluster,
    ) -> Self {
        let mut followed = policy.clone();
        // What was read before this was made is no switch.
        let _ = followed.changed().now_or_never();
        let last = Switch { to: policy.get(), at: None, from_off: false, settled: 0 };
        let last = Arc::new(RwLock::new(last));
        let seen = Arc::clone(&last);
        let follower = tokio::spawn(async move {
            loop {
                let to = followed.changed().await;
                let mut last = seen.write().expect("nothing panics while it holds the lock");
                *last = last.then(to, settle);
                tracing::info!(policy = %to, "cache policy switched");
            }
        });
        Self { policy, ttl, settle, last, connected: Some(cluster.connected()), follower: Some(follower) }
    }

    pub(crate) fn ttl(&self) -> Duration {
        self.ttl.get()
    }

    pub(crate) fn policy(&self) -> Policy {
        self.last().to
    }

    /// Under which entries are written and believed at this moment; none where nothing is read.
    pub(crate) fn epoch(&self) -> Option<u64> {
        let last = self.last();
        let settling = last.from_off && last.at.is_some_and(|at| at.elapsed() < self.settle);
        let reads = last.to != Policy::Off && !settling;
        reads.then(|| self.policy.revision().cast_unsigned())
    }

    /// Nothing that was read at this time or before is believed.
    pub(crate) fn floor(&self) -> u64 {
        self.last().settled
    }

    /// Whether others may believe what is cached, so that they must be told of changes.
    pub(crate) fn tells(&self) -> bool {
        let last = self.last();
        let settling = last.at.is_some_and(|at| at.elapsed() < self.settle);
        let cut_off = self.connected.as_ref().is_some_and(|connected| !*connected.borrow());
        last.to != Policy::Off || settling || cut_off
    }

    fn last(&self) -> Switch {
        *self.last.read().expect("nothing panics while it holds the lock")
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        if let Some(follower) = &self.follower {
            follower.abort();
        }
    }
}

impl Switch {
    fn then(self, to: Policy, settle: Duration) -> Self {
        let at = Some(Instant::now());
        // A switch to the same is one to another and back, which was too quick to be seen.
        let from_off = self.to == Policy::Off || to == self.to;
        let settled = if from_off { now() + u64::try_from(settle.as_millis()).unwrap_or(0) } else { self.settled };
        Self { to, at, from_off, settled }
    }
}

//! Work that one instance does for all, and that goes on when no coordinator answers.

use std::{sync::Arc, time::Duration};

use tokio::{sync::watch, task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

use super::{Candidate, Mandate, campaign};
use crate::{Cluster, Name};

/// A duty that an instance stands for as long as this is held. Clones are the same duty.
///
/// It is for work that something else already keeps safe, such as a lock in the database: then an election decides who
/// *should* do it, and nothing has to stop when there is nobody to hold one. What must not happen twice takes
/// [`run_while_leader`](super::run_while_leader) and the term.
#[derive(Debug, Clone)]
pub struct Duty(Option<Arc<Standing>>);

/// Whose a duty is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// This instance was elected.
    Owner,
    /// It was not, as far as it knows; coordinators answer.
    Standby,
    /// There are no coordinators, or none that answers: nobody can be elected, and everybody is as good.
    Unled,
}

#[derive(Debug)]
struct Standing {
    cluster: Cluster,
    mandate: watch::Receiver<Option<Mandate>>,
    connected: watch::Receiver<bool>,
    stop: CancellationToken,
    ended: watch::Receiver<bool>,
    _task: JoinHandle<()>,
}

impl Drop for Standing {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Duty {
    /// Stands for `<service>.<duty>`; an owner that dies is followed after `ttl`. Without a candidate there are no
    /// coordinators, and the duty is never led.
    ///
    /// Must be called within a runtime.
    ///
    /// # Panics
    /// The two names together are longer than a name may be.
    pub fn stand(candidate: Option<&Candidate>, duty: &Name, ttl: Duration) -> Self {
        Self(candidate.map(|candidate| Arc::new(Standing::begin(candidate.clone(), candidate.election(duty), ttl))))
    }

    /// Whose it is now.
    pub fn role(&self) -> Role {
        let Some(standing) = &self.0 else { return Role::Unled };
        if standing.mandate.borrow().as_ref().is_some_and(Mandate::is_leader) {
            return Role::Owner;
        }
        if *standing.connected.borrow() { Role::Standby } else { Role::Unled }
    }

    /// Waits until the role is one that is wanted; the role then.
    pub async fn wait_for(&self, wanted: impl Fn(Role) -> bool) -> Role {
        let Some(standing) = &self.0 else {
            return if wanted(Role::Unled) { Role::Unled } else { std::future::pending().await };
        };
        let (mut mandate, mut connected) = (standing.mandate.clone(), standing.connected.clone());
        loop {
            // Before it is looked at, so that no change is missed in between.
            mandate.mark_unchanged();
            connected.mark_unchanged();
            let role = self.role();
            if wanted(role) {
                return role;
            }
            tokio::select! {
                Ok(()) = mandate.changed() => {}
                Ok(()) = connected.changed() => {}
                else => return std::future::pending().await,
            }
        }
    }

    /// Stands no longer, and waits until others know, for [`Cluster::parting`] at most.
    pub async fn resign(self) {
        let Some(standing) = self.0 else { return };
        standing.stop.cancel();
        let mut ended = standing.ended.clone();
        // Late or not: the lease ends by itself.
        let _ = timeout(standing.cluster.parting(), ended.wait_for(|ended| *ended)).await;
    }
}

impl Standing {
    fn begin(candidate: Candidate, election: Name, ttl: Duration) -> Self {
        let (cluster, connected) = (candidate.cluster.clone(), candidate.cluster.connected());
        let (sender, mandate) = watch::channel(None);
        let (end, ended) = watch::channel(false);
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let task = tokio::spawn(async move {
            stand(&candidate, &election, ttl, &sender, &stopped).await;
            end.send_replace(true);
        });
        Self { cluster, mandate, connected, stop, ended, _task: task }
    }
}

async fn stand(
    candidate: &Candidate,
    election: &Name,
    ttl: Duration,
    mandate: &watch::Sender<Option<Mandate>>,
    stop: &CancellationToken,
) {
    while !stop.is_cancelled() {
        let leadership = tokio::select! {
            leadership = campaign(&candidate.cluster, election, candidate.instance.as_str(), ttl) => leadership,
            () = stop.cancelled() => return,
        };
        mandate.send_replace(Some(leadership.mandate()));
        tokio::select! {
            () = leadership.lost() => tracing::warn!(%election, term = leadership.term(), "leadership lost"),
            () = stop.cancelled() => {}
        }
        mandate.send_replace(None);
        leadership.resign().await;
    }
}

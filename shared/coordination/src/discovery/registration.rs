//! Standing among the instances of a service.

use std::time::Duration;

use etcd_client::PutOptions;
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

use super::{Instance, KIND, Stored};
use crate::{CallError, Name, backoff::Backoff, cluster::Cluster, lease::Session};

/// How often a load is written, at most.
const LOAD_INTERVAL: Duration = Duration::from_secs(1);

/// An instance's entry, for as long as this is held.
///
/// It is made again whenever its lease was lost. Dropped, it is taken away in the background.
#[derive(Debug)]
pub struct Registration {
    load: Load,
    registered: watch::Receiver<bool>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

/// Enters an instance of a service, as soon as a coordinator answers, with a lease of this time to live.
///
/// Must be called within a runtime; fails never, so that a service can start without coordinators.
pub fn register(cluster: &Cluster, service: &Name, instance: Instance, ttl: Duration) -> Registration {
    let key = cluster.key(KIND, service, &format!("/{}", instance.id));
    let (load, loads) = watch::channel(instance.load);
    let (registered, is_registered) = watch::channel(false);
    let stop = CancellationToken::new();
    let entry = Entry { cluster: cluster.clone(), key, address: instance.address, ttl, loads, registered };
    let task = tokio::spawn(entry.keep(stop.clone()));
    Registration { load: Load(load), registered: is_registered, stop, task }
}

/// Says how busy an instance is, for as long as it is registered.
#[derive(Debug, Clone)]
pub struct Load(watch::Sender<u32>);

impl Load {
    /// Others see it within a second or so: the newest is written once a second at most.
    pub fn set(&self, load: u32) {
        self.0.send_if_modified(|now| std::mem::replace(now, load) != load);
    }
}

impl Registration {
    /// Says how busy the instance is.
    pub fn set_load(&self, load: u32) {
        self.load.set(load);
    }

    /// The same for others to say.
    pub fn load(&self) -> Load {
        self.load.clone()
    }

    /// Whether the entry stands, to look at or to wait for.
    pub fn registered(&self) -> watch::Receiver<bool> {
        self.registered.clone()
    }

    /// Takes the entry away and waits until it is gone, or the cluster's patience is over.
    pub async fn leave(mut self) {
        self.stop.cancel();
        // An error is a runtime that shuts down: then the lease ends by itself.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

struct Entry {
    cluster: Cluster,
    key: String,
    address: String,
    ttl: Duration,
    loads: watch::Receiver<u32>,
    registered: watch::Sender<bool>,
}

impl Entry {
    async fn keep(mut self, stop: CancellationToken) {
        let mut backoff = Backoff::default();
        loop {
            let session = tokio::select! {
                session = Session::obtain(&self.cluster, self.ttl) => session,
                () = stop.cancelled() => return,
            };
            let ended = tokio::select! {
                ended = self.stand(&session) => ended,
                () = session.lost() => Ok(()),
                () = stop.cancelled() => {
                    self.registered.send_replace(false);
                    return session.revoke().await;
                }
            };
            if self.registered.send_replace(false) {
                backoff = Backoff::default();
            }
            match ended {
                Ok(()) => tracing::warn!(key = self.key, "registration lost, registering again"),
                Err(error) => tracing::warn!(key = self.key, %error, "can't register"),
            }
            backoff.wait().await;
        }
    }

    /// Writes the entry, and again when the load has changed; ends only by an error.
    async fn stand(&mut self, session: &Session) -> Result<(), CallError> {
        let mut cluster = self.cluster.clone();
        loop {
            let written = Instant::now();
            let stored = Stored { address: self.address.clone(), load: *self.loads.borrow_and_update() };
            let value = serde_json::to_vec(&stored).expect("a text and a number are JSON");
            let leased = PutOptions::new().with_lease(session.id());
            cluster.put(&self.key, &value, Some(leased)).await?;
            // From now on it only says how busy it is, perhaps every second.
            cluster = self.cluster.quietly();
            self.registered.send_if_modified(|registered| !std::mem::replace(registered, true));
            if self.loads.changed().await.is_err() {
                // Nobody is left to say a load; the entry stands until it is stopped.
                return std::future::pending().await;
            }
            sleep_until(written + LOAD_INTERVAL).await;
        }
    }
}

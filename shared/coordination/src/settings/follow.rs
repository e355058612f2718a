//! Keeping a service's settings as they are in the store.

use telemetry::{names, spans};
use tokio::{sync::watch, task::JoinHandle};

use super::{
    DEFINITIONS, VALUES,
    setting::{Defined, Definitions},
};
use crate::{
    CallError, Name,
    backoff::Backoff,
    cluster::Cluster,
    feed::{Change, Feed, Update},
    metric_definitions::METRICS,
};

/// What keeps settings up to date, for as long as it is held. Dropped, they stay as they are.
#[derive(Debug)]
pub struct Follower {
    read: watch::Receiver<bool>,
    task: JoinHandle<()>,
}

/// Publishes the definitions and follows the store, as soon as a coordinator answers. Until then settings have their
/// defaults, and while none answers those values that were last read.
///
/// Must be called within a runtime.
pub fn follow(cluster: &Cluster, definitions: Definitions) -> Follower {
    for (name, defined) in &definitions.0 {
        METRICS.setting_is(name, defined.now().1);
    }
    let (sender, read) = watch::channel(false);
    let cluster = cluster.clone();
    let task = tokio::spawn(async move {
        tokio::join!(publish(&cluster, &definitions), keep(&cluster, &definitions, &sender));
    });
    Follower { read, task }
}

impl Follower {
    /// Waits until all values in the store have been read once.
    pub async fn read(&mut self) {
        // An error means that the runtime shuts down.
        let _ = self.read.wait_for(|read| *read).await;
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Writes the definitions that the store does not have so. Instances of two versions may disagree about one while a new
/// version is brought out: then the last one to start has its way there, and each keeps to its own.
async fn publish(cluster: &Cluster, definitions: &Definitions) {
    for (name, defined) in &definitions.0 {
        let key = cluster.key(DEFINITIONS, name, "");
        let value = serde_json::to_vec(&defined.definition).expect("texts and numbers are JSON");
        let mut backoff = Backoff::default();
        loop {
            let published = async {
                let stored = cluster.get(&key, None).await?;
                if stored.kvs().first().is_none_or(|kv| kv.value() != value) {
                    cluster.put(&key, &value, None).await?;
                }
                Ok::<_, CallError>(())
            };
            match published.await {
                Ok(()) => break,
                Err(error) => tracing::warn!(setting = %name, %error, "definition not published"),
            }
            backoff.wait().await;
        }
    }
}

async fn keep(cluster: &Cluster, definitions: &Definitions, read: &watch::Sender<bool>) {
    let mut feed = Feed::of_prefix(cluster, cluster.keys(VALUES));
    loop {
        match feed.next().await {
            Update::List(list) => {
                for (name, defined) in &definitions.0 {
                    let stored = list.iter().find(|entry| entry.key == name.as_str());
                    take(defined, stored.map(|entry| (entry.value.as_slice(), entry.mod_revision)));
                }
                read.send_replace(true);
            }
            Update::Changes(changes) => {
                for change in changes {
                    let (key, stored) = match change {
                        Change::Put(entry) => (entry.key, Some((entry.value, entry.mod_revision))),
                        Change::Delete { key, .. } => (key, None),
                    };
                    let name: Option<Name> = key.parse().ok();
                    if let Some(defined) = name.and_then(|name| definitions.0.get(&name)) {
                        take(defined, stored.as_ref().map(|(value, revision)| (value.as_slice(), *revision)));
                    }
                }
            }
        }
    }
}

fn take(defined: &Defined, stored: Option<(&[u8], i64)>) {
    let name = &defined.definition.name;
    let stored = stored.map(|(value, revision)| (String::from_utf8_lossy(value), revision));
    match defined.take(stored.as_ref().map(|(text, revision)| (text.as_ref(), *revision))) {
        Ok(Some(before)) => tell(defined, before),
        Ok(None) => {}
        Err(refusal) => {
            METRICS.setting_refused(name);
            tracing::warn!(setting = %name, %refusal, "setting refused, the value before stays");
        }
    }
}

/// A change shows in the log, in metrics, and as an event of a span: of one of its own, as it belongs to no request.
fn tell(defined: &Defined, before: String) {
    let name = &defined.definition.name;
    let (value, number) = defined.now();
    METRICS.setting_changed(name, number);
    tracing::info!(setting = %name, %value, %before, "setting changed");
    let mut span = spans::internal("change setting").start();
    span.event("plumbline.setting.changed", |event| {
        event.set(names::setting::NAME, name.as_str());
        event.set(names::setting::BEFORE, &before);
        event.set(names::setting::VALUE, &value);
    });
}

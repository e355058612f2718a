//! Being told of one's turn.
//!
//! A process has one connection that listens, on a channel of its own, from its first wait on. When that connection breaks,
//! and when it stands again, all who wait are woken; what is missed otherwise is found out when they next ask by
//! themselves.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use ::redis::Client;
use futures::StreamExt;
use tokio::{sync::Notify, task::JoinHandle, time::sleep};

use super::Owner;

/// Between attempts to listen again.
const PAUSE: Duration = Duration::from_millis(100);

#[derive(Debug)]
pub(super) struct Wakes {
    client: Client,
    process: u64,
    channel: String,
    listeners: Arc<Listeners>,
    task: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug, Default)]
struct Listeners(Mutex<HashMap<Owner, Arc<Notify>>>);

/// Hears of its owner's turn until it is dropped.
#[derive(Debug)]
pub(crate) struct Listener {
    listeners: Arc<Listeners>,
    owner: Owner,
    notify: Arc<Notify>,
}

impl Wakes {
    pub(super) fn new(client: Client, prefix: &str) -> Self {
        let process = rand::random();
        let channel = format!("{prefix}turn:{process:016x}");
        Self { client, process, channel, listeners: Arc::default(), task: Mutex::new(None) }
    }

    /// What owners of this process begin with.
    pub(super) fn process(&self) -> u64 {
        self.process
    }

    pub(super) fn listen(&self, owner: Owner) -> Listener {
        let mut task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        // It ends with the runtime it was started in.
        if task.as_ref().is_none_or(JoinHandle::is_finished) {
            *task = Some(tokio::spawn(hear(self.client.clone(), self.channel.clone(), Arc::clone(&self.listeners))));
        }
        drop(task);
        let notify = Arc::new(Notify::new());
        let mut listeners = self.listeners.0.lock().unwrap_or_else(PoisonError::into_inner);
        listeners.insert(owner, Arc::clone(&notify));
        Listener { listeners: Arc::clone(&self.listeners), owner, notify }
    }
}

impl Drop for Wakes {
    fn drop(&mut self) {
        if let Some(task) = self.task.lock().unwrap_or_else(PoisonError::into_inner).take() {
            task.abort();
        }
    }
}

impl Listener {
    /// Waits until it was told since this was last waited for, or since it listens.
    pub(crate) async fn told(&self) {
        self.notify.notified().await;
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.listeners.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.owner);
    }
}

impl Listeners {
    fn wake(&self, message: &str) {
        let listeners = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(notify) = Owner::parse(message).and_then(|owner| listeners.get(&owner)) {
            notify.notify_one();
        }
    }

    fn wake_all(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().for_each(|notify| notify.notify_one());
    }
}

async fn hear(client: Client, channel: String, listeners: Arc<Listeners>) {
    loop {
        if let Ok(mut connection) = client.get_async_pubsub().await
            && connection.subscribe(&channel).await.is_ok()
        {
            // Whoever was told meanwhile has not heard it.
            listeners.wake_all();
            let mut messages = connection.into_on_message();
            while let Some(message) = messages.next().await {
                if let Ok(message) = message.get_payload::<String>() {
                    listeners.wake(&message);
                }
            }
        }
        // The server is gone, and whoever held a lock there may have been forgotten.
        listeners.wake_all();
        sleep(PAUSE).await;
    }
}

//! Being told of releases.
//!
//! A process has one connection that listens, from its first wait on. Whoever waits listens before it tries to take, so
//! that no release falls between. When that connection breaks, and when it stands again, all are woken; what is missed
//! otherwise costs no more than the rest of the holder's time to live.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use ::redis::Client;
use futures::StreamExt;
use tokio::{sync::Notify, task::JoinHandle, time::sleep};

use crate::Keys;

/// Above so many keys a message names none of them.
const NAMED: usize = 16;
/// The message that may mean any key.
const ANY: &str = "*";
/// Between keys in a message.
const SEPARATOR: char = '\n';
/// Between attempts to listen again.
const PAUSE: Duration = Duration::from_millis(100);

#[derive(Debug)]
pub(super) struct Wakes {
    client: Client,
    listeners: Arc<Listeners>,
    task: Mutex<Option<JoinHandle<()>>>,
    channel: String,
}

#[derive(Debug, Default)]
struct Listeners(Mutex<Registered>);

#[derive(Debug, Default)]
struct Registered {
    next: u64,
    waiting: HashMap<u64, (Keys, Arc<Notify>)>,
}

/// Hears of releases until it is dropped.
#[derive(Debug)]
pub(crate) struct Listener {
    listeners: Arc<Listeners>,
    number: u64,
    notify: Arc<Notify>,
}

/// What is published when these keys are released.
pub(super) fn message(keys: &Keys) -> String {
    if keys.count() > NAMED || keys.iter().any(|key| key.contains(SEPARATOR)) {
        return ANY.to_owned();
    }
    keys.iter().collect::<Vec<_>>().join("\n")
}

impl Wakes {
    pub(super) fn new(client: Client, channel: String) -> Self {
        Self { client, listeners: Arc::default(), task: Mutex::new(None), channel }
    }

    pub(super) fn channel(&self) -> &str {
        &self.channel
    }

    pub(super) fn listen(&self, keys: &Keys) -> Listener {
        let mut task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        // It ends with the runtime it was started in.
        if task.as_ref().is_none_or(JoinHandle::is_finished) {
            *task = Some(tokio::spawn(hear(self.client.clone(), self.channel.clone(), Arc::clone(&self.listeners))));
        }
        drop(task);
        let notify = Arc::new(Notify::new());
        let mut listeners = self.listeners.0.lock().unwrap_or_else(PoisonError::into_inner);
        listeners.next += 1;
        let number = listeners.next;
        listeners.waiting.insert(number, (keys.clone(), Arc::clone(&notify)));
        Listener { listeners: Arc::clone(&self.listeners), number, notify }
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
    /// Waits for a release since this was last waited for, or since it listens.
    pub(crate) async fn woken(&self) {
        self.notify.notified().await;
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.listeners.0.lock().unwrap_or_else(PoisonError::into_inner).waiting.remove(&self.number);
    }
}

impl Listeners {
    fn wake(&self, message: &str) {
        for (keys, notify) in self.0.lock().unwrap_or_else(PoisonError::into_inner).waiting.values() {
            if message == ANY || message.split(SEPARATOR).any(|key| keys.contains(key)) {
                notify.notify_one();
            }
        }
    }
}

async fn hear(client: Client, channel: String, listeners: Arc<Listeners>) {
    loop {
        if let Ok(mut connection) = client.get_async_pubsub().await
            && connection.subscribe(&channel).await.is_ok()
        {
            listeners.wake(ANY);
            let mut messages = connection.into_on_message();
            while let Some(message) = messages.next().await {
                listeners.wake(&message.get_payload::<String>().unwrap_or_else(|_| ANY.to_owned()));
            }
        }
        // The server is gone, and whoever held a lock there may have been forgotten.
        listeners.wake(ANY);
        sleep(PAUSE).await;
    }
}

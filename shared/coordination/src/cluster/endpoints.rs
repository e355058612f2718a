//! Which coordinator is asked.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use etcd_client::{Client, ConnectOptions};
use rand::Rng;
use tokio::sync::{OnceCell, watch};

use super::config::Config;
use crate::metric_definitions::METRICS;

/// How often an HTTP/2 connection with a stream open is pinged. etcd refuses clients that ping more often than every 5 s.
const PING: Duration = Duration::from_secs(6);

/// The coordinators, of which one is asked until it fails.
///
/// A connection each, rather than etcd-client's balancing over all: that counts an endpoint to which no connection can be
/// made as ready, so that with one coordinator of three down about every third attempt fails.
#[derive(Debug)]
pub(super) struct Endpoints {
    all: Vec<Endpoint>,
    /// The number of the one that is asked; whoever has a stream open follows.
    current: watch::Sender<usize>,
    failures_in_a_row: AtomicUsize,
    connected: watch::Sender<bool>,
}

#[derive(Debug)]
struct Endpoint {
    url: String,
    options: ConnectOptions,
    client: OnceCell<Opened>,
}

/// `Client` has no `Debug`.
struct Opened(Client);

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Client")
    }
}

/// A coordinator to ask.
pub(crate) struct Chosen {
    pub(crate) number: usize,
    pub(crate) client: Client,
}

impl Endpoints {
    /// Begins with any of them, so that clients spread over all.
    pub(super) fn new(config: &Config) -> Self {
        let options = ConnectOptions::new()
            .with_connect_timeout(config.connect_timeout)
            .with_keep_alive(PING, config.request_timeout)
            .with_keep_alive_while_idle(false)
            // A coordinator that is cut off from the others says so at once, and its watches end.
            .with_require_leader(true);
        let endpoint = |url: &String| Endpoint { url: url.clone(), options: options.clone(), client: OnceCell::new() };
        let all: Vec<_> = config.endpoints.iter().map(endpoint).collect();
        let (current, _) = watch::channel(rand::rng().random_range(0..all.len()));
        let (connected, _) = watch::channel(false);
        Self { all, current, failures_in_a_row: AtomicUsize::new(0), connected }
    }

    /// The one to ask. Its connection is made by the first request, and again after it broke.
    pub(super) async fn choose(&self) -> Result<Chosen, etcd_client::Error> {
        let number = *self.current.borrow();
        let endpoint = &self.all[number];
        let open = async || Client::connect([&endpoint.url], Some(endpoint.options.clone())).await.map(Opened);
        let Opened(client) = endpoint.client.get_or_try_init(open).await?;
        Ok(Chosen { number, client: client.clone() })
    }

    /// It answered.
    pub(super) fn succeeded(&self) {
        self.failures_in_a_row.store(0, Ordering::Relaxed);
        if self.connected.send_if_modified(|connected| !std::mem::replace(connected, true)) {
            METRICS.connected.add(1, &[]);
        }
    }

    /// It failed: the next one's turn, unless somebody else has moved on already.
    pub(super) fn failed(&self, number: usize) {
        let next = (number + 1) % self.all.len();
        let is_first = |current: &mut usize| *current == number && std::mem::replace(current, next) == number;
        if !self.current.send_if_modified(is_first) {
            return;
        }
        let failures = self.failures_in_a_row.fetch_add(1, Ordering::Relaxed) + 1;
        if failures >= self.all.len() && self.connected.send_if_modified(std::mem::take) {
            METRICS.connected.add(-1, &[]);
        }
    }

    pub(super) fn count(&self) -> u32 {
        u32::try_from(self.all.len()).unwrap_or(u32::MAX)
    }

    pub(super) fn current(&self) -> watch::Receiver<usize> {
        self.current.subscribe()
    }

    pub(super) fn connected(&self) -> watch::Receiver<bool> {
        self.connected.subscribe()
    }
}

impl Drop for Endpoints {
    fn drop(&mut self) {
        if self.connected.send_if_modified(std::mem::take) {
            METRICS.connected.add(-1, &[]);
        }
    }
}

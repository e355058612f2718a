//! The catalogue, on `catalog.v1`.

use std::time::Duration;

use contracts::{Timestamp, topics::Topic};
use messaging::{Broken, Message, Topics, relay, tail, trace};
use rand::Rng;
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
    time::sleep,
};

use super::ClientError;
use crate::{catalogue::Catalogue, store::Store};

/// Feeds a [`Catalogue`] from the topic's beginning on.
#[derive(Debug)]
pub struct Feed {
    tail: tail::Handle,
    dead_letters: JoinHandle<()>,
}

impl Feed {
    /// Begins to read. What can't be understood goes to the dead-letter topic through the outbox of `store`.
    ///
    /// # Errors
    /// When the Kafka client refuses its settings.
    pub fn start(
        bootstrap: &str,
        topics: &Topics,
        catalogue: Catalogue,
        store: Store,
        relay: relay::Waker,
    ) -> Result<Self, ClientError> {
        let config = tail::Config {
            bootstrap: bootstrap.to_owned(),
            topics: topics.clone(),
            topic: Topic::Catalog,
            start: tail::Start::Earliest,
        };
        let (broken, dead) = mpsc::unbounded_channel();
        let began = Timestamp::now();
        let tail = tail::start(config, move |message| {
            // Of what is older whoever read it first has told.
            let is_new = message.timestamp.micros_since(began) >= 0;
            let mut span = if is_new { trace::process(&message, Timestamp::now()) } else { None };
            if let Err(reason) = catalogue.take(&message) {
                if let Some(span) = &mut span {
                    span.fail("dead_letter", &reason);
                }
                // The receiver lives until the tail has stopped.
                let _ = broken.send((message, reason));
            }
        })
        .map_err(ClientError::new)?;
        Ok(Self { tail, dead_letters: tokio::spawn(send_away(dead, store, relay)) })
    }

    /// Whether all that stood in the topic at the start has been read.
    pub fn caught_up(&self) -> watch::Receiver<bool> {
        self.tail.watch_caught_up()
    }

    /// Ends the reading.
    pub async fn stop(self) {
        self.tail.stop().await;
        // What is not sent away yet is met again at the next start.
        self.dead_letters.abort();
    }
}

async fn send_away(mut dead: mpsc::UnboundedReceiver<(Message, Broken)>, store: Store, relay: relay::Waker) {
    while let Some((message, reason)) = dead.recv().await {
        while let Err(error) = store.dead_letter_of_catalogue(&message, &reason).await {
            tracing::warn!(%error, "a dead letter of the catalogue is not stored yet; it is tried again");
            let pause = Duration::from_millis(rand::rng().random_range(500..1_000));
            sleep(pause).await;
        }
        relay.wake();
    }
}

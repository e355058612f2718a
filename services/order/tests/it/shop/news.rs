//! What the order service publishes.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
};

use contracts::{OrderId, event::Event, topics::Topic};
use messaging::{Message, Topics, tail};

use super::until;

pub(crate) struct News {
    heard: Arc<Mutex<Vec<Message>>>,
    _tail: tail::Handle,
}

impl News {
    pub(super) fn listen(kafka: &str, topics: &Topics) -> Self {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let hear = heard.clone();
        let config = tail::Config {
            bootstrap: kafka.to_owned(),
            topics: topics.clone(),
            topic: Topic::Orders,
            start: tail::Start::Earliest,
        };
        let tail = tail::start(config, move |message| hear.lock().unwrap().push(message)).unwrap();
        Self { heard, _tail: tail }
    }

    /// Every event of this type about an order so far. One that a relay sent again, as it may after a crash, counts once:
    /// it has the same id.
    pub(crate) fn about<E: Event>(&self, id: OrderId) -> Vec<E> {
        let heard = self.heard.lock().unwrap();
        let mut known = HashSet::new();
        let about = heard.iter().filter(|message| message.is::<E>() && message.key == id.to_string());
        let about = about.filter(|message| known.insert(message.event_id().unwrap()));
        about.map(|message| message.decode().unwrap()).collect()
    }

    /// The first event of this type about an order, when it comes.
    pub(crate) async fn first<E: Event>(&self, id: OrderId) -> E {
        until(E::TYPE, || async { self.about(id).into_iter().next() }).await
    }

    /// The types of all events about an order so far, in their order.
    pub(crate) fn types(&self, id: OrderId) -> Vec<String> {
        let heard = self.heard.lock().unwrap();
        let about = heard.iter().filter(|message| message.key == id.to_string());
        about.filter_map(|message| message.event_type.clone()).collect()
    }
}

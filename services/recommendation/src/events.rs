//! What this service consumes: confirmed orders, on `orders.v1`.
//!
//! A thread reads the topic and hands orders over a bounded channel to a task, which learns all that are there at once.

use std::error::Error as StdError;

use contracts::{
    Timestamp,
    event::{OrderCancelled, OrderConfirmed, OrderPlaced},
    topics::Topic,
};
use messaging::{Broken, Message, Topics, tail, trace};
use service::health::Part;
use telemetry::spans::Span;
use tokio::{sync::mpsc, task::JoinHandle};

use crate::{domain::Model, memory::Memory, metric_definitions::METRICS};

/// How many orders are learnt at once, at most, and how many wait.
const BATCH: usize = 512;

/// How many messages there may be to a confirmed order: its placing, its confirmation, and the placing of a rejected one
/// or a cancellation now and then.
const MESSAGES_AN_ORDER: usize = 3;

/// The Kafka client refuses its settings.
#[derive(Debug, thiserror::Error)]
#[error("Kafka client: {0}")]
pub struct ClientError(#[source] Box<dyn StdError + Send + Sync>);

/// What goes from the reading thread to the learner.
enum Lesson {
    /// An order, and the span of its being taken, where its trace is recorded; it ends when the order is learnt.
    Order(OrderConfirmed, Option<Box<Span>>),
    /// All that stood in the topic at the start has been handed over.
    CaughtUp,
}

/// The running reader and learner.
#[derive(Debug)]
pub struct Feed {
    tail: tail::Handle,
    learner: JoinHandle<()>,
    marker: JoinHandle<()>,
}

impl Feed {
    /// Begins to read the newest messages of the topic, as many as a window of so many orders takes, and whatever comes
    /// then. When what stood in the topic at the start is learnt, `part` becomes ready, and others may take the model, as a
    /// build of its own. Until then it answers as it did before, where it knew anything.
    ///
    /// # Errors
    /// When the Kafka client refuses its settings.
    pub fn start(
        bootstrap: &str,
        topics: &Topics,
        window: usize,
        memory: Memory,
        part: Part,
    ) -> Result<Self, ClientError> {
        let partitions = usize::from(Topic::Orders.partitions());
        let config = tail::Config {
            bootstrap: bootstrap.to_owned(),
            topics: topics.clone(),
            topic: Topic::Orders,
            start: tail::Start::Last((window * MESSAGES_AN_ORDER).div_ceil(partitions) as i64),
        };
        let (lessons, learning) = mpsc::channel(BATCH);
        let marking = lessons.clone();
        let tail = tail::start(config, move |message| read(&message, &lessons))
            .map_err(|refusal| ClientError(Box::new(refusal)))?;
        let mut caught_up = tail.watch_caught_up();
        let marker = tokio::spawn(async move {
            if caught_up.wait_for(|caught_up| *caught_up).await.is_ok() {
                // Comes behind every order that was read before.
                let _ = marking.send(Lesson::CaughtUp).await;
            }
        });
        let next = (!memory.is_empty()).then(|| Model::new(window));
        let learner = Learner { next, memory, part, caught_up: false };
        Ok(Self { tail, learner: tokio::spawn(learner.run(learning)), marker })
    }

    /// Ends the reading and the learning.
    pub async fn stop(self) {
        self.marker.abort();
        // The learner takes what the thread still hands over, and ends when the thread does.
        self.tail.stop().await;
        let _ = self.learner.await;
    }
}

/// On the reading thread.
fn read(message: &Message, lessons: &mpsc::Sender<Lesson>) {
    match understand(message) {
        // The channel is closed only when the learner is gone; then nobody is left to learn.
        Ok(Some(order)) => {
            drop(lessons.blocking_send(Lesson::Order(order, trace::process(message, Timestamp::now()).map(Box::new))))
        }
        Ok(None) => {}
        Err(reason) => {
            METRICS.not_understood.add(1, &[]);
            tracing::debug!(partition = message.partition, offset = message.offset, %reason, "message passed over");
        }
    }
}

/// The order that a message confirms; `None` where it tells something else.
fn understand(message: &Message) -> Result<Option<OrderConfirmed>, Broken> {
    if message.is::<OrderConfirmed>() {
        return message.decode().map(Some);
    }
    if message.is::<OrderPlaced>() || message.is::<OrderCancelled>() {
        return Ok(None);
    }
    Err(message.unknown_type())
}

struct Learner {
    memory: Memory,
    /// What is learnt until all that stood in the topic is, while the model before it still answers.
    next: Option<Model>,
    part: Part,
    /// Whether what is learnt now has just happened.
    caught_up: bool,
}

impl Learner {
    async fn run(mut self, mut lessons: mpsc::Receiver<Lesson>) {
        let mut batch = Vec::with_capacity(BATCH);
        while lessons.recv_many(&mut batch, BATCH).await > 0 {
            let orders = batch.iter().filter_map(|lesson| match lesson {
                Lesson::Order(order, _) => Some((order.order_id, order.lines.iter().map(|line| &line.sku))),
                Lesson::CaughtUp => None,
            });
            match &mut self.next {
                Some(next) => orders.for_each(|(order, skus)| {
                    next.learn(order, skus);
                }),
                None => self.memory.learn(orders),
            }
            for lesson in batch.drain(..) {
                match lesson {
                    Lesson::Order(order, span) => self.learnt(&order, span),
                    Lesson::CaughtUp => self.caught_up(),
                }
            }
        }
    }

    /// Ends the span of an order that is learnt, and tells how long after its placing that was.
    fn learnt(&self, order: &OrderConfirmed, span: Option<Box<Span>>) {
        if self.caught_up
            && let Some(age) = order.order_id.age(Timestamp::now())
        {
            METRICS.effect_latency.record(age, span.and_then(|span| span.context()));
        }
    }

    fn caught_up(&mut self) {
        self.caught_up = true;
        let build = Some(rand::random());
        match self.next.take() {
            Some(next) => self.memory.replace(next, build),
            None => self.memory.publish(build),
        }
        self.part.ready();
    }
}

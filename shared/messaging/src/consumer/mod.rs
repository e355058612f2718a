//! Consuming in batches: Kafka to the inbox, and offsets committed only behind the effects.

mod batching;
mod fetch;
pub(crate) mod lag;
mod positions;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use contracts::{Timestamp, topics::Topic};
use rdkafka::error::KafkaError;
use sqlx::PgPool;
use telemetry::{
    context::{Carried, TraceContext, in_scope},
    spans::Span,
};
use tokio::{sync::mpsc, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::{
    Message, Topics, crash, inbox,
    metric_definitions::METRICS,
    relay::backoff,
    trace::{self, Spans, Try},
};
pub use batching::Batching;
use fetch::Fetcher;
use positions::Positions;

/// What a consumer needs.
#[derive(Debug, Clone)]
pub struct Config {
    /// Kafka's addresses, `host:port`, several separated by commas.
    pub bootstrap: String,
    /// Topic names.
    pub topics: Topics,
    /// The consumer group: its instances share the partitions.
    pub group: String,
    /// What to read.
    pub subscribed: Vec<Topic>,
    /// How batches are gathered.
    pub batching: Batching,
    /// How long the broker holds a fetch back while there is nothing to answer it with (`fetch.wait.max.ms`). Other requests
    /// to that broker, such as for watermarks, may wait behind it.
    pub fetch_wait: Duration,
    /// After how long without a sign of life the group gives this consumer's partitions to others
    /// (`session.timeout.ms`); a stopped consumer leaves at once.
    pub session_timeout: Duration,
}

impl Config {
    /// Settings that suit one machine.
    pub fn new(bootstrap: impl Into<String>, topics: Topics, group: impl Into<String>, subscribed: Vec<Topic>) -> Self {
        Self {
            bootstrap: bootstrap.into(),
            topics,
            group: group.into(),
            subscribed,
            batching: Batching::default(),
            fetch_wait: Duration::from_millis(250),
            session_timeout: Duration::from_secs(6),
        }
    }
}

/// Messages to be taken in one transaction, in order within each partition.
#[derive(Debug)]
pub struct Batch {
    /// The messages, without any that another transaction has taken.
    pub messages: Vec<Message>,
    /// When they came from Kafka.
    pub received_at: Timestamp,
    spans: Vec<inbox::Span>,
    traces: Mutex<Spans>,
}

impl Batch {
    /// The positions to move with [`inbox::advance`], in the transaction of the effects.
    pub fn spans(&self) -> &[inbox::Span] {
        &self.spans
    }

    /// What is done once for the whole batch belongs under this; `None` where no message's trace is recorded.
    pub fn trace(&self) -> Option<TraceContext> {
        self.traces().of_batch()
    }

    /// What is done for the message of this index belongs under this.
    pub fn trace_of(&self, index: usize) -> Option<TraceContext> {
        let recorded = self.traces().of(index).and_then(Span::context);
        recorded.or_else(|| self.messages.get(index).and_then(|message| message.trace))
    }

    /// What goes along with what is published for the message of this index.
    pub fn carried(&self, index: usize) -> Carried {
        let baggage = self.messages.get(index).and_then(|message| message.baggage.clone());
        Carried { trace: self.trace_of(index), baggage }
    }

    /// Has something set on the span of the message of this index, where its trace is recorded.
    pub fn note(&self, index: usize, note: impl FnOnce(&mut Span)) {
        if let Some(span) = self.traces().of_mut(index) {
            note(span);
        }
    }

    fn traces(&self) -> MutexGuard<'_, Spans> {
        // Whatever a panicking handler left is dropped with the batch.
        self.traces.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn new(messages: Vec<Message>, received_at: Timestamp, topics: &Topics, traces: Spans) -> Self {
        let mut spans: BTreeMap<(Topic, i32), (i64, i64)> = BTreeMap::new();
        for message in &messages {
            let next = message.offset + 1;
            spans.entry((message.topic, message.partition)).or_insert((message.offset, next)).1 = next;
        }
        let spans = spans
            .into_iter()
            .map(|((kind, partition), (first, next))| inbox::Span {
                topic: topics.name(kind),
                kind,
                partition,
                first,
                next,
            })
            .collect();
        Self { messages, received_at, spans, traces: Mutex::new(traces) }
    }
}

/// Why a batch was not taken.
#[derive(Debug, thiserror::Error)]
pub enum HandleError {
    /// Another consumer has taken part of it; what is left comes again.
    #[error("another consumer has taken part of this batch")]
    Superseded,
    /// The database failed; the batch comes again.
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
    /// Something else that it takes is not to be had at the moment; the batch comes again.
    #[error("{source}")]
    Unready {
        /// The kind of error, as `error.type` has it.
        class: &'static str,
        /// What is wrong.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl HandleError {
    /// The kind of error, as `error.type` has it.
    fn class(&self) -> &'static str {
        match self {
            Self::Superseded => "superseded",
            Self::Database(_) => "database",
            Self::Unready { class, .. } => class,
        }
    }
}

impl From<inbox::AdvanceError> for HandleError {
    fn from(error: inbox::AdvanceError) -> Self {
        match error {
            inbox::AdvanceError::Superseded => Self::Superseded,
            inbox::AdvanceError::Database(error) => Self::Database(error),
        }
    }
}

/// What a service does with a batch.
pub trait Handler: Send + Sync + 'static {
    /// Takes a batch in one transaction that also moves its positions ([`inbox::advance`]). What can't be processed
    /// goes to the outbox as a dead letter ([`crate::outbox::Batch::dead_letter`]) in the same transaction.
    ///
    /// # Errors
    /// A batch that is not taken is given again, without end, with pauses: nothing is passed over.
    fn handle(&self, batch: &Batch) -> impl Future<Output = Result<(), HandleError>> + Send;
}

/// A running consumer.
#[derive(Debug)]
pub struct Handle {
    stop: CancellationToken,
    task: JoinHandle<()>,
    fetching: std::thread::JoinHandle<()>,
}

impl Handle {
    /// Finishes the batch in hand, commits its offsets, leaves the group, and ends.
    pub async fn stop(self) {
        self.stop.cancel();
        // Tasks that panicked have said so themselves; there is nothing left to wait for.
        let _ = self.task.await;
        let _ = tokio::task::spawn_blocking(|| self.fetching.join()).await;
    }
}

/// Starts a consumer. It runs until it is stopped, through losses of the database and of Kafka.
///
/// # Errors
/// When the Kafka client refuses its settings.
pub fn start(config: Config, inbox: PgPool, handler: impl Handler) -> Result<Handle, KafkaError> {
    let stop = CancellationToken::new();
    let stopped = stop.clone();
    // One batch is gathered while the one before it is handled; more would only grow old.
    let (sender, receiver) = mpsc::channel(1);
    let fetcher = Arc::new(Fetcher::new(&config)?);
    let fetching = fetcher.clone().spawn(&config, sender, stopped.clone());
    let taker = Taker {
        positions: Positions::new(inbox, config.topics.clone()),
        fetcher,
        topics: config.topics,
        group: config.group,
        handler,
    };
    let task = tokio::spawn(taker.run(receiver, stopped));
    Ok(Handle { stop, task, fetching })
}

struct Taker<H> {
    positions: Positions,
    fetcher: Arc<Fetcher>,
    topics: Topics,
    group: String,
    handler: H,
}

/// Messages as they came, before those already taken are left out.
struct Fetched {
    messages: Vec<Message>,
    received_at: Timestamp,
}

impl<H: Handler> Taker<H> {
    async fn run(mut self, mut receiver: mpsc::Receiver<Fetched>, stopped: CancellationToken) {
        loop {
            let fetched = tokio::select! {
                fetched = receiver.recv() => fetched,
                () = stopped.cancelled() => None,
            };
            let Some(fetched) = fetched else { break };
            if self.take(fetched, &stopped).await.is_none() {
                break;
            }
        }
    }

    /// Has the handler take a batch, however often that must be tried; `None` when stopped before it was taken.
    async fn take(&mut self, fetched: Fetched, stopped: &CancellationToken) -> Option<()> {
        let began = tokio::time::Instant::now();
        let Fetched { mut messages, received_at } = fetched;
        let mut attempt = Try { since: received_at, failures: 0 };
        loop {
            let taken = self.try_take(messages, received_at, attempt).await;
            attempt.since = Timestamp::now();
            match taken {
                Ok(trace) => {
                    METRICS.batch_duration.record(began.elapsed(), trace);
                    return Some(());
                }
                Err((HandleError::Superseded, rest)) => {
                    METRICS.superseded.add(1, &[]);
                    self.positions.forget();
                    messages = rest;
                }
                Err((error, rest)) => {
                    attempt.failures += 1;
                    METRICS.batch_retries.add(1, &[]);
                    let pause = backoff(attempt.failures);
                    in_scope(rest.iter().find_map(|message| message.trace), || {
                        tracing::warn!(%error, attempt.failures, ?pause, "batch not taken; it is tried again");
                    });
                    messages = rest;
                    tokio::select! {
                        () = tokio::time::sleep(pause) => {}
                        () = stopped.cancelled() => return None,
                    }
                }
            }
        }
    }

    /// Answers the trace of the batch.
    async fn try_take(
        &mut self,
        mut messages: Vec<Message>,
        received_at: Timestamp,
        attempt: Try,
    ) -> Result<Option<TraceContext>, (HandleError, Vec<Message>)> {
        if let Err(error) = self.positions.know(&messages, &self.fetcher).await {
            Spans::begin(&messages, attempt, &self.group).fail(error.class(), &error);
            return Err((error, messages));
        }
        let taken = self.positions.taken_already(&mut messages);
        trace::skip(taken.iter(), received_at);
        if messages.is_empty() {
            return Ok(None);
        }
        let traces = Spans::begin(&messages, attempt, &self.group);
        let batch = Batch::new(messages, received_at, &self.topics, traces);
        METRICS.batch_size.record(batch.messages.len() as u64, &[]);
        if let Err(error) = self.handler.handle(&batch).await {
            batch.traces().fail(error.class(), &error);
            return Err((error, batch.messages));
        }
        crash::point("consumer.handled");
        self.positions.taken(&batch.spans);
        self.fetcher.store_offsets(&batch.spans);
        self.fetcher.lag().taken(&batch.messages);
        Ok(batch.trace())
    }
}

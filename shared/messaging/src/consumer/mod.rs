//! Consuming in batches: Kafka to the inbox, and offsets committed only behind the effects.

mod batch;
mod batching;
mod feed;
mod fetch;
mod gathered;
mod intake;
pub(crate) mod lag;
mod positions;

use std::{sync::Arc, time::Duration};

use contracts::{Timestamp, topics::Topic};
use rdkafka::error::KafkaError;
use sqlx::PgPool;
use telemetry::context::{TraceContext, in_scope};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{Message, Topics, crash, inbox, metric_definitions::METRICS, relay::backoff, trace::Tried};
pub use batch::{Batch, Item};
pub use batching::Batching;
pub use feed::Feed;
use fetch::Fetcher;
use gathered::{Gathered, Taking};
use intake::Intake;
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
    /// What came behind it may be taken with it, see [`Feed`].
    ///
    /// # Errors
    /// A batch that is not taken is given again, without end, with pauses: nothing is passed over.
    fn handle(&self, batch: &Arc<Batch>, feed: &mut Feed<'_>) -> impl Future<Output = Result<(), HandleError>> + Send;
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
    // While a batch is handled the next one grows.
    let gathered = Arc::<Gathered>::default();
    let fetcher = Arc::new(Fetcher::new(&config)?);
    let fetching = fetcher.clone().spawn(&config.batching, gathered.clone(), stopped.clone());
    let positions = Positions::new(inbox, config.topics.clone());
    let taker = Taker {
        intake: Intake { positions, fetcher, topics: config.topics, group: config.group },
        handler,
        taking: Taking { gathered, batching: config.batching },
        waiting: None,
    };
    let task = tokio::spawn(taker.run(stopped));
    Ok(Handle { stop, task, fetching })
}

struct Taker<H> {
    intake: Intake,
    handler: H,
    taking: Taking,
    /// What was taken, and could not be given to a batch that was being handled.
    waiting: Option<Vec<Message>>,
}

impl<H: Handler> Taker<H> {
    async fn run(mut self, stopped: CancellationToken) {
        loop {
            let messages = match self.waiting.take() {
                Some(messages) => Some(messages),
                None => tokio::select! {
                    messages = self.taking.next() => messages,
                    () = stopped.cancelled() => None,
                },
            };
            let Some(messages) = messages else { break };
            if self.take(messages, &stopped).await.is_none() {
                break;
            }
        }
    }

    /// Has the handler take a batch, however often that must be tried; `None` when stopped before it was taken.
    async fn take(&mut self, mut messages: Vec<Message>, stopped: &CancellationToken) -> Option<()> {
        let began = tokio::time::Instant::now();
        let mut tried: Option<Tried> = None;
        loop {
            match self.try_take(messages, tried).await {
                Ok(trace) => {
                    METRICS.batch_duration.record(began.elapsed(), trace);
                    return Some(());
                }
                Err((HandleError::Superseded, rest)) => {
                    METRICS.superseded.add(1, &[]);
                    self.intake.positions.forget();
                    tried = tried.map(|tried| Tried { until: Timestamp::now(), ..tried });
                    messages = rest;
                }
                Err((error, rest)) => {
                    let failures = tried.map_or(0, |tried| tried.failures) + 1;
                    tried = Some(Tried { until: Timestamp::now(), failures });
                    METRICS.batch_retries.add(1, &[]);
                    let pause = backoff(failures);
                    in_scope(rest.iter().find_map(|message| message.trace), || {
                        tracing::warn!(%error, failures, ?pause, "batch not taken; it is tried again");
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
        messages: Vec<Message>,
        tried: Option<Tried>,
    ) -> Result<Option<TraceContext>, (HandleError, Vec<Message>)> {
        if let Err(error) = self.intake.know(&messages).await {
            self.intake.spans(&messages, tried).fail(error.class(), &error);
            return Err((error, messages));
        }
        let Some(batch) = self.intake.begin(messages, tried) else { return Ok(None) };
        let trace = batch.trace();
        let mut feed = Feed {
            taking: &mut self.taking,
            waiting: &mut self.waiting,
            intake: &mut self.intake,
            batches: vec![batch.clone()],
        };
        let handled = self.handler.handle(&batch, &mut feed).await;
        let batches = feed.batches;
        drop(batch);
        if let Err(error) = handled {
            batches.iter().for_each(|batch| batch.fail(error.class(), &error));
            return Err((error, batches.into_iter().flat_map(messages_of).collect()));
        }
        crash::point("consumer.handled");
        batches.iter().for_each(|batch| self.intake.taken(batch));
        Ok(trace)
    }
}

/// Its messages, which nobody else has any more.
fn messages_of(batch: Arc<Batch>) -> Vec<Message> {
    Arc::try_unwrap(batch).map_or_else(|kept| kept.messages.clone(), |batch| batch.messages)
}

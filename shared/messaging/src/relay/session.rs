//! One session of the relay: read frames, send them, delete what Kafka has; all three at once.

use std::{collections::BTreeMap, time::Duration};

use contracts::{Timestamp, topics::Topic};
use rdkafka::error::KafkaError;
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};
use telemetry::context::TraceContext;
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until, timeout_at},
};
use tokio_util::sync::CancellationToken;

use super::{
    Config, Waker,
    buckets::Owned,
    pacing::Rest,
    producer::{Delivered, Producer},
};
use crate::{
    crash,
    metric_definitions::METRICS,
    outbox::{Frame, Outgoing, Unreadable},
    trace,
};

/// Reading stops while this many messages wait for Kafka's acknowledgement: it bounds memory when Kafka is slow.
const IN_FLIGHT_MAX: i64 = 20_000;
/// How long a stopping session lets what it sent arrive.
const DRAIN: Duration = Duration::from_secs(5);

#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
    #[error("Kafka: {0}")]
    Kafka(#[from] KafkaError),
    #[error("Kafka refused for good: {0}")]
    Fatal(String),
    #[error("outbox row {id}: {source}")]
    Frame { id: i64, source: Unreadable },
    #[error("Kafka did not take every message of outbox row {id}")]
    Undelivered { id: i64 },
    #[error("the deleting task ended")]
    DeleterGone,
}

/// `id <> ALL(in flight)` rather than `id > last`: ids become visible out of order, and a row passed over would be
/// lost. The primary key serves both order and search; buckets of others are few and filtered.
const TAKE: &str = "SELECT id, written_at, messages FROM outbox
     WHERE bucket = ANY($1) AND id <> ALL($2) ORDER BY id LIMIT $3";
/// For the connection that deletes: it need not wait for the disk. What a crash of the database brings back is sent again, as it
/// is when a relay dies between Kafka's acknowledgement and the deletion.
const FORGETFUL: [(&str, &str); 1] = [("synchronous_commit", "off")];
const DELETE: &str = "DELETE FROM outbox WHERE id = ANY($1)";

/// Runs until something fails (`Err`) or the relay is stopped (`Ok`).
pub(super) async fn run(config: &Config, waker: &Waker, owned: Owned, stopped: CancellationToken) -> Result<(), Error> {
    let (delivered, acknowledged) = mpsc::unbounded_channel();
    let producer = Producer::new(config, delivered)?;
    let reader = connect(&config.database, &[]).await?;
    let (deleted, gone) = mpsc::unbounded_channel();
    let deleting = connect(&config.database, &FORGETFUL).await?;
    let deleter = tokio::spawn(delete_acknowledged(deleting, acknowledged, deleted));
    let mut session = Session { config, producer, reader, in_flight: BTreeMap::new(), messages: 0, gone };
    let ended = session.relay(waker, owned, stopped).await;
    METRICS.relay_in_flight.add(-session.messages, &[]);
    drop(session);
    match deleter.await {
        Ok(Err(error)) => Err(error),
        _ => ended,
    }
}

struct Session<'a> {
    config: &'a Config,
    producer: Producer,
    reader: PgConnection,
    /// Frames sent and not yet deleted, with their number of messages.
    in_flight: BTreeMap<i64, i64>,
    messages: i64,
    gone: mpsc::UnboundedReceiver<Vec<i64>>,
}

impl Session<'_> {
    async fn relay(&mut self, waker: &Waker, mut owned: Owned, stopped: CancellationToken) -> Result<(), Error> {
        let (mut not_before, mut rest) = (Instant::now(), Rest::default());
        while !stopped.is_cancelled() {
            sleep_until(not_before).await;
            let began = Instant::now();
            let frames_max = self.config.pacing.frames_max.count();
            let buckets: Vec<i16> = owned.borrow_and_update().iter().map(|&bucket| bucket as i16).collect();
            let taken = if buckets.is_empty() || self.messages >= IN_FLIGHT_MAX {
                0
            } else {
                self.take(&buckets, frames_max).await?
            };
            if taken == frames_max {
                self.forget_deleted()?;
                not_before = Instant::now();
                continue;
            }
            not_before = rest.after(began, Instant::now(), self.config.pacing.pace.get());
            tokio::select! {
                () = waker.0.notified() => {}
                () = tokio::time::sleep(self.config.poll_interval) => {}
                ids = self.gone.recv() => self.forget(&ids.ok_or(Error::DeleterGone)?),
                _ = owned.changed() => {}
                () = stopped.cancelled() => {}
            }
            self.forget_deleted()?;
            if let Some(reason) = self.producer.fatal() {
                return Err(Error::Fatal(reason));
            }
        }
        self.drain().await
    }

    /// Reads the next frames of these buckets and hands them to Kafka; answers how many they were.
    async fn take(&mut self, buckets: &[i16], frames_max: usize) -> Result<usize, Error> {
        let in_flight: Vec<i64> = self.in_flight.keys().copied().collect();
        let rows: Vec<(i64, time::OffsetDateTime, Vec<u8>)> = sqlx::query_as(TAKE)
            .bind(buckets)
            .bind(in_flight)
            .bind(frames_max as i64)
            .fetch_all(&mut self.reader)
            .await?;
        for (id, written_at, bytes) in &rows {
            let messages = Frame::read(bytes).map_err(|source| Error::Frame { id: *id, source })?;
            let dwell = trace::duration(Timestamp::now().micros_since(Timestamp::from(*written_at)));
            METRICS.outbox_dwell.record(dwell, recorded(&messages));
            crash::point("relay.before-send");
            let count = messages.len() as i64;
            self.in_flight.insert(*id, count);
            self.messages += count;
            METRICS.relay_in_flight.add(count, &[]);
            self.producer.send(*id, &messages, dwell).await?;
            count_sent(&messages);
        }
        Ok(rows.len())
    }

    fn forget_deleted(&mut self) -> Result<(), Error> {
        loop {
            match self.gone.try_recv() {
                Ok(ids) => self.forget(&ids),
                Err(mpsc::error::TryRecvError::Empty) => return Ok(()),
                Err(mpsc::error::TryRecvError::Disconnected) => return Err(Error::DeleterGone),
            }
        }
    }

    fn forget(&mut self, ids: &[i64]) {
        for id in ids {
            if let Some(count) = self.in_flight.remove(id) {
                self.messages -= count;
                METRICS.relay_in_flight.add(-count, &[]);
            }
        }
    }

    async fn drain(&mut self) -> Result<(), Error> {
        let deadline = Instant::now() + DRAIN;
        while !self.in_flight.is_empty() {
            match timeout_at(deadline, self.gone.recv()).await {
                Ok(Some(ids)) => self.forget(&ids),
                Ok(None) => return Err(Error::DeleterGone),
                Err(_) => {
                    tracing::warn!(
                        frames = self.in_flight.len(),
                        "stopped before Kafka acknowledged; will be sent again"
                    );
                    break;
                }
            }
        }
        Ok(())
    }
}

/// Whose wait a frame's is: the first of its messages whose trace is recorded.
fn recorded(messages: &[Outgoing<'_>]) -> Option<TraceContext> {
    messages.iter().find_map(|message| match message {
        Outgoing::Event { trace, .. } => trace.filter(|trace| trace.is_sampled()),
        Outgoing::DeadLetter { .. } => None,
    })
}

fn count_sent(messages: &[Outgoing<'_>]) {
    for topic in Topic::ALL {
        let of_topic = |message: &&Outgoing<'_>| matches!(message, Outgoing::Event { topic: t, .. } if *t == topic);
        let count = messages.iter().filter(of_topic).count() as u64;
        if count > 0 {
            METRICS.sent(topic, count);
        }
    }
}

/// Deletes frames as Kafka acknowledges them, many at once, until the session and its producer are gone.
async fn delete_acknowledged(
    mut connection: PgConnection,
    mut acknowledged: mpsc::UnboundedReceiver<Delivered>,
    deleted: mpsc::UnboundedSender<Vec<i64>>,
) -> Result<(), Error> {
    let mut batch = Vec::new();
    while acknowledged.recv_many(&mut batch, 1_000).await > 0 {
        if let Some(undelivered) = batch.iter().find(|frame| frame.failed) {
            return Err(Error::Undelivered { id: undelivered.id });
        }
        crash::point("relay.acknowledged");
        let ids: Vec<i64> = batch.drain(..).map(|frame| frame.id).collect();
        sqlx::query(DELETE).bind(&ids).execute(&mut connection).await?;
        if deleted.send(ids).is_err() {
            break;
        }
    }
    Ok(())
}

/// A connection that always walks the primary key: the table is empty when the statements are planned and may not be
/// later.
async fn connect(database: &PgConnectOptions, more: &[(&str, &str)]) -> Result<PgConnection, sqlx::Error> {
    let always = [("enable_seqscan", "off"), ("enable_bitmapscan", "off")];
    let options = database.clone().options(always.iter().chain(more).copied());
    PgConnection::connect_with(&options).await
}

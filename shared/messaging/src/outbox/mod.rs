//! The transactional outbox: what a transaction says to the world, written with what it does.

mod frame;

use contracts::{Timestamp, event::Event, topics::Topic};
use sqlx::{PgConnection, Postgres, postgres::PgArguments, query::Query};
use telemetry::context::{Carried, TraceContext, in_scope};
use uuid::Uuid;

pub(crate) use frame::{Frame, Outgoing, Unreadable};

use crate::{BUCKETS, Broken, Message, metric_definitions::METRICS};

/// A frame is closed, and another begun, when it has this many bytes: the unit in which the relay reads.
const FRAME_BYTES: usize = 512 * 1024;

/// The statement that writes frames, up to where a condition may go on behind a `WHERE`; the parameters are those of
/// [`Batch::bind`](crate::outbox::Batch::bind).
#[macro_export]
macro_rules! saying {
    ($buckets:literal, $counts:literal, $frames:literal) => {
        concat!(
            "INSERT INTO outbox (bucket, message_count, messages)
             SELECT * FROM unnest(",
            $buckets,
            "::smallint[], ",
            $counts,
            "::integer[], ",
            $frames,
            "::bytea[])"
        )
    };
}

const WRITE: &str = saying!("$1", "$2", "$3");

/// Events to be published by one transaction: at most one frame a bucket, unless they are very many.
#[derive(Debug)]
pub struct Batch {
    source: &'static str,
    open: [Option<Frame>; BUCKETS as usize],
    closed: Vec<(u16, Frame)>,
}

impl Batch {
    /// An empty batch. `source` is the CloudEvents `source` of its events, for example `/plumbline/order`.
    pub fn new(source: &'static str) -> Self {
        Self { source, open: [const { None }; BUCKETS as usize], closed: Vec::new() }
    }

    /// Adds an event. Events of the same bucket reach Kafka in the order in which they were added and their
    /// transactions committed. What is carried with their cause goes along.
    ///
    /// # Panics
    /// Never: a bucket of [`BUCKETS`] or above counts as the remainder, and our bodies always serialise.
    pub fn push<E: Event>(&mut self, bucket: u16, event: &E, carried: impl Into<Carried>) {
        let Carried { trace, baggage } = carried.into();
        let payload = serde_json::to_vec(event).expect("event bodies have string keys only, so they always serialise");
        let source = self.source;
        self.frame(bucket).push(&Outgoing::Event {
            topic: E::TOPIC,
            key: event.key().into(),
            id: Uuid::now_v7(),
            event_type: E::TYPE.into(),
            source: source.into(),
            time: Timestamp::now(),
            trace,
            baggage,
            payload: payload.into(),
        });
    }

    /// Adds a dead letter: the message as it came, for its topic's `.dlq`, with the reason, and where it stood, as
    /// headers. It is sent below `trace`, the span of whoever could not process it.
    pub fn dead_letter(&mut self, message: &Message, reason: &Broken, trace: Option<TraceContext>) {
        let mut headers = message.headers_for_dead_letter(trace);
        headers.push(("plumbline-reason".to_owned(), reason.to_string().into_bytes()));
        headers.push(("plumbline-partition".to_owned(), message.partition.to_string().into_bytes()));
        headers.push(("plumbline-offset".to_owned(), message.offset.to_string().into_bytes()));
        METRICS.dead_letter(message.topic);
        let Message { topic, partition, offset, .. } = message;
        in_scope(message.trace, || {
            tracing::warn!(%topic, partition, offset, %reason,
                "message can't be processed and goes to the dead-letter topic");
        });
        self.frame(0).push(&Outgoing::DeadLetter {
            topic: message.topic,
            key: message.key.as_str().into(),
            headers,
            payload: message.payload.as_slice().into(),
        });
    }

    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        self.closed.is_empty() && self.open.iter().all(Option::is_none)
    }

    /// Writes the frames, within the transaction of `connection`. The caller wakes its relay after the commit.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn write(self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        if self.is_empty() {
            return Ok(());
        }
        self.bind(sqlx::query(WRITE)).execute(connection).await?;
        Ok(())
    }

    /// The frames as the next three parameters of a statement with [`saying!`](crate::saying!), which writes them with other
    /// things. The caller wakes its relay after the commit.
    pub fn bind<'q>(self, statement: Query<'q, Postgres, PgArguments>) -> Query<'q, Postgres, PgArguments> {
        let open = self.open.into_iter().enumerate().filter_map(|(bucket, frame)| Some((bucket as u16, frame?)));
        let (mut buckets, mut counts, mut frames) = (Vec::new(), Vec::new(), Vec::new());
        for (bucket, frame) in self.closed.into_iter().chain(open) {
            buckets.push(bucket as i16);
            counts.push(frame.len() as i32);
            frames.push(frame.into_bytes());
        }
        statement.bind(buckets).bind(counts).bind(frames)
    }

    fn frame(&mut self, bucket: u16) -> &mut Frame {
        let bucket = bucket % BUCKETS;
        let slot = &mut self.open[usize::from(bucket)];
        if slot.as_ref().is_some_and(|frame| frame.bytes() >= FRAME_BYTES) {
            self.closed.extend(slot.take().map(|full| (bucket, full)));
        }
        slot.get_or_insert_with(Frame::default)
    }
}

/// How many messages wait in the outbox, and since when the oldest does.
///
/// # Errors
/// Those of the database.
pub async fn depth(connection: &mut PgConnection) -> Result<(i64, Option<Timestamp>), sqlx::Error> {
    let (count, oldest): (i64, Option<time::OffsetDateTime>) =
        sqlx::query_as("SELECT coalesce(sum(message_count), 0)::bigint, min(written_at) FROM outbox")
            .fetch_one(connection)
            .await?;
    Ok((count, oldest.map(Timestamp::from)))
}

/// Whether `topic` is one that an outbox frame can name; all are.
pub(crate) fn topic_index(topic: Topic) -> u8 {
    match topic {
        Topic::Orders => 0,
        Topic::Stock => 1,
        Topic::Catalog => 2,
    }
}

//! Events as OTLP's log records: <https://opentelemetry.io/docs/specs/otel/logs/data-model/>.

use std::{
    cell::RefCell,
    fmt::{self, Write as _},
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{Layer, layer::Context};

use super::trace;
use crate::{
    attribute::{self, Any},
    context::{self, TraceContext},
    export::{Queue, about_itself},
    wire::{self, Wire},
};

/// Fields of `opentelemetry.proto.logs.v1.LogRecord`.
mod field {
    pub(super) const TIME: u8 = 1;
    pub(super) const SEVERITY_NUMBER: u8 = 2;
    pub(super) const SEVERITY_TEXT: u8 = 3;
    pub(super) const BODY: u8 = 5;
    pub(super) const ATTRIBUTES: u8 = 6;
    pub(super) const FLAGS: u16 = 8;
    pub(super) const TRACE_ID: u8 = 9;
    pub(super) const SPAN_ID: u8 = 10;
    pub(super) const OBSERVED_TIME: u8 = 11;
    pub(super) const EVENT_NAME: u8 = 12;
}

/// What is longer is cut off: a record is to be read, and the queue has 1 KiB for each on average.
const LONGEST: usize = 4 * 1024;

/// A layer that writes each event into a queue, as a log record. It never waits; what finds no room is counted as lost.
///
/// Events of the threads that send telemetry are left out: a line about a record that can't be sent would make the next.
#[derive(Debug)]
pub struct Records {
    queue: Arc<Queue>,
}

impl Records {
    /// Into `queue`.
    pub fn new(queue: Arc<Queue>) -> Self {
        Self { queue }
    }
}

thread_local!(static RECORD: RefCell<Record> = RefCell::default());

impl<S: Subscriber> Layer<S> for Records {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if about_itself::is() {
            return;
        }
        RECORD.with(|record| {
            // Taken already where a value's Display logs: that line is left out rather than written into this one.
            let Ok(mut record) = record.try_borrow_mut() else { return };
            record.write(event, SystemTime::now());
            self.queue.push(record.bytes.len(), |to| to.extend_from_slice(&record.bytes));
        });
    }
}

/// A record while it is written; kept, so that writing one allocates nothing.
#[derive(Debug, Default)]
struct Record {
    bytes: Vec<u8>,
    /// What a value looks like as text.
    text: String,
    trace: Option<TraceContext>,
}

impl Record {
    fn write(&mut self, event: &Event<'_>, now: SystemTime) {
        self.bytes.clear();
        self.trace = None;
        let about = event.metadata();
        let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let nanos = u64::try_from(since.as_nanos()).unwrap_or(u64::MAX);
        // An event is observed where it happens.
        self.bytes.fixed64(field::TIME, nanos);
        self.bytes.fixed64(field::OBSERVED_TIME, nanos);
        let (number, text) = severity(*about.level());
        self.bytes.number(field::SEVERITY_NUMBER, number);
        self.bytes.text(field::SEVERITY_TEXT, text);
        if let Some(name) = name(about) {
            self.bytes.text(field::EVENT_NAME, name);
        }
        self.set("target", Any::Text(about.target()));
        event.record(self);
        if let Some(trace) = self.trace.or_else(context::of_scope) {
            self.bytes.fixed32(field::FLAGS, u32::from(trace.flags()));
            self.bytes.bytes(field::TRACE_ID, &trace.trace_id().to_bytes());
            self.bytes.bytes(field::SPAN_ID, &trace.span_id().to_bytes());
        }
    }

    fn set(&mut self, key: &str, value: Any<'_>) {
        attribute::write(&mut self.bytes, field::ATTRIBUTES, key, value);
    }

    fn text(&mut self, key: &str, text: &str) {
        let text = cut(text);
        if key == "message" {
            self.bytes.head(field::BODY, wire::len_delimited(text.len()));
            self.bytes.text(1, text);
        } else {
            self.set(key, Any::Text(text));
        }
    }
}

impl Visit for Record {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.set(field.name(), Any::Double(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field.name(), Any::Int(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        match i64::try_from(value) {
            Ok(number) => self.set(field.name(), Any::Int(number)),
            // OTLP has no larger whole numbers.
            Err(_) => self.record_debug(field, &value),
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field.name(), Any::Bool(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match value.parse() {
            Ok(context) if field.name() == trace::FIELD => self.trace = Some(context),
            _ => self.text(field.name(), value),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == trace::FIELD {
            self.trace = trace::read(value);
            return;
        }
        let mut text = std::mem::take(&mut self.text);
        text.clear();
        // Writing to a string fails only where the value says so; then what it has written stands.
        let _ = write!(text, "{value:?}");
        self.text(field.name(), &text);
        self.text = text;
    }
}

/// At most [`LONGEST`] bytes of it, and whole characters.
fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(LONGEST)]
}

/// By the data model's table: the first of each range.
fn severity(level: Level) -> (u64, &'static str) {
    match level {
        Level::TRACE => (1, "TRACE"),
        Level::DEBUG => (5, "DEBUG"),
        Level::INFO => (9, "INFO"),
        Level::WARN => (13, "WARN"),
        Level::ERROR => (17, "ERROR"),
    }
}

/// The name an event was given; tracing names the others by their place in the source.
fn name(about: &Metadata<'static>) -> Option<&'static str> {
    Some(about.name()).filter(|name| !name.starts_with("event "))
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    #[test]
    fn what_the_sender_itself_says_makes_no_record() {
        let queue = Arc::new(Queue::new(10));
        let records = Records::new(Arc::clone(&queue));
        let dispatch = tracing::Dispatch::new(tracing_subscriber::registry().with(records));
        let log = |as_sender: bool| {
            let dispatch = dispatch.clone();
            let work = move || {
                if as_sender {
                    about_itself::begin();
                }
                tracing::dispatcher::with_default(&dispatch, || tracing::warn!("records are lost"));
            };
            std::thread::spawn(work).join().unwrap();
        };
        log(true);
        assert!(queue.is_empty());
        log(false);
        assert_eq!(queue.len(), 1);
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        let long = "é".repeat(LONGEST);
        assert_eq!(cut(&long).len(), LONGEST);
        assert_eq!(cut(&format!("a{long}")).len(), LONGEST - 1);
        assert_eq!(cut("short"), "short");
    }
}

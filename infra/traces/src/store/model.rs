//! Spans as they are read.

use std::sync::Arc;

/// A trace's id: sixteen bytes.
pub type TraceId = [u8; 16];
/// A span's id: eight bytes.
pub type SpanId = [u8; 8];
/// Attributes in the order they were sent; a key may come twice.
pub type Attributes = Vec<(String, Value)>;

/// One span with all that was sent about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// Which trace it belongs to.
    pub trace_id: TraceId,
    /// Its own id.
    pub span_id: SpanId,
    /// Its parent's.
    pub parent: Option<SpanId>,
    /// What was done.
    pub name: String,
    /// OTLP's number of its kind: 1 internal, 2 server, 3 client, 4 producer, 5 consumer.
    pub kind: i32,
    /// Nanoseconds since 1970.
    pub start: u64,
    /// Nanoseconds since 1970.
    pub end: u64,
    /// 0 unset, 1 ok, 2 error.
    pub status: i32,
    /// What the status says besides.
    pub message: String,
    /// The W3C trace state.
    pub state: String,
    /// The W3C trace flags, and OTLP's.
    pub flags: u32,
    /// How many attributes, events and links the sender left out.
    pub dropped: [u32; 3],
    /// What is known about it.
    pub attributes: Attributes,
    /// What happened in it.
    pub events: Vec<Event>,
    /// What it has to do with besides its parent.
    pub links: Vec<Link>,
    /// Who did it.
    pub resource: Arc<Resource>,
    /// What code recorded it.
    pub scope: Arc<Scope>,
}

/// Who sent spans.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Resource {
    /// Its `service.name`, or a word that says what is wrong with that.
    pub service: String,
    /// All of its attributes.
    pub attributes: Attributes,
    /// How many the sender left out.
    pub dropped: u32,
}

/// The library that recorded spans.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scope {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What is known about it.
    pub attributes: Attributes,
    /// How many the sender left out.
    pub dropped: u32,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Nanoseconds since 1970.
    pub time: u64,
    /// What happened.
    pub name: String,
    /// What is known about it.
    pub attributes: Attributes,
    /// How many the sender left out.
    pub dropped: u32,
}

/// Another span.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    /// Which trace it belongs to.
    pub trace_id: TraceId,
    /// Its id.
    pub span_id: SpanId,
    /// The W3C trace state.
    pub state: String,
    /// The W3C trace flags, and OTLP's.
    pub flags: u32,
    /// What is known about the link.
    pub attributes: Attributes,
    /// How many the sender left out.
    pub dropped: u32,
}

/// An attribute's value.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "each is OTLP's value of that name")]
pub enum Value {
    Empty,
    Text(String),
    Bool(bool),
    Int(i64),
    Double(f64),
    Bytes(Vec<u8>),
    Array(Vec<Value>),
    Map(Attributes),
}

/// OTLP's code of a status that is an error.
pub const STATUS_ERROR: i32 = 2;

/// The words for kinds and statuses that Jaeger has.
pub mod words {
    /// Of a span's kind; `None` for an unspecified or unknown one.
    #[must_use]
    pub fn kind(kind: i32) -> Option<&'static str> {
        Some(match kind {
            1 => "internal",
            2 => "server",
            3 => "client",
            4 => "producer",
            5 => "consumer",
            _ => return None,
        })
    }

    /// Of a status; `None` where it is unset.
    #[must_use]
    pub fn status(status: i32) -> Option<&'static str> {
        Some(match status {
            1 => "OK",
            super::STATUS_ERROR => "ERROR",
            _ => return None,
        })
    }
}

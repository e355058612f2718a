//! OTLP's messages as they come in: read in place, checked once, and written again from JSON.
//!
//! Field numbers are those of `opentelemetry/proto/{trace,common,resource}/v1` and `collector/trace/v1`.

mod batch;
mod check;
mod fields;
mod parts;
mod writer;

pub use self::{
    batch::{Batch, Group},
    check::{Fault, Limits},
    fields::Malformed,
};
pub(crate) use self::{
    check::{pair, value},
    fields::{Field, fields},
    parts::{AnyValue, Pair, Parts, Span},
    writer::Writer,
};

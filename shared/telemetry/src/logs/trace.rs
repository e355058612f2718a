//! Which trace an event belongs to.

use std::fmt::{self, Write as _};

use tracing::{
    Event,
    field::{Field, Visit},
};

use crate::context::{self, TraceContext};

/// The field whose text, a `traceparent`, says which trace an event belongs to.
pub(super) const FIELD: &str = "trace";

/// The trace of the event's field, else that of the scope.
pub(super) fn of(event: &Event<'_>) -> Option<TraceContext> {
    let mut found = Found(None);
    if event.metadata().fields().field(FIELD).is_some() {
        event.record(&mut found);
    }
    found.0.or_else(context::of_scope)
}

struct Found(Option<TraceContext>);

impl Visit for Found {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == FIELD {
            self.0 = value.parse().ok();
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == FIELD {
            self.0 = read(value);
        }
    }
}

/// Reads what is written as a `traceparent`; as `Some(…)`, too, which is how an option shows itself.
pub(super) fn read(value: &dyn fmt::Debug) -> Option<TraceContext> {
    let mut text = String::new();
    write!(text, "{value:?}").ok()?;
    text.trim_start_matches("Some(").trim_end_matches(')').parse().ok()
}

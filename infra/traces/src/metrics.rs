//! What Prometheus is told.

use std::fmt::Write as _;

use crate::{otlp::Receiver, store::Store};

/// The text of `/metrics`, as of version 0.0.4 of Prometheus's format.
pub(crate) fn text(receiver: &Receiver, store: &Store) -> String {
    let (received, state) = (receiver.received(), store.state());
    let mut text = String::new();
    // Writing to a text can't fail, here and below.
    let mut one = |name: &str, kind: &str, help: &str, value: f64| {
        _ = writeln!(text, "# HELP plumbline_traces_{name} {help}");
        _ = writeln!(text, "# TYPE plumbline_traces_{name} {kind}\nplumbline_traces_{name} {value}");
    };
    let counters = [
        ("spans_received_total", "Spans that were taken.", received.accepted_spans),
        ("spans_rejected_total", "Spans that were left out of requests.", received.rejected_spans),
        ("spans_evicted_total", "Spans that were dropped for newer ones.", state.evicted_spans),
        ("traces_evicted_total", "Their traces, each counted in every chunk.", state.evicted_traces),
        ("requests_total", "Requests whose spans were taken.", received.requests),
        (
            "file_failures_total",
            "Requests that could not be written to the file.",
            receiver.journal().map_or(0, |journal| journal.failures()),
        ),
    ];
    for (name, help, value) in counters {
        one(name, "counter", help, value as f64);
    }
    let gauges = [
        ("spans", "Spans that are kept.", state.spans as f64),
        ("traces", "Traces that are kept, each counted in every chunk.", state.traces as f64),
        ("memory_bytes", "Memory of the spans.", state.bytes as f64),
        ("memory_limit_bytes", "Memory that they may take.", state.bytes_limit as f64),
        ("backlog_bytes", "Requests that are being taken.", receiver.backlog() as f64),
        ("file_bytes", "Bytes of the file.", receiver.journal().map_or(0, |journal| journal.bytes()) as f64),
        (
            "oldest_start_seconds",
            "When the earliest span started that is kept; 0 without any.",
            state.oldest_start.unwrap_or(0) as f64 / 1e9,
        ),
    ];
    for (name, help, value) in gauges {
        one(name, "gauge", help, value);
    }
    let name = "plumbline_traces_requests_refused_total";
    _ = writeln!(text, "# HELP {name} Requests that were refused.\n# TYPE {name} counter");
    let refused = [
        ("malformed", received.malformed_requests),
        ("too_large", received.too_large_requests),
        ("busy", received.busy_requests),
        ("unsupported", received.unsupported_requests),
    ];
    for (reason, value) in refused {
        _ = writeln!(text, "{name}{{reason=\"{reason}\"}} {value}");
    }
    text
}

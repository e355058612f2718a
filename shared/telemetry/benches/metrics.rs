//! What recording a duration costs: into the SDK's histogram with explicit boundaries, into its exponential one, and by
//! `Seconds` without and with a trace that is kept as the example of its bucket.
//!
//!     cargo bench -p telemetry --bench metrics      # 5 rounds of a million records each
//!
//! Prints nanoseconds a record, the median of the rounds, on one thread; and what reading all of it once takes.

#![expect(clippy::unwrap_used, reason = "a benchmark ends where it fails")]

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use opentelemetry::{
    KeyValue, global,
    metrics::{Histogram, MeterProvider as _},
};
use opentelemetry_sdk::metrics::{ManualReader, SdkMeterProvider};
use telemetry::{
    Telemetry,
    context::{self, TraceContext},
    logs,
    metrics::{Seconds, exposition},
};

const RECORDS: u32 = 1_000_000;
const ROUNDS: usize = 5;
/// What an instrument asked for before durations were exponential.
const BOUNDS: [f64; 16] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 10.0, 30.0];

fn main() {
    let guard = telemetry::init(Telemetry {
        service_name: "bench",
        instance_id: "bench-1".to_owned(),
        log_filter: logs::Filter::default(),
        log_format: logs::Format::default(),
    });
    let meter = global::meter("bench");
    let provider = SdkMeterProvider::builder().with_reader(ManualReader::default()).build();
    let of_sdk = provider.meter("bench");
    let explicit = of_sdk.f64_histogram("explicit").with_unit("s").with_boundaries(BOUNDS.to_vec()).build();
    let exponential = meter.f64_histogram("exponential").with_unit("s").build();
    let seconds = Seconds::new(&meter, "seconds", "");
    let four = [
        KeyValue::new("http.request.method", "POST"),
        KeyValue::new("http.route", "/orders"),
        KeyValue::new("http.response.status_code", 202),
        KeyValue::new("url.scheme", "http"),
    ];
    let series = seconds.series(&four);
    let trace: TraceContext = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".parse().unwrap();
    let sdk = |histogram: &Histogram<f64>, attributes: &[KeyValue]| {
        cost(|took| histogram.record(took.as_secs_f64(), attributes))
    };
    println!("{:>12} {:>12}   ns a record", "none", "4 attributes");
    row("explicit", sdk(&explicit, &[]), sdk(&explicit, &four));
    row("exponential", sdk(&exponential, &[]), sdk(&exponential, &four));
    row("no trace", cost(|took| seconds.record(took, None)), cost(|took| series.record(took, None)));
    row("traced", cost(|took| seconds.record(took, trace)), cost(|took| series.record(took, trace)));
    let scope = cost(|took| _ = context::in_scope(trace, || black_box(took)));
    println!("{scope:>12.1}                entering and leaving a scope");
    let began = Instant::now();
    let text = exposition(Some("application/openmetrics-text")).text;
    println!("{:>12.1?}                reading {} bytes of OpenMetrics", began.elapsed(), text.len());
    guard.unwrap().shutdown(Duration::from_secs(1));
}

fn row(what: &str, none: f64, four: f64) {
    println!("{none:>12.1} {four:>12.1}   {what}");
}

/// Nanoseconds a record of durations from 1 to 100 ms.
fn cost(record: impl Fn(Duration)) -> f64 {
    let mut rounds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let began = Instant::now();
            for number in 0..RECORDS {
                record(black_box(Duration::from_micros(1_000 + u64::from(number.wrapping_mul(7_919) % 99_000))));
            }
            began.elapsed().as_nanos() as f64 / f64::from(RECORDS)
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    rounds[ROUNDS / 2]
}

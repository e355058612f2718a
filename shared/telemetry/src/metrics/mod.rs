//! Metrics: OpenTelemetry instruments, read by Prometheus and sent by OTLP.
//!
//! Instruments come from `opentelemetry::global::meter("plumbline.…")`, and durations from [`Seconds`]. They must be made
//! after [`crate::init`], which a `LazyLock` does by itself: instruments made before it count nothing.
//!
//! Every histogram in seconds is an exponential one of base 2, whatever boundaries its instrument asks for. OTLP has it
//! as it is; Prometheus has it with the same few [bounds](buckets::bounds) in every process and at all times.

pub mod buckets;
mod exemplars;
mod exposition;
mod otlp;
mod reader;
mod seconds;

use std::sync::OnceLock;

use opentelemetry::global;
use opentelemetry_sdk::{
    Resource,
    metrics::{Aggregation, Instrument, InstrumentKind, SdkMeterProvider, Stream, data::ResourceMetrics},
};

use self::reader::Reader;
pub use self::{
    exposition::{Exposition, exposition},
    seconds::{Seconds, Series},
};
use crate::export::Reading;

static READER: OnceLock<Reader> = OnceLock::new();

/// Buckets of a series: with those of [`SCALE`] they reach over six powers of ten.
const BUCKETS: u32 = 160;
/// Each bucket ends an eighth of an octave, 9 %, above the one before. Where more than [`BUCKETS`] would be needed the SDK
/// merges them two by two, which keeps every bound that Prometheus is shown.
const SCALE: i8 = 3;

/// Every metric of this process in Prometheus' text format; empty before [`crate::init`].
pub fn prometheus_text() -> String {
    exposition(None).text
}

/// Every metric of this process as OTLP has it; none before [`crate::init`].
pub fn read() -> Reading {
    collect().map(|metrics| otlp::encode(&metrics)).unwrap_or_default()
}

fn collect() -> Option<ResourceMetrics> {
    let reader = READER.get()?;
    let mut metrics = ResourceMetrics::default();
    match reader.read(&mut metrics) {
        Ok(()) => Some(metrics),
        Err(fault) => {
            tracing::error!(%fault, "metrics can't be read");
            None
        }
    }
}

/// Makes the meter provider of this process; the first call counts.
pub(crate) fn start(resource: Resource) {
    READER.get_or_init(|| {
        let reader = Reader::default();
        let provider = SdkMeterProvider::builder().with_resource(resource).with_reader(reader.clone());
        global::set_meter_provider(provider.with_view(durations_are_exponential).build());
        reader
    });
}

fn durations_are_exponential(instrument: &Instrument) -> Option<Stream> {
    if instrument.kind() != InstrumentKind::Histogram || instrument.unit() != "s" {
        return None;
    }
    let exponential =
        Aggregation::Base2ExponentialHistogram { max_size: BUCKETS, max_scale: SCALE, record_min_max: true };
    Stream::builder().with_aggregation(exponential).build().ok()
}

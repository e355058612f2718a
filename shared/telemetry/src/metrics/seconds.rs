//! Durations: a histogram that can say which trace took so long.

use std::{sync::Arc, time::Duration};

use opentelemetry::{
    KeyValue,
    metrics::{Histogram, Meter},
};

use super::exemplars::{Exemplars, Newest};
use crate::context::TraceContext;

/// A histogram of durations, in seconds.
#[derive(Debug)]
pub struct Seconds {
    instrument: Histogram<f64>,
    exemplars: Arc<Exemplars>,
    /// The series without attributes.
    plain: Series,
}

impl Seconds {
    /// The histogram of this name.
    pub fn new(meter: &Meter, name: &'static str, description: &'static str) -> Self {
        let instrument = meter.f64_histogram(name).with_description(description).with_unit("s").build();
        let exemplars = Exemplars::of(name);
        let plain = series(&instrument, &exemplars, &[]);
        Self { instrument, exemplars, plain }
    }

    /// Records a duration without attributes. Where the trace is recorded, it is the example for durations like this.
    pub fn record(&self, took: Duration, trace: impl Into<Option<TraceContext>>) {
        self.plain.record(took, trace);
    }

    /// The series of these attributes, to be kept by who records often: finding it costs more than recording.
    pub fn series(&self, attributes: &[KeyValue]) -> Series {
        series(&self.instrument, &self.exemplars, attributes)
    }
}

fn series(instrument: &Histogram<f64>, exemplars: &Exemplars, attributes: &[KeyValue]) -> Series {
    let newest = exemplars.series(attributes);
    Series { instrument: instrument.clone(), attributes: attributes.into(), newest }
}

/// A [`Seconds`] with its attributes.
#[derive(Debug, Clone)]
pub struct Series {
    instrument: Histogram<f64>,
    attributes: Arc<[KeyValue]>,
    newest: Option<Arc<Newest>>,
}

impl Series {
    /// Records a duration. Where the trace is recorded, it is the example for durations like this.
    pub fn record(&self, took: Duration, trace: impl Into<Option<TraceContext>>) {
        let seconds = took.as_secs_f64();
        self.instrument.record(seconds, &self.attributes);
        if let Some(trace) = trace.into().filter(|trace| trace.is_sampled())
            && let Some(newest) = &self.newest
        {
            newest.keep(seconds, trace);
        }
    }
}

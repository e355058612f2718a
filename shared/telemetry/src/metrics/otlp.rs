//! What the SDK has counted, as OTLP has it: `opentelemetry.proto.metrics.v1`.

use std::time::{SystemTime, UNIX_EPOCH};

use opentelemetry::KeyValue;
use opentelemetry_sdk::metrics::data::{
    AggregatedMetrics, ExponentialBucket, ExponentialHistogramDataPoint, HistogramDataPoint, Metric, MetricData,
    ResourceMetrics,
};

use super::exemplars::{self, Exemplar};
use crate::{
    attribute,
    export::Reading,
    wire::{self, Wire},
};

/// `ResourceMetrics.scope_metrics`, `ScopeMetrics.metrics`.
const NESTED: u8 = 2;
/// `AGGREGATION_TEMPORALITY_CUMULATIVE`.
const CUMULATIVE: u64 = 2;

pub(super) fn encode(metrics: &ResourceMetrics) -> Reading {
    let mut reading = Reading::default();
    for of_scope in metrics.scope_metrics() {
        let mut scope = Vec::new();
        let name = of_scope.scope().name();
        scope.head(1, wire::len_delimited(name.len()));
        scope.text(1, name);
        for metric in of_scope.metrics() {
            let (encoded, points) = self::metric(metric);
            scope.bytes(NESTED, &encoded);
            reading.points += points;
        }
        reading.scopes.bytes(NESTED, &scope);
    }
    reading
}

/// A `Metric`, and how many data points it has.
fn metric(metric: &Metric) -> (Vec<u8>, usize) {
    let mut to = Vec::with_capacity(512);
    to.text(1, metric.name());
    to.text(2, metric.description());
    to.text(3, metric.unit());
    let points = match metric.data() {
        AggregatedMetrics::F64(data) => self::data(&mut to, metric.name(), data),
        AggregatedMetrics::U64(data) => self::data(&mut to, metric.name(), data),
        AggregatedMetrics::I64(data) => self::data(&mut to, metric.name(), data),
    };
    (to, points)
}

/// The fields of `Metric` that hold its data.
mod field {
    pub(super) const GAUGE: u8 = 5;
    pub(super) const SUM: u8 = 7;
    pub(super) const HISTOGRAM: u8 = 9;
    pub(super) const EXPONENTIAL_HISTOGRAM: u8 = 10;
}

fn data<T: Number>(to: &mut Vec<u8>, name: &str, data: &MetricData<T>) -> usize {
    let mut inner = Vec::with_capacity(256);
    let (field, points) = match data {
        MetricData::Gauge(gauge) => {
            let begin = gauge.start_time().unwrap_or(UNIX_EPOCH);
            let points =
                gauge.data_points().map(|point| number(point.attributes(), [begin, gauge.time()], point.value()));
            (field::GAUGE, all(&mut inner, points))
        }
        MetricData::Sum(sum) => {
            let times = [sum.start_time(), sum.time()];
            let points = sum.data_points().map(|point| number(point.attributes(), times, point.value()));
            let points = all(&mut inner, points);
            inner.number(2, CUMULATIVE);
            inner.number(3, u64::from(sum.is_monotonic()));
            (field::SUM, points)
        }
        MetricData::Histogram(histogram) => {
            let times = [histogram.start_time(), histogram.time()];
            let points = all(&mut inner, histogram.data_points().map(|point| explicit(point, times)));
            inner.number(2, CUMULATIVE);
            (field::HISTOGRAM, points)
        }
        MetricData::ExponentialHistogram(histogram) => {
            let times = [histogram.start_time(), histogram.time()];
            let points = all(&mut inner, histogram.data_points().map(|point| exponential(name, point, times)));
            inner.number(2, CUMULATIVE);
            (field::EXPONENTIAL_HISTOGRAM, points)
        }
    };
    to.bytes(field, &inner);
    points
}

/// Data points are field 1 of every kind of data.
fn all(to: &mut Vec<u8>, points: impl Iterator<Item = Vec<u8>>) -> usize {
    points.map(|point| to.bytes(1, &point)).count()
}

/// A `NumberDataPoint`.
fn number<'a, T: Number>(attributes: impl Iterator<Item = &'a KeyValue>, times: [SystemTime; 2], value: T) -> Vec<u8> {
    let mut to = Vec::with_capacity(128);
    self::times(&mut to, times);
    value.write(&mut to);
    self::attributes(&mut to, 7, attributes);
    to
}

/// A `HistogramDataPoint`.
fn explicit<T: Number>(point: &HistogramDataPoint<T>, times: [SystemTime; 2]) -> Vec<u8> {
    let mut to = Vec::with_capacity(256);
    self::times(&mut to, times);
    to.fixed64(4, point.count());
    to.fixed64(5, point.sum().double().to_bits());
    packed(&mut to, 6, point.bucket_counts());
    packed(&mut to, 7, point.bounds().map(f64::to_bits));
    attributes(&mut to, 9, point.attributes());
    extremes(&mut to, 11, point.min(), point.max());
    to
}

/// An `ExponentialHistogramDataPoint`.
fn exponential<T: Number>(name: &str, point: &ExponentialHistogramDataPoint<T>, times: [SystemTime; 2]) -> Vec<u8> {
    let mut to = Vec::with_capacity(512);
    attributes(&mut to, 1, point.attributes());
    self::times(&mut to, times);
    to.fixed64(4, point.count() as u64);
    to.fixed64(5, point.sum().double().to_bits());
    to.number(6, zigzag(i32::from(point.scale())));
    to.fixed64(7, point.zero_count());
    to.bytes(8, &buckets(point.positive_bucket()));
    to.bytes(9, &buckets(point.negative_bucket()));
    for (_, found) in exemplars::of(name, point.attributes()) {
        to.bytes(11, &exemplar(found));
    }
    extremes(&mut to, 12, point.min(), point.max());
    to.fixed64(14, point.zero_threshold().to_bits());
    to
}

fn buckets(buckets: &ExponentialBucket) -> Vec<u8> {
    let mut counts = Vec::with_capacity(160);
    buckets.counts().for_each(|count| counts.varint(count));
    let mut to = Vec::with_capacity(counts.len() + 8);
    to.number(1, zigzag(buckets.offset()));
    to.bytes(2, &counts);
    to
}

fn exemplar(Exemplar { seconds, at, trace }: Exemplar) -> Vec<u8> {
    let mut to = Vec::with_capacity(48);
    to.fixed64(2, nanos(at));
    to.fixed64(3, seconds.to_bits());
    to.bytes(4, &trace.span_id().to_bytes());
    to.bytes(5, &trace.trace_id().to_bytes());
    to
}

fn attributes<'a>(to: &mut Vec<u8>, field: u8, attributes: impl Iterator<Item = &'a KeyValue>) {
    for KeyValue { key, value, .. } in attributes {
        if let Some(value) = attribute::of(value) {
            attribute::write(to, field, key.as_str(), value);
        }
    }
}

/// Since when it is counted, and until when: fields 2 and 3 of every data point.
fn times(to: &mut Vec<u8>, [begin, end]: [SystemTime; 2]) {
    to.fixed64(2, nanos(begin));
    to.fixed64(3, nanos(end));
}

fn extremes<T: Number>(to: &mut Vec<u8>, field: u8, min: Option<T>, max: Option<T>) {
    for (field, value) in [(field, min), (field + 1, max)] {
        if let Some(value) = value {
            to.fixed64(field, value.double().to_bits());
        }
    }
}

fn packed(to: &mut Vec<u8>, field: u8, numbers: impl Iterator<Item = u64>) {
    let numbers: Vec<u8> = numbers.flat_map(u64::to_le_bytes).collect();
    to.bytes(field, &numbers);
}

fn nanos(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// How `sint32` has negative numbers short.
fn zigzag(number: i32) -> u64 {
    u64::from(((number << 1) ^ (number >> 31)).cast_unsigned())
}

/// What instruments count in.
pub(super) trait Number: Copy {
    /// Field 4 or 6 of a `NumberDataPoint`.
    fn write(self, to: &mut Vec<u8>);
    fn double(self) -> f64;
}

impl Number for f64 {
    fn write(self, to: &mut Vec<u8>) {
        to.fixed64(4, self.to_bits());
    }

    fn double(self) -> f64 {
        self
    }
}

impl Number for i64 {
    fn write(self, to: &mut Vec<u8>) {
        to.fixed64(6, self.cast_unsigned());
    }

    fn double(self) -> f64 {
        self as f64
    }
}

impl Number for u64 {
    fn write(self, to: &mut Vec<u8>) {
        // OTLP has no larger whole numbers than i64's.
        i64::try_from(self).unwrap_or(i64::MAX).write(to);
    }

    fn double(self) -> f64 {
        self as f64
    }
}

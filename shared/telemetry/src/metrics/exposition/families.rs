//! What the SDK has counted, by the names that Prometheus has for it.

use std::collections::BTreeMap;

use opentelemetry::KeyValue;
use opentelemetry_sdk::metrics::data::{
    AggregatedMetrics, ExponentialHistogramDataPoint, HistogramDataPoint, Metric, MetricData, ResourceMetrics,
};

use super::name;
use crate::metrics::{
    buckets::{self, BOUNDS},
    exemplars::{self, Exemplar},
    otlp::Number,
};

/// All metrics of one name.
pub(super) struct Family {
    pub(super) kind: Kind,
    pub(super) help: String,
    pub(super) unit: Option<&'static str>,
    /// Each with its labels as text.
    pub(super) series: Vec<(String, Value)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
    Info,
}

pub(super) enum Value {
    Number(f64),
    Histogram { buckets: Vec<Bucket>, count: u64, sum: f64 },
}

pub(super) struct Bucket {
    pub(super) bound: f64,
    /// How many values were no larger than the bound.
    pub(super) count: u64,
    pub(super) exemplar: Option<Exemplar>,
}

/// By name, without a counter's `_total`.
pub(super) fn families(metrics: &ResourceMetrics) -> BTreeMap<String, Family> {
    let mut families = BTreeMap::new();
    let whose = metrics.resource().iter().map(|(key, value)| (key.as_str(), value.as_str()));
    let target = Family {
        kind: Kind::Info,
        help: "Target metadata".to_owned(),
        unit: None,
        series: vec![(name::labels(whose), Value::Number(1.0))],
    };
    families.insert("target".to_owned(), target);
    for metric in metrics.scope_metrics().flat_map(|of_scope| of_scope.metrics()) {
        let (kind, series) = match metric.data() {
            AggregatedMetrics::F64(data) => series(metric.name(), data),
            AggregatedMetrics::U64(data) => series(metric.name(), data),
            AggregatedMetrics::I64(data) => series(metric.name(), data),
        };
        let (name, unit) = named(metric);
        let help = metric.description().to_owned();
        let family = families.entry(name).or_insert_with(|| Family { kind, help, unit, series: Vec::new() });
        // Two instruments of one name and different kinds are a fault of the program, and the first stays.
        if family.kind == kind {
            family.series.extend(series);
        }
    }
    families
}

fn named(metric: &Metric) -> (String, Option<&'static str>) {
    let plain = name::plain(metric.name());
    match name::suffix(metric.unit()) {
        Some(unit) => (format!("{plain}_{unit}"), Some(unit)),
        None => (plain, None),
    }
}

fn series<T: Number>(name: &str, data: &MetricData<T>) -> (Kind, Vec<(String, Value)>) {
    let number = |value: T| Value::Number(value.double());
    match data {
        MetricData::Gauge(gauge) => {
            let points = gauge.data_points().map(|point| (labels(point.attributes()), number(point.value())));
            (Kind::Gauge, points.collect())
        }
        MetricData::Sum(sum) => {
            let kind = if sum.is_monotonic() { Kind::Counter } else { Kind::Gauge };
            let points = sum.data_points().map(|point| (labels(point.attributes()), number(point.value())));
            (kind, points.collect())
        }
        MetricData::Histogram(histogram) => {
            let points = histogram.data_points().map(|point| (labels(point.attributes()), explicit(point)));
            (Kind::Histogram, points.collect())
        }
        MetricData::ExponentialHistogram(histogram) => {
            let points = histogram.data_points();
            let points = points.map(|point| (labels(point.attributes()), exponential(name, point)));
            (Kind::Histogram, points.collect())
        }
    }
}

fn labels<'a>(attributes: impl Iterator<Item = &'a KeyValue>) -> String {
    name::labels(attributes.map(|attribute| (attribute.key.as_str(), attribute.value.as_str())))
}

fn explicit<T: Number>(point: &HistogramDataPoint<T>) -> Value {
    let bounds = point.bounds().chain([f64::INFINITY]);
    let buckets = cumulative(bounds.zip(point.bucket_counts()));
    Value::Histogram { buckets, count: point.count(), sum: point.sum().double() }
}

fn exponential<T: Number>(name: &str, point: &ExponentialHistogramDataPoint<T>) -> Value {
    let positive = point.positive_bucket();
    let mut merged = buckets::merge(point.scale(), positive.offset(), positive.counts());
    // What is zero or less is below every bound.
    merged[0] += point.zero_count() + point.negative_bucket().counts().sum::<u64>();
    let bounds = buckets::bounds().iter().copied().chain([f64::INFINITY]);
    let mut buckets = cumulative(bounds.zip(merged));
    debug_assert_eq!(buckets.len(), BOUNDS + 1);
    for (place, found) in exemplars::of(name, point.attributes()) {
        buckets[place].exemplar = Some(found);
    }
    // What was recorded since the counts were read isn't in them, and `_count` must be the last bucket's.
    let count = buckets.last().map_or(0, |bucket| bucket.count);
    Value::Histogram { buckets, count, sum: point.sum().double() }
}

fn cumulative(buckets: impl Iterator<Item = (f64, u64)>) -> Vec<Bucket> {
    let mut total = 0;
    let add = |(bound, count)| {
        total += count;
        Bucket { bound, count: total, exemplar: None }
    };
    buckets.map(add).collect()
}

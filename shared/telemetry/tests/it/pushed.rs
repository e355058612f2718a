//! Metrics on their way to a collector.

use std::time::Duration;

use opentelemetry::{KeyValue, global};
use opentelemetry_proto::tonic::metrics::v1::{metric::Data, number_data_point::Value};
use opentelemetry_sdk::Resource;
use telemetry::{
    context::TraceContext,
    export::{self, Destination, Periodic, Protocol, Signal},
    metrics::{self, Seconds},
};
use tonic::Code;

use crate::{
    collector::{Behaviour, Collector},
    scraped::init,
};

const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn start(endpoint: &str, protocol: Protocol, interval: Duration) -> export::Ticker {
    let to = Destination { gzip: true, ..Destination::plain(Signal::Metrics, endpoint.parse().unwrap(), protocol) };
    export::start_periodic(&Periodic { to, interval }, &Resource::builder_empty().build(), metrics::read).unwrap()
}

/// Sends a last time, at the end of a process whose interval has not passed.
async fn shutdown(ticker: export::Ticker) {
    assert!(tokio::task::spawn_blocking(move || ticker.shutdown(Duration::from_secs(20))).await.unwrap());
}

#[tokio::test]
async fn every_kind_arrives_as_it_is() {
    init();
    let meter = global::meter("plumbline.pushed");
    meter.u64_counter("pushed.counter").with_unit("{order}").build().add(3, &[KeyValue::new("kind", "a")]);
    meter.i64_up_down_counter("pushed.level").build().add(-2, &[]);
    meter.f64_gauge("pushed.gauge").build().record(0.25, &[]);
    meter.u64_histogram("pushed.batch").with_boundaries(vec![1.0, 10.0]).build().record(5, &[]);
    let collector = Collector::default();
    let serving = collector.http().await;
    let endpoint = format!("http://{}/v1/metrics", serving.address);
    shutdown(start(&endpoint, Protocol::Http, Duration::from_secs(3_600))).await;
    assert_eq!(collector.compressed(), 1);
    let (scope, counter, Data::Sum(sum)) = collector.metric("pushed.counter").unwrap() else { panic!("no sum") };
    assert_eq!((scope.as_str(), counter.unit.as_str(), sum.is_monotonic), ("plumbline.pushed", "{order}", true));
    assert_eq!((sum.aggregation_temporality, sum.data_points[0].value), (2, Some(Value::AsInt(3))));
    assert_eq!(sum.data_points[0].attributes[0].key, "kind");
    assert!(sum.data_points[0].start_time_unix_nano > 0);
    let (_, _, Data::Sum(level)) = collector.metric("pushed.level").unwrap() else { panic!("no sum") };
    assert_eq!((level.is_monotonic, level.data_points[0].value), (false, Some(Value::AsInt(-2))));
    let (_, _, Data::Gauge(gauge)) = collector.metric("pushed.gauge").unwrap() else { panic!("no gauge") };
    assert_eq!(gauge.data_points[0].value, Some(Value::AsDouble(0.25)));
    let (_, _, Data::Histogram(batch)) = collector.metric("pushed.batch").unwrap() else { panic!("no histogram") };
    let point = &batch.data_points[0];
    assert_eq!((point.count, point.sum, point.max), (1, Some(5.0), Some(5.0)));
    assert_eq!((&point.explicit_bounds[..], &point.bucket_counts[..]), (&[1.0, 10.0][..], &[0, 1, 0][..]));
}

#[tokio::test]
async fn durations_arrive_as_exponential_histograms_with_the_traces_that_took_so_long() {
    init();
    let trace: TraceContext = TRACE.parse().unwrap();
    let seconds = Seconds::new(&global::meter("plumbline.pushed"), "pushed.wait", "A wait");
    for millis in [1, 2, 500] {
        seconds.record(Duration::from_millis(millis), trace);
    }
    let collector = Collector::default();
    let serving = collector.grpc(None).await;
    shutdown(start(&format!("http://{}", serving.address), Protocol::Grpc, Duration::from_secs(3_600))).await;
    let (_, metric, Data::ExponentialHistogram(wait)) = collector.metric("pushed.wait").unwrap() else {
        panic!("not exponential")
    };
    let point = &wait.data_points[0];
    assert_eq!((metric.unit.as_str(), wait.aggregation_temporality, point.scale, point.count), ("s", 2, 3, 3));
    assert_eq!((point.min, point.max, point.zero_count), (Some(0.001), Some(0.5), 0));
    let positive = point.positive.as_ref().unwrap();
    assert_eq!(positive.bucket_counts.iter().sum::<u64>(), 3);
    // 1 ms is in the bucket that ends at the next eighth of an octave.
    assert_eq!(positive.offset, (0.001f64.log2() * 8.0).ceil() as i32 - 1);
    assert_eq!(point.exemplars.len(), 3);
    for exemplar in &point.exemplars {
        assert_eq!(
            (&exemplar.trace_id[..], &exemplar.span_id[..]),
            (&trace.trace_id().to_bytes()[..], &trace.span_id().to_bytes()[..])
        );
        assert!(exemplar.time_unix_nano > 0);
    }
}

#[tokio::test]
async fn they_are_sent_at_the_interval_and_what_is_not_taken_goes_with_the_next() {
    init();
    let counter = global::meter("plumbline.pushed").u64_counter("pushed.again").build();
    counter.add(1, &[]);
    let collector = Collector::default();
    let serving = collector.grpc(None).await;
    collector.behave(Behaviour::Refuses(Code::Unavailable));
    let ticker = start(&format!("http://{}", serving.address), Protocol::Grpc, Duration::from_millis(20));
    collector.until_asked(2).await;
    assert!(collector.metric("pushed.again").is_none());
    counter.add(1, &[]);
    collector.behave(Behaviour::Takes);
    collector.until_asked(4).await;
    shutdown(ticker).await;
    let (_, _, Data::Sum(sum)) = collector.metric("pushed.again").unwrap() else { panic!("no sum") };
    assert_eq!(sum.data_points[0].value, Some(Value::AsInt(2)));
}

//! Metrics as Prometheus reads them.

use std::{thread, time::Duration};

use opentelemetry::{KeyValue, global};
use telemetry::{
    Telemetry,
    context::TraceContext,
    logs,
    metrics::{self, Seconds, buckets},
    prometheus_text,
};

use crate::openmetrics::Page;

pub(crate) fn init() {
    let guard = telemetry::init(Telemetry {
        service_name: "scraped",
        instance_id: "scraped-1".to_owned(),
        log_filter: logs::Filter::default(),
        log_format: logs::Format::default(),
    });
    drop(guard.unwrap());
}

#[test]
fn whoever_starts_it_first_no_count_is_lost() {
    let starts: Vec<_> = (0..16)
        .map(|_| {
            thread::spawn(|| {
                init();
                global::meter("plumbline.test").u64_counter("plumbline.test.starts").build().add(1, &[]);
            })
        })
        .collect();
    starts.into_iter().for_each(|start| start.join().unwrap());
    assert!(prometheus_text().contains("plumbline_test_starts_total 16"), "{}", prometheus_text());
}

#[test]
fn durations_have_the_same_bounds_whatever_was_recorded() {
    init();
    let meter = global::meter("plumbline.test");
    let wait = Seconds::new(&meter, "plumbline.test.wait", "A wait");
    let relay = wait.series(&[KeyValue::new("plumbline.part", "relay")]);
    for micros in [0, 300, 300, 90_000_000_000] {
        relay.record(Duration::from_micros(micros), None);
    }
    // What its instrument asks for doesn't count.
    let asked = meter.f64_histogram("plumbline.test.asked").with_unit("s").with_boundaries(vec![1.0]).build();
    asked.record(3.0, &[]);
    let text = prometheus_text();
    for expected in [
        r#"plumbline_test_wait_seconds_bucket{plumbline_part="relay",le="0.0001220703125"} 1"#,
        r#"plumbline_test_wait_seconds_bucket{plumbline_part="relay",le="0.000244140625"} 1"#,
        r#"plumbline_test_wait_seconds_bucket{plumbline_part="relay",le="0.00034526698300124393"} 3"#,
        r#"plumbline_test_wait_seconds_bucket{plumbline_part="relay",le="64"} 3"#,
        r#"plumbline_test_wait_seconds_bucket{plumbline_part="relay",le="+Inf"} 4"#,
        r#"plumbline_test_wait_seconds_count{plumbline_part="relay"} 4"#,
        "# TYPE plumbline_test_wait_seconds histogram",
        "# HELP plumbline_test_wait_seconds A wait",
        r#"target_info{host_arch="#,
    ] {
        assert!(text.contains(expected), "{expected}\n{text}");
    }
    for name in ["plumbline_test_wait_seconds_bucket{", "plumbline_test_asked_seconds_bucket{"] {
        assert_eq!(text.lines().filter(|line| line.starts_with(name)).count(), buckets::BOUNDS + 1, "{text}");
    }
    assert!(!text.contains(" # {") && !text.contains("# EOF"), "what Prometheus' format has not:\n{text}");
}

#[test]
fn openmetrics_has_its_rules_and_an_exemplar_for_each_bucket() {
    init();
    let meter = global::meter("plumbline.test");
    let [first, newest, unsampled]: [TraceContext; 3] = [
        "00-4bf92f3577b34da6a3ce929d0e0e4731-00f067aa0ba902b1-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4732-00f067aa0ba902b2-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4733-00f067aa0ba902b3-00",
    ]
    .map(|text| text.parse().unwrap());
    let latency = Seconds::new(&meter, "plumbline.test.latency", "A \"latency\"\\");
    let path = latency.series(&[KeyValue::new("path", "a\"b\\c\nd")]);
    for trace in [first, newest, unsampled] {
        path.record(Duration::from_millis(20), trace);
    }
    path.record(Duration::from_secs(100), first);
    latency.record(Duration::from_millis(20), unsampled);
    meter.u64_counter("plumbline.test.counted").with_unit("{order}").build().add(2, &[]);
    let exposition = metrics::exposition(Some("application/openmetrics-text; version=1.0.0, text/plain;q=0.5"));
    assert_eq!(exposition.content_type, "application/openmetrics-text; version=1.0.0; charset=utf-8");
    let page = Page::read(&exposition.text);
    assert_eq!(page.value("plumbline_test_counted_total", &[]), 2.0);
    assert_eq!(page.kind("plumbline_test_counted"), "counter");
    assert_eq!(page.kind("target"), "info");
    let exemplars = page.exemplars("plumbline_test_latency_seconds_bucket");
    let traces: Vec<_> = exemplars.iter().map(|(_, trace)| trace.clone()).collect();
    assert_eq!(traces, [newest, first].map(|trace| (trace.trace_id().to_string(), trace.span_id().to_string())));
    assert_eq!(exemplars[1].0, "+Inf");
    assert_eq!(page.value("plumbline_test_latency_seconds_count", &[("path", "a\\\"b\\\\c\\nd")]), 4.0);
    // Who asks for no version of it gets what he got before.
    assert_eq!(metrics::exposition(Some("*/*")).content_type, "text/plain; version=0.0.4; charset=utf-8");
}

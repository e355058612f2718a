//! Metrics as Prometheus reads them.

use std::thread;

use opentelemetry::{KeyValue, global};
use telemetry::{Telemetry, logs, metrics::SECONDS, prometheus_text};

fn init() {
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
fn a_histogram_has_its_unit_and_buckets() {
    init();
    let histogram = global::meter("plumbline.test")
        .f64_histogram("plumbline.test.wait")
        .with_unit("s")
        .with_boundaries(SECONDS.to_vec())
        .build();
    histogram.record(0.0003, &[KeyValue::new("plumbline.part", "relay")]);
    let text = prometheus_text();
    for expected in [
        r#"plumbline_test_wait_seconds_bucket{plumbline_part="relay",le="0.00025"} 0"#,
        r#"plumbline_test_wait_seconds_bucket{plumbline_part="relay",le="0.0005"} 1"#,
        r#"plumbline_test_wait_seconds_count{plumbline_part="relay"} 1"#,
    ] {
        assert!(text.contains(expected), "{expected}\n{text}");
    }
}

//! Every span that ends is exported or counted as lost.

use std::time::Duration;

use opentelemetry::trace::{Tracer as _, TracerProvider as _};
use opentelemetry_sdk::trace::SdkTracerProvider;
use telemetry::{Telemetry, logs, prometheus_text};

use crate::kept::Kept;

const QUEUE: usize = 2_048;

/// One test, as it reads counters of the whole process.
#[test]
fn what_finds_no_room_or_can_not_be_sent_is_counted() {
    let guard = telemetry::init(Telemetry {
        service_name: "losses",
        instance_id: "losses-1".to_owned(),
        log_filter: logs::Filter::default(),
        log_format: logs::Format::default(),
    })
    .unwrap();
    let kept = Kept::default();
    kept.hold();
    let provider =
        SdkTracerProvider::builder().with_span_processor(telemetry::export::batches(kept.clone(), QUEUE)).build();
    let tracer = provider.tracer("losses");
    let end = |count: usize| (0..count).for_each(|_| drop(tracer.start("work")));

    end(512);
    kept.wait_until_begun();
    end(QUEUE - 512 + 300);
    kept.release();
    provider.force_flush().unwrap();
    assert_eq!(kept.count(), QUEUE);
    assert_eq!(counted("otel_sdk_processor_span_processed", "queue_full"), 300);

    kept.fail();
    end(5);
    assert!(provider.force_flush().is_err());
    assert_eq!(counted("otel_sdk_exporter_span_exported", "export_failed"), 5);
    let _ = provider.shutdown_with_timeout(Duration::from_secs(5));
    guard.shutdown(Duration::from_secs(1));
}

fn counted(metric: &str, class: &str) -> u64 {
    let text = prometheus_text();
    let line = text.lines().find(|line| line.starts_with(metric) && line.contains(class));
    let line = line.unwrap_or_else(|| panic!("no {metric} with {class}:\n{text}"));
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

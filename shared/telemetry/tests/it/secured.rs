//! Compressed, and by TLS: spans, log records and metrics arrive the same.

use std::{path::Path, sync::Arc, time::Duration};

use opentelemetry_sdk::Resource;
use telemetry::{
    export::{self, Destination, Protocol, Settings, Signal, Tls},
    spans::{self, Recorder, Sampler},
};

use crate::collector::{Collector, Secured};

fn to(endpoint: &str, protocol: Protocol, secured: Option<&Secured>) -> Destination {
    let file = |path: &Path| std::fs::read(path).unwrap();
    let tls = secured.map(|own| {
        let identity = Some((file(&own.certificate), file(&own.key)));
        Tls::new(file(&own.certificate), identity).unwrap()
    });
    let plain = Destination::plain(Signal::Traces, endpoint.parse().unwrap(), protocol);
    Destination { gzip: true, tls, ..plain }
}

async fn send_spans(to: Destination, count: usize) {
    let settings = Settings { to, delay: Duration::from_millis(10), queue: 10_000, batch: 100 };
    let (queue, sender) = export::start(&settings, &Resource::builder_empty().build()).unwrap();
    let recorder = Recorder::new(Arc::clone(&queue), Sampler::Independent);
    (0..count).for_each(|_| recorder.start(spans::internal("work")).end());
    assert!(tokio::task::spawn_blocking(move || sender.shutdown(Duration::from_secs(20))).await.unwrap());
    assert_eq!((queue.failed(), queue.exported()), (0, count as u64));
}

#[tokio::test]
async fn compressed_spans_arrive_over_both_protocols() {
    let (grpc, http) = (Collector::default(), Collector::default());
    let (first, second) = (grpc.grpc(None).await, http.http().await);
    send_spans(to(&format!("http://{}", first.address), Protocol::Grpc, None), 1_000).await;
    send_spans(to(&format!("http://{}/v1/traces", second.address), Protocol::Http, None), 1_000).await;
    for collector in [grpc, http] {
        assert_eq!(collector.spans().len(), 1_000);
        // In batches of a hundred.
        assert!(collector.compressed() >= 10, "{}", collector.compressed());
    }
}

#[tokio::test]
async fn by_tls_they_arrive_at_whom_the_certificate_names() {
    let secured = Secured::new();
    let (grpc, http) = (Collector::default(), Collector::default());
    let (first, second) = (grpc.grpcs(&secured).await, http.https(&secured).await);
    send_spans(to(&format!("https://{}", first.address), Protocol::Grpc, Some(&secured)), 300).await;
    send_spans(to(&format!("https://{}/v1/traces", second.address), Protocol::Http, Some(&secured)), 300).await;
    assert_eq!((grpc.spans().len(), http.spans().len()), (300, 300));
}

#[tokio::test]
async fn nothing_is_sent_to_a_collector_that_is_not_trusted() {
    let (secured, other) = (Secured::new(), Secured::new());
    let collector = Collector::default();
    let (first, second) = (collector.grpcs(&secured).await, collector.https(&secured).await);
    for (endpoint, protocol) in [
        (format!("https://{}", first.address), Protocol::Grpc),
        (format!("https://{}/v1/traces", second.address), Protocol::Http),
    ] {
        let to = to(&endpoint, protocol, Some(&other));
        let settings = Settings { to, delay: Duration::from_millis(10), queue: 100, batch: 100 };
        let (queue, sender) = export::start(&settings, &Resource::builder_empty().build()).unwrap();
        Recorder::new(Arc::clone(&queue), Sampler::Independent).start(spans::internal("work")).end();
        assert!(tokio::task::spawn_blocking(move || sender.shutdown(Duration::from_secs(20))).await.unwrap());
        assert_eq!((queue.failed(), queue.exported()), (1, 0));
    }
    assert!(collector.spans().is_empty());
}

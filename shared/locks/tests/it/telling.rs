//! What spans and metrics tell of a lock, as they leave the process.

use std::time::Duration;

use local::testing::{self, Child, SpanCollector, attribute, child::say};
use locks::{Config, Keys, Locks, Request, Strategy};
use opentelemetry_proto::tonic::trace::v1::{Span, status::StatusCode};
use telemetry::{
    Telemetry,
    context::TraceContext,
    logs::{Filter, Format},
};
use tokio::runtime::Runtime;

use crate::stage::BOUND;

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// A time to live that no pause of a busy machine outlasts, and for how long it is held: past its first third.
const LIVES: Duration = Duration::from_secs(6);
const HELD: Duration = Duration::from_secs(3);

/// In a process of its own, as it records for all of it: takes, keeps, is refused, gives back.
pub(crate) fn take_and_tell(runtime: &Runtime, url: &str) {
    let config = Config { ttl: LIVES, patience: BOUND, ..Config::new(url) };
    let (log_filter, log_format) = (Filter::default(), Format::default());
    let instance_id = std::process::id().to_string();
    let settings = Telemetry { service_name: "plumbline-locks", instance_id, log_filter, log_format };
    let told = telemetry::init(settings).unwrap();
    runtime.block_on(async {
        let [a, b] = [0, 1].map(|_| Locks::fixed(config.clone(), Strategy::Redis, None).unwrap());
        let parent: TraceContext = PARENT.parse().unwrap();
        let request = || Request::within(Duration::from_secs(10)).parent(parent);
        let keys = Keys::new(["a", "b"]).unwrap();
        let guard = a.lock(&keys, request()).await.unwrap();
        b.try_lock(&Keys::one("a"), request()).await.unwrap_err();
        // Until it must have been given more time.
        tokio::time::sleep(HELD).await;
        assert!(guard.release().await.held);
    });
    let metrics = telemetry::metrics::prometheus_text();
    metrics.lines().filter(|line| line.starts_with("plumbline_locks")).for_each(say);
    say("end");
    told.shutdown(Duration::from_secs(10));
}

fn value(metrics: &[String], series: &str) -> f64 {
    let line = metrics.iter().find(|line| line.starts_with(series));
    let line = line.unwrap_or_else(|| panic!("{series}: {metrics:#?}"));
    line.rsplit_once(' ').unwrap().1.parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_is_told_by_spans_and_metrics() {
    let redis = testing::private_redis().await;
    let mut collector = SpanCollector::start().await;
    // Takes and gives back, and tells what it has recorded.
    let mut child = Child::start(&format!("telling {}", redis.url()), collector.variables());
    let metrics = child.says_until("end").await;
    let spans = collector.next(3).await;
    for span in &spans {
        assert_eq!(span.parent_span_id, 0x00f0_67aa_0ba9_02b7_u64.to_be_bytes(), "{span:?}");
    }
    let failed = |span: &Span| span.status.as_ref().is_some_and(|status| status.code == StatusCode::Error as i32);
    let [refused, taken, held] = [("take lock", true), ("take lock", false), ("hold lock", false)]
        .map(|(name, fails)| spans.iter().find(|span| span.name == name && failed(span) == fails).unwrap());
    assert_eq!(attribute(refused, "error.type"), "busy");
    assert_eq!(
        (attribute(taken, "plumbline.lock.keys"), attribute(taken, "plumbline.lock.strategy")),
        ("2".into(), "redis".into())
    );
    assert!(attribute(taken, "plumbline.wait.lock").parse::<f64>().unwrap() > 0.0);
    assert_eq!(attribute(held, "plumbline.lock.strategy"), "redis");
    assert!(
        held.end_time_unix_nano - held.start_time_unix_nano >= HELD.as_nanos() as u64,
        "it lasts as long as it is held"
    );
    let of = |name: &str, labels: &str| value(&metrics, &format!("plumbline_locks_{name}{{{labels}}}"));
    let (redis, outcome) = ("plumbline_lock_strategy=\"redis\"", "plumbline_outcome=");
    assert_eq!(of("hold_seconds_count", redis), 1.0);
    assert!(of("hold_seconds_sum", redis) >= HELD.as_secs_f64());
    assert_eq!(of("wait_seconds_count", &format!("{redis},{outcome}\"taken\"")), 1.0);
    assert_eq!(of("wait_seconds_count", &format!("{redis},{outcome}\"busy\"")), 1.0);
    assert!(of("extensions_total", &format!("{redis},{outcome}\"extended\"")) >= 1.0);
    assert!(!metrics.iter().any(|line| line.starts_with("plumbline_locks_lost")), "{metrics:#?}");
}

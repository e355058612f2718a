//! What spans and metrics tell, as they leave the process.

use std::{convert::Infallible, time::Duration};

use cache::{Acceptable, Config, Loaded, Near};
use local::testing::{Child, SpanCollector, attribute, child::say};
use telemetry::{
    Telemetry,
    context::TraceContext,
    logs::{Filter, Format},
};
use tokio::runtime::Runtime;

use crate::stage::{Memcached, Row, any, cached, config_at, eventually, get_by, key, process};

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const LOAD: Duration = Duration::from_millis(100);

/// In a process of its own, as it records for all of it: loads, waits, finds, changes, and loses its server.
pub(crate) fn read_and_tell(runtime: &Runtime, address: &str) {
    let (log_filter, log_format) = (Filter::default(), Format::default());
    let instance_id = std::process::id().to_string();
    let settings = Telemetry { service_name: "plumbline-cache", instance_id, log_filter, log_format };
    let told = telemetry::init(settings).unwrap();
    runtime.block_on(use_all(address));
    let metrics = telemetry::metrics::prometheus_text();
    metrics.lines().filter(|line| line.starts_with("plumbline_cache")).for_each(say);
    say("end");
    told.shutdown(Duration::from_secs(10));
}

async fn use_all(address: &str) {
    let config = config_at([address.to_owned()]);
    let near = Some(Near { ttl: Duration::from_secs(1), entries: 1, bytes: 1_000 });
    let [a, b] = [None, near].map(|near| process(&Config { near, ..config.clone() }));
    let parent: TraceContext = PARENT.parse().unwrap();
    let (traced, untraced) = (any().parent(parent), any());
    let row = Row::taking(LOAD);
    let both = futures::future::join(get_by(&a, "a", &row, &traced), get_by(&a, "a", &row, &untraced));
    let later = async {
        eventually("it is being loaded", async || row.loads() == 1).await;
        get_by(&b, "a", &row, &traced).await
    };
    let ((_, second), other) = futures::future::join(both, later).await;
    assert!(second.value.is_some() && other.value.is_some());
    eventually("it is stored", async || cached(&a, "a").await.is_some()).await;
    get_by(&b, "a", &row, &Acceptable::any()).await;
    get_by(&b, "b", &row, &Acceptable::any()).await;
    let fails = || async { Err::<Loaded<String>, _>("no database") };
    a.get_or_load(&key("c"), &traced, fails).await.unwrap_err();
    let changed = row.change();
    a.changed(&key("a"), changed.value, changed.stamp).await;
    let nobody = process(&Config { servers: vec!["127.0.0.1:1".to_owned()], ..config });
    nobody.invalidate([key("a")]).await;
    let load = || async { Ok::<_, Infallible>(crate::stage::at_version(1)) };
    nobody.get_or_load(&key("a"), &any(), load).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_loads_and_waits_are_told_by_spans_and_metrics() {
    let memcached = Memcached::start().await;
    let mut collector = SpanCollector::start().await;
    // Reads, changes, and tells what it has recorded.
    let mut child = Child::start(&format!("telling {}", memcached.address()), collector.variables());
    let metrics = child.says_until("end").await;
    // Three reads, the two loads of one cache, and the wait of the other: what has no recorded parent has none.
    let spans = collector.next(6).await;
    for span in &spans {
        assert_eq!(span.parent_span_id, 0x00f0_67aa_0ba9_02b7_u64.to_be_bytes(), "{span:?}");
        assert_eq!(attribute(span, "plumbline.cache.kind"), "stock");
        assert_eq!(attribute(span, "plumbline.cache.keys"), "1");
    }
    let of = |name: &str| spans.iter().filter(|span| span.name == name).collect::<Vec<_>>();
    let mut outcomes: Vec<String> = of("read cache").iter().map(|span| attribute(span, "plumbline.outcome")).collect();
    outcomes.sort();
    assert_eq!(outcomes, ["failed", "hit", "loaded"]);
    assert_eq!((of("load for cache").len(), of("wait for load").len()), (2, 1));
    assert!(attribute(of("wait for load")[0], "plumbline.wait.load").parse::<f64>().unwrap() > 0.0);

    let value = |series: &str| -> f64 {
        let line = metrics.iter().find(|line| line.starts_with(&format!("plumbline_cache_{series}")));
        let line = line.unwrap_or_else(|| panic!("{series}: {metrics:#?}"));
        line.rsplit_once(' ').unwrap().1.parse().unwrap()
    };
    let kind = "plumbline_cache_kind=\"stock\"";
    for (outcome, least) in [("loaded", 2.0), ("shared", 1.0), ("hit", 1.0), ("near", 1.0), ("load_failed", 1.0)] {
        let count = value(&format!("reads_total{{{kind},plumbline_outcome=\"{outcome}\"}}"));
        assert!(count >= least, "{outcome}: {count}");
    }
    for place in ["process", "instance"] {
        assert_eq!(value(&format!("loads_saved_total{{{kind},plumbline_cache_place=\"{place}\"}}")), 1.0, "{place}");
    }
    assert!(value(&format!("load_seconds_sum{{{kind},plumbline_outcome=\"loaded\"}}")) >= LOAD.as_secs_f64());
    assert_eq!(value(&format!("wait_seconds_count{{{kind}}}")), 1.0);
    assert!(value(&format!("fills_total{{{kind},plumbline_outcome=\"stored\"}}")) >= 2.0);
    assert_eq!(value(&format!("changes_total{{{kind},plumbline_outcome=\"told\"}}")), 1.0);
    assert_eq!(value(&format!("changes_total{{{kind},plumbline_outcome=\"missed\"}}")), 1.0);
    assert_eq!(value("missed_total{server_address=\"127.0.0.1:1\"}"), 1.0);
    assert_eq!(value("breaker_opens_total{server_address=\"127.0.0.1:1\"}"), 1.0);
    assert!(value("breaker_state{server_address=\"127.0.0.1:1\"}") >= 1.0);
    assert_eq!(value(&format!("breaker_state{{server_address=\"{}\"}}", memcached.address())), 0.0);
    assert!(value(&format!("value_size_bytes_count{{{kind}}}")) >= 2.0);
    assert!(value("near_evicted_total") >= 1.0);
}

//! One kill after the other.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use consensus::api::etcdserverpb::RangeRequest;
use coordinator::proto::etcdserverpb::kv_client::KvClient;
use rand::Rng as _;
use tokio::{
    task::JoinSet,
    time::{interval, timeout},
};
use tonic::transport::Channel;

use super::{cluster::Cluster, random, requests, seed};
use crate::member::PATIENCE;

const KILLS: usize = 20;
/// How long a writer waits before it tries again.
const ANSWER: Duration = Duration::from_secs(1);
const FLAGS: &[&str] =
    &["--heartbeat-interval=50", "--election-timeout=500", "--snapshot-count=400", "--snapshot-catchup-entries=40"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_acknowledged_write_is_lost_in_twenty_kills() {
    let mut random = random(seed("kills"), 0);
    let mut cluster = Cluster::start(FLAGS).await;
    let written = Arc::new(AtomicU64::new(0));
    let ended = Arc::new(AtomicBool::new(false));
    let mut writers = JoinSet::new();
    for writer in cluster.all() {
        writers.spawn(write_all(writer, cluster.connect(writer), Arc::clone(&written), Arc::clone(&ended)));
    }
    for _ in 0..KILLS {
        let victim = random.random_range(0..3);
        cluster.kill(&[victim]);
        cluster.spawn(victim);
        // The next comes as soon as writes go on, which may be before this one is back.
        go_on(&written).await;
    }
    ended.store(true, Ordering::Relaxed);
    let acknowledged: HashMap<usize, u64> = writers.join_all().await.into_iter().collect();
    cluster.kill(&[0, 1, 2]);
    cluster.all().for_each(|member| cluster.spawn(member));
    cluster.serving().await;
    println!("acknowledged: {acknowledged:?}");
    for member in cluster.all() {
        for (writer, count) in &acknowledged {
            assert_kept(cluster.connect(member), *writer, *count).await;
        }
    }
}

/// Writes one key after the other, each until it is acknowledged. Returns who wrote, and how many were.
async fn write_all(
    writer: usize,
    mut kv: KvClient<Channel>,
    written: Arc<AtomicU64>,
    ended: Arc<AtomicBool>,
) -> (usize, u64) {
    let (mut count, mut pace) = (0, interval(Duration::from_millis(2)));
    while !ended.load(Ordering::Relaxed) {
        pace.tick().await;
        if let Ok(Ok(_)) = timeout(ANSWER, kv.put(requests::write(&key(writer, count), count))).await {
            count += 1;
            written.fetch_add(1, Ordering::Relaxed);
        }
    }
    (writer, count)
}

fn key(writer: usize, count: u64) -> String {
    format!("written/{writer}/{count:08}")
}

/// Waits for some more writes.
async fn go_on(written: &AtomicU64) {
    let enough = written.load(Ordering::Relaxed) + 30;
    let mut pace = interval(Duration::from_millis(5));
    let going_on = async {
        while written.load(Ordering::Relaxed) < enough {
            pace.tick().await;
        }
    };
    timeout(PATIENCE, going_on).await.unwrap();
}

/// All that was acknowledged is there; the one after that may be.
async fn assert_kept(mut kv: KvClient<Channel>, writer: usize, count: u64) {
    let (first, end) = (key(writer, 0), format!("written/{writer}0"));
    let request = RangeRequest { key: first.into(), range_end: end.into(), ..RangeRequest::default() };
    let kept: Vec<_> = kv.range(request).await.unwrap().into_inner().kvs.iter().map(requests::value).collect();
    let expected: Vec<_> = (0..count).collect();
    assert_eq!(kept[..expected.len().min(kept.len())], expected, "of writer {writer}");
    assert!(kept.len() <= expected.len() + 1);
}

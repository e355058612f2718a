//! Members whose disk has no room: a limit on the size of their files stands for it, which anybody may set.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use consensus::api::etcdserverpb::{PutRequest, RangeRequest};
use coordinator::proto::etcdserverpb::kv_client::KvClient;
use tokio::{
    task::JoinHandle,
    time::{interval, timeout},
};
use tonic::{Code, transport::Channel};

use crate::member::{PATIENCE, Place, READY};

const VALUE: usize = 4_096;
/// Some writes fit.
const ROOM: u64 = 64 << 10;
const FULL: &str = "the disk is full";

/// Writes one key after the other, each until it is acknowledged.
struct Writer {
    acknowledged: Arc<AtomicU64>,
    ended: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

impl Writer {
    fn start(mut kv: KvClient<Channel>) -> Self {
        let (acknowledged, ended) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let (count, stop) = (Arc::clone(&acknowledged), Arc::clone(&ended));
        let task = tokio::spawn(async move {
            let mut pace = interval(Duration::from_millis(2));
            while !stop.load(Ordering::Relaxed) {
                pace.tick().await;
                if kv.put(put(count.load(Ordering::Relaxed))).await.is_ok() {
                    count.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        Self { acknowledged, ended, task }
    }

    /// Waits for some more acknowledgements.
    async fn go_on(&self) {
        let enough = self.acknowledged.load(Ordering::Relaxed) + 20;
        let mut pace = interval(Duration::from_millis(5));
        let going_on = async {
            while self.acknowledged.load(Ordering::Relaxed) < enough {
                pace.tick().await;
            }
        };
        timeout(PATIENCE, going_on).await.unwrap();
    }

    async fn end(self) -> u64 {
        self.ended.store(true, Ordering::Relaxed);
        self.task.await.unwrap();
        self.acknowledged.load(Ordering::Relaxed)
    }
}

fn put(number: u64) -> PutRequest {
    PutRequest { key: format!("key{number:05}").into(), value: vec![7; VALUE].into(), ..PutRequest::default() }
}

async fn assert_kept(place: &Place, acknowledged: u64, serializable: bool) {
    let request = RangeRequest { key: "key".into(), range_end: "kez".into(), serializable, ..RangeRequest::default() };
    let kept = place.kv().await.range(request).await.unwrap().into_inner().kvs;
    assert!(kept.len() as u64 >= acknowledged, "{} of {acknowledged}", kept.len());
    let expected = (0..acknowledged).map(|number| format!("key{number:05}"));
    assert!(kept.iter().zip(expected).all(|(pair, key)| pair.key == key && pair.value.len() == VALUE));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_alone_waits_for_room_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::new(&folder, "one");
    let mut member = place.start(&[&place], &[]);
    member.wait_for(READY);
    let writer = Writer::start(place.kv().await);
    writer.go_on().await;
    member.limit_files(Some(ROOM));
    member.wait_for(FULL);
    let refusal = place.kv().await.put(put(99_999)).await.unwrap_err();
    assert_eq!(
        (refusal.code(), refusal.message()),
        (Code::ResourceExhausted, "etcdserver: mvcc: database space exceeded")
    );
    let (status, body) = place.http("/health");
    assert_eq!(status, "HTTP/1.1 503 Service Unavailable");
    assert!(body.contains("DISK FULL"), "{body}");
    assert_kept(&place, writer.acknowledged.load(Ordering::Relaxed), true).await;

    member.limit_files(None);
    member.wait_for("the disk has room again");
    writer.go_on().await;
    assert_eq!(place.http("/health").0, "HTTP/1.1 200 OK");
    let acknowledged = writer.end().await;
    assert_kept(&place, acknowledged, false).await;
    member.kill();
    let mut again = place.start(&[&place], &[]);
    again.wait_for(READY);
    assert_kept(&place, acknowledged, false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_alone_whose_disk_stays_full_can_be_ended_and_started_again() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::new(&folder, "one");
    let mut member = place.start(&[&place], &[]);
    member.wait_for(READY);
    let writer = Writer::start(place.kv().await);
    writer.go_on().await;
    member.limit_files(Some(ROOM));
    member.wait_for(FULL);
    member.terminate();
    assert_eq!(member.wait().code(), Some(0));
    let acknowledged = writer.end().await;
    let mut again = place.start(&[&place], &[]);
    again.wait_for(READY);
    assert_kept(&place, acknowledged, false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_without_room_hands_the_leadership_over_and_catches_up_later() {
    let folder = tempfile::tempdir().unwrap();
    let places = ["a", "b", "c"].map(|name| Place::new(&folder, name));
    let cluster: Vec<&Place> = places.iter().collect();
    let mut members: Vec<_> = places.iter().map(|place| place.start(&cluster, &[])).collect();
    members.iter_mut().for_each(|member| drop(member.wait_for(READY)));
    let mut leader = None;
    for (number, place) in places.iter().enumerate() {
        let status = place.status().await;
        leader = leader.or_else(|| (status.leader == status.header.unwrap().member_id).then_some(number));
    }
    let leader = leader.unwrap();
    let other = &places[(leader + 1) % 3];
    let writer = Writer::start(other.kv().await);
    writer.go_on().await;
    members[leader].limit_files(Some(ROOM));
    members[leader].wait_for(FULL);
    writer.go_on().await;
    let id = places[leader].status().await.header.unwrap().member_id;
    assert_ne!(other.status().await.leader, id);
    assert!(places[leader].http("/health").1.contains("DISK FULL"));
    assert_eq!(other.http("/health").0, "HTTP/1.1 200 OK");

    members[leader].limit_files(None);
    members[leader].wait_for("the disk has room again");
    writer.go_on().await;
    assert_kept(&places[leader], writer.end().await, false).await;
}

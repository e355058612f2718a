//! What clients see can be explained, whatever happens to the members.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use consensus::{
    api::{etcdserverpb::RangeRequest, mvccpb::KeyValue},
    sim::linearizable::Operation,
};

use super::{
    asked,
    cluster::Cluster,
    history::History,
    nemesis, random, requests, seed,
    workload::{Client, Workload},
};
use crate::member::PATIENCE;

/// Elections are quicker than by default, so that more happens in the time; members that were away are sent snapshots.
const FLAGS: &[&str] =
    &["--heartbeat-interval=50", "--election-timeout=500", "--snapshot-count=400", "--snapshot-catchup-entries=40"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_see_one_store_whatever_happens_to_its_members() {
    let seed = seed("survival");
    let lasting = Duration::from_secs(asked("PLUMBLINE_FAULTS_SECONDS", 12));
    let mut cluster = Cluster::start(FLAGS).await;
    let workload = Workload::start(&cluster, seed);
    let began = workload.began;
    let faults = nemesis::disturb(&mut cluster, lasting, &mut random(seed, 0)).await;
    let mut history = workload.end().await;

    let keys: BTreeSet<_> = history.records.iter().map(|record| record.key.clone()).collect();
    for member in cluster.all() {
        let mut reader = Client::new(100 + member as u64, cluster.connect(member), PATIENCE, began, random(seed, 100));
        for key in &keys {
            reader.call(key.clone(), Operation::Read, requests::Guard::Value).await;
        }
        let read = reader.into_history();
        assert_eq!(read.records.len(), keys.len(), "all is well by now, and everything is answered");
        history.extend(read);
    }
    let total = history.records.len();
    println!("{:?}: {total} calls, {} answered; {faults:?}", began.elapsed(), history.answered());
    assert!(history.answered() > 500, "too little to judge");
    history.assert_linearizable();
    history.assert_revisions_in_order();
    assert_nothing_is_lost(&cluster, &history).await;
}

/// All members have all that was acknowledged, and the same.
async fn assert_nothing_is_lost(cluster: &Cluster, history: &History) {
    let mut revisions = Vec::new();
    for member in cluster.all() {
        let (kept, revision) = journal(cluster, member).await;
        let lost: Vec<_> = history.journal.iter().filter(|(key, value)| kept.get(*key) != Some(value)).collect();
        assert!(lost.is_empty(), "member {member} has not, of {}: {lost:?}", history.journal.len());
        revisions.push(revision);
    }
    let mut hashes = Vec::new();
    for member in cluster.all() {
        hashes.push(cluster.hash_kv(member, revisions[0]).await);
    }
    assert!(hashes.iter().all(|hash| *hash == hashes[0]), "{hashes:?} at {revisions:?}");
}

async fn journal(cluster: &Cluster, member: usize) -> (HashMap<String, u64>, i64) {
    let request = RangeRequest { key: "journal/".into(), range_end: "journal0".into(), ..RangeRequest::default() };
    let answer = cluster.connect(member).range(request).await.unwrap().into_inner();
    let entry = |pair: &KeyValue| (String::from_utf8(pair.key.to_vec()).unwrap(), requests::value(pair));
    (answer.kvs.iter().map(entry).collect(), answer.header.unwrap().revision)
}

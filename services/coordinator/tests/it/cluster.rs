//! Three members.

use std::time::{Duration, Instant};

use crate::member::{Member, Place, READY};

/// Three that run, and agree on a leader.
fn three(folder: &tempfile::TempDir) -> ([Place; 3], Vec<Member>) {
    let places = ["a", "b", "c"].map(|name| Place::new(folder, name));
    let cluster: Vec<&Place> = places.iter().collect();
    let mut members: Vec<_> = places.iter().map(|place| place.start(&cluster, &[])).collect();
    members.iter_mut().for_each(|member| drop(member.wait_for(READY)));
    (places, members)
}

async fn leader_of(places: &[Place]) -> usize {
    for (number, place) in places.iter().enumerate() {
        let status = place.status().await;
        if status.leader == status.header.unwrap().member_id {
            return number;
        }
    }
    panic!("nobody leads");
}

#[tokio::test]
async fn elect_a_leader_and_agree() {
    let folder = tempfile::tempdir().unwrap();
    let (places, _members) = three(&folder);
    let first = places[0].status().await;
    assert!(first.raft_term >= 2, "the members themselves are of the first term");
    places[1].put("key", "value").await;
    for place in &places {
        assert_eq!(place.get("key").await.unwrap(), "value");
        assert_eq!(place.status().await.leader, first.leader);
    }
}

#[tokio::test]
async fn a_member_told_to_end_hands_the_leadership_over() {
    let folder = tempfile::tempdir().unwrap();
    let (places, mut members) = three(&folder);
    places[0].put("key", "value").await;
    let leader = leader_of(&places).await;
    let term = places[leader].status().await.raft_term;
    let began = Instant::now();
    members[leader].terminate();
    assert_eq!(members[leader].wait().code(), Some(0));
    assert!(began.elapsed() < Duration::from_millis(1_500), "{:?}", began.elapsed());
    members[leader].wait_for("leadership transfer finished");
    let other = (leader + 1) % 3;
    assert_eq!(places[other].status().await.raft_term, term + 1, "one election, which nobody lost");
    places[other].put("key", "after").await;
}

#[tokio::test]
async fn a_leader_that_dies_is_replaced_and_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let (places, mut members) = three(&folder);
    let leader = leader_of(&places).await;
    let term = places[leader].status().await.raft_term;
    members.remove(leader).kill();
    for member in &mut members {
        member.wait_until("a new leader", |event| event["term"].as_u64().is_some_and(|found| found > term));
    }
    places[(leader + 1) % 3].put("key", "while it was away").await;
    let cluster: Vec<&Place> = places.iter().collect();
    let mut back = places[leader].start(&cluster, &[]);
    back.wait_for(READY);
    assert_eq!(places[leader].get("key").await.unwrap(), "while it was away");
}

#[tokio::test]
async fn without_a_quorum_nothing_is_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let (places, mut members) = three(&folder);
    members.remove(2).kill();
    members.remove(1).kill();
    members[0].wait_until("no leader", |event| event["msg"] == "raft.node: lost leader");
    let (status, body) = places[0].http("/health");
    assert_eq!(status, "HTTP/1.1 503 Service Unavailable");
    assert!(body.contains("RAFT NO LEADER"), "{body}");
    assert_eq!(places[0].http("/health?serializable=true").0, "HTTP/1.1 200 OK");
    // It ends at once, although it can't tell anybody.
    members[0].terminate();
    assert_eq!(members[0].wait().code(), Some(0));
}

#[tokio::test]
async fn a_member_far_behind_gets_a_snapshot() {
    let folder = tempfile::tempdir().unwrap();
    let places = ["a", "b", "c"].map(|name| Place::new(&folder, name));
    let cluster: Vec<&Place> = places.iter().collect();
    let flags = ["--snapshot-count=20", "--snapshot-catchup-entries=5"];
    let mut members: Vec<_> = places.iter().map(|place| place.start(&cluster, &flags)).collect();
    members.iter_mut().for_each(|member| drop(member.wait_for(READY)));
    members.remove(2).kill();
    for _ in 0..60 {
        places[0].put("key", "before").await;
    }
    places[0].put("key", "value").await;
    let mut back = places[2].start(&cluster, &flags);
    back.wait_for("received and saved database snapshot");
    back.wait_for(READY);
    assert_eq!(places[2].get("key").await.unwrap(), "value");
    back.kill();
    let mut again = places[2].start(&cluster, &flags);
    again.wait_for(READY);
    assert_eq!(places[2].get("key").await.unwrap(), "value");
}

//! Members that come and go.

use std::time::{Duration, Instant};

use consensus::api::etcdserverpb::{
    Member as ListedMember, MemberAddRequest, MemberListRequest, MemberPromoteRequest, MemberRemoveRequest,
};

use tonic::Status;

use crate::member::{Member, PATIENCE, Place, READY};

const IN_SYNC: &str = "etcdserver: can only promote a learner member which is in sync with leader";
const LOOSE: &[&str] = &["--strict-reconfig-check=false"];

async fn add(by: &Place, new: &Place, learner: bool) -> u64 {
    let request = MemberAddRequest { peer_ur_ls: vec![new.peer_url()], is_learner: learner };
    by.members().await.member_add(request).await.unwrap().into_inner().member.unwrap().id
}

fn join(new: &Place, cluster: &[&Place]) -> Member {
    let mut member = new.start(cluster, &["--initial-cluster-state=existing", LOOSE[0]]);
    member.wait_for(READY);
    member
}

/// Asks until the learner has caught up, as people do.
async fn promote(by: &Place, id: u64) -> Result<Vec<ListedMember>, Status> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match by.members().await.member_promote(MemberPromoteRequest { id }).await {
            Ok(promoted) => return Ok(promoted.into_inner().members),
            Err(refusal) if refusal.message() == IN_SYNC && Instant::now() < deadline => {}
            Err(refusal) => return Err(refusal),
        }
    }
}

#[tokio::test]
async fn one_joins_and_a_removed_one_ends() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (Place::new(&folder, "one"), Place::new(&folder, "two"));
    let mut first = one.start(&[&one], LOOSE);
    first.wait_for(READY);
    one.put("key", "value").await;
    let id = add(&one, &two, false).await;
    let mut second = join(&two, &[&one, &two]);
    assert_eq!(two.get("key").await.unwrap(), "value");

    let request = MemberRemoveRequest { id };
    one.members().await.member_remove(request).await.unwrap();
    second.wait_for("permanently removed from the cluster");
    assert_eq!(second.wait().code(), Some(0));
    one.put("key", "after").await;
    // It doesn't come back.
    let mut back = two.start(&[&one, &two], &[]);
    back.wait_for("permanently removed from the cluster");
    assert_eq!(back.wait().code(), Some(0));
}

#[tokio::test]
async fn a_learner_becomes_a_voter() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (Place::new(&folder, "one"), Place::new(&folder, "two"));
    let mut first = one.start(&[&one], LOOSE);
    first.wait_for(READY);
    let id = add(&one, &two, true).await;
    let unknown = MemberPromoteRequest { id: 7 };
    let refusal = one.members().await.member_promote(unknown).await.unwrap_err();
    assert_eq!(refusal.message(), "etcdserver: member not found");
    let early = one.members().await.member_promote(MemberPromoteRequest { id }).await.unwrap_err();
    assert_eq!(early.message(), IN_SYNC);
    let _second = join(&two, &[&one, &two]);
    let members = promote(&one, id).await.unwrap();
    assert!(members.iter().all(|member| !member.is_learner));
    let again = promote(&one, id).await.unwrap_err();
    assert_eq!(again.message(), "etcdserver: can only promote a learner member");
}

#[tokio::test]
async fn a_change_that_costs_the_quorum_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let places = ["a", "b", "c"].map(|name| Place::new(&folder, name));
    let cluster: Vec<&Place> = places.iter().collect();
    let mut members: Vec<_> = places.iter().map(|place| place.start(&cluster, &[])).collect();
    members.iter_mut().for_each(|member| drop(member.wait_for(READY)));
    let new = Place::new(&folder, "d");
    let request = MemberAddRequest { peer_ur_ls: vec![new.peer_url()], is_learner: false };
    let refusal = places[0].members().await.member_add(request).await.unwrap_err();
    assert_eq!(refusal.message(), "etcdserver: unhealthy cluster", "they have been connected for less than 5 s");
    let listed = places[0].members().await.member_list(MemberListRequest { linearizable: true }).await.unwrap();
    assert_eq!(listed.into_inner().members.len(), 3);
}

#[tokio::test]
async fn a_leader_that_is_removed_hands_the_leadership_over() {
    let folder = tempfile::tempdir().unwrap();
    let places = ["a", "b", "c"].map(|name| Place::new(&folder, name));
    let cluster: Vec<&Place> = places.iter().collect();
    // Whoever waited for an election timeout would be told from who didn't.
    let flags = [LOOSE[0], "--election-timeout=10000"];
    let mut members: Vec<_> = places.iter().map(|place| place.start(&cluster, &flags)).collect();
    members.iter_mut().for_each(|member| drop(member.wait_for(READY)));
    let status = places[0].status().await;
    let mut ids = Vec::new();
    for place in &places {
        ids.push(place.status().await.header.unwrap().member_id);
    }
    let leader = ids.iter().position(|id| *id == status.leader).unwrap();
    let (one, other) = (&places[(leader + 1) % 3], &places[(leader + 2) % 3]);
    one.put("key", "before").await;
    let began = Instant::now();
    let request = MemberRemoveRequest { id: status.leader };
    one.members().await.member_remove(request).await.unwrap();
    other.put("key", "after").await;
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert_eq!(one.get("key").await.unwrap(), "after");
    assert_eq!(one.status().await.raft_term, status.raft_term + 1, "one election, which nobody lost");
    assert_eq!(members[leader].wait().code(), Some(0));
}

#[tokio::test]
async fn who_is_not_on_the_list_can_not_join() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (Place::new(&folder, "one"), Place::new(&folder, "two"));
    let mut first = one.start(&[&one], &[]);
    first.wait_for(READY);
    let mut second = two.start(&[&one, &two], &["--initial-cluster-state=existing"]);
    assert_eq!(second.wait().code(), Some(1));
    let event = second.wait_for("cannot run");
    assert!(event["error"].as_str().unwrap().contains("etcdctl member add"), "{event}");
}

#[tokio::test]
async fn a_member_whose_data_is_lost_does_not_pretend_to_be_new() {
    let folder = tempfile::tempdir().unwrap();
    let places = ["a", "b", "c"].map(|name| Place::new(&folder, name));
    let cluster: Vec<&Place> = places.iter().collect();
    let mut members: Vec<_> = places.iter().map(|place| place.start(&cluster, &[])).collect();
    members.iter_mut().for_each(|member| drop(member.wait_for(READY)));
    members.remove(2).kill();
    std::fs::remove_dir_all(&places[2].data).unwrap();
    let mut again = places[2].start(&cluster, &[]);
    assert_eq!(again.wait().code(), Some(1));
    let event = again.wait_for("cannot run");
    assert!(event["error"].as_str().unwrap().contains("has already been bootstrapped"), "{event}");
}

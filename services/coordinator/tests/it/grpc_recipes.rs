//! The Lock and Election services.

use consensus::api::etcdserverpb::{LeaseGrantRequest, LeaseRevokeRequest, RangeRequest};
use coordinator::proto::{
    v3electionpb::{CampaignRequest, LeaderRequest, LeaderResponse, ProclaimRequest, ResignRequest},
    v3lockpb::{LockRequest, UnlockRequest},
};
use tonic::{Code, Status};

use crate::grpc::{Alone, refusal, told};

async fn grant(alone: &Alone, id: i64) -> i64 {
    alone.lease().lease_grant(LeaseGrantRequest { id, ttl: 60 }).await.unwrap().into_inner().id
}

async fn count(alone: &Alone, prefix: &'static str) -> i64 {
    let end = RangeRequest { key: prefix.into(), range_end: "\0".into(), count_only: true, ..RangeRequest::default() };
    alone.kv().range(end).await.unwrap().into_inner().count
}

/// Waits until so many stand in the queue.
async fn await_count(alone: &Alone, prefix: &'static str, wanted: i64) {
    while count(alone, prefix).await != wanted {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_lock_is_handed_on_in_order() {
    let alone = Alone::start().await;
    for lease in [0xa1, 0xb2, 0xc3] {
        grant(&alone, lease).await;
    }
    let lock = |lease: i64| {
        let mut client = alone.lock();
        async move { client.lock(LockRequest { name: "l".into(), lease }).await.map(|held| held.into_inner()) }
    };
    let first = lock(0xa1).await.unwrap();
    assert_eq!(first.key, "l/a1");
    assert_eq!(lock(0xa1).await.unwrap().key, "l/a1", "who holds it may ask again");
    let second = tokio::spawn(lock(0xb2));
    await_count(&alone, "l/", 2).await;
    let third = tokio::spawn(lock(0xc3));
    await_count(&alone, "l/", 3).await;
    // Whoever goes away leaves the queue.
    third.abort();
    await_count(&alone, "l/", 2).await;
    alone.lock().unlock(UnlockRequest { key: first.key }).await.unwrap();
    let held = second.await.unwrap().unwrap();
    assert_eq!(held.key, "l/b2");
    assert!(held.header.unwrap().revision > first.header.unwrap().revision);
    let unknown = lock(0xdd).await;
    assert_eq!(refusal(unknown), told(Code::NotFound, "etcdserver: requested lease not found"));
}

#[tokio::test]
async fn a_waiter_whose_lease_ends_is_told() {
    let alone = Alone::start().await;
    grant(&alone, 1).await;
    grant(&alone, 2).await;
    let held = alone.lock().lock(LockRequest { name: "l".into(), lease: 1 }).await.unwrap().into_inner();
    let mut waiter = alone.lock();
    let waiting = tokio::spawn(async move { waiter.lock(LockRequest { name: "l".into(), lease: 2 }).await });
    await_count(&alone, "l/", 2).await;
    alone.lease().lease_revoke(LeaseRevokeRequest { id: 2 }).await.unwrap();
    alone.lock().unlock(UnlockRequest { key: held.key }).await.unwrap();
    assert_eq!(refusal(waiting.await.unwrap()), told(Code::Unknown, "mutex: session is expired"));
}

/// What the leader proclaims.
fn value(observed: Result<Option<LeaderResponse>, Status>) -> String {
    String::from_utf8(observed.unwrap().unwrap().kv.unwrap().value.to_vec()).unwrap()
}

#[tokio::test]
async fn an_election_has_one_leader_at_a_time() {
    let alone = Alone::start().await;
    grant(&alone, 1).await;
    grant(&alone, 2).await;
    let name = LeaderRequest { name: "e".into() };
    let nobody = alone.election().leader(name.clone()).await;
    assert_eq!(refusal(nobody), told(Code::Unknown, "election: no leader"));
    let mut observed = alone.election().observe(name.clone()).await.unwrap().into_inner();
    let campaign = |lease: i64, value: &'static str| {
        let mut client = alone.election();
        let request = CampaignRequest { name: "e".into(), lease, value: value.into() };
        async move { client.campaign(request).await.unwrap().into_inner().leader.unwrap() }
    };
    let first = campaign(1, "one").await;
    assert_eq!((&first.key[..], first.lease), (&b"e/1"[..], 1));
    assert_eq!(value(observed.message().await), "one");
    let second = tokio::spawn(campaign(2, "two"));
    await_count(&alone, "e/", 2).await;
    let proclaim = ProclaimRequest { leader: Some(first.clone()), value: "uno".into() };
    alone.election().proclaim(proclaim.clone()).await.unwrap();
    assert_eq!(value(observed.message().await), "uno");
    let leader = alone.election().leader(name).await.unwrap().into_inner();
    assert_eq!(leader.kv.unwrap().value, "uno");
    alone.election().resign(ResignRequest { leader: Some(first) }).await.unwrap();
    assert_eq!(second.await.unwrap().key, "e/2");
    assert_eq!(value(observed.message().await), "two");
    assert_eq!(refusal(alone.election().proclaim(proclaim).await), told(Code::Unknown, "election: not leader"));
}

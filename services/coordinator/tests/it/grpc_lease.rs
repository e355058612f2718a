//! The Lease service.

use consensus::api::etcdserverpb::{
    LeaseGrantRequest, LeaseKeepAliveRequest, LeaseLeasesRequest, LeaseRevokeRequest, LeaseTimeToLiveRequest,
    PutRequest, RangeRequest,
};
use tonic::Code;

use crate::grpc::{Alone, refusal, told};

#[tokio::test]
async fn a_lease_is_granted_kept_and_revoked() {
    let alone = Alone::start().await;
    let mut leases = alone.lease();
    let granted = leases.lease_grant(LeaseGrantRequest { id: 0, ttl: 1 }).await.unwrap().into_inner();
    assert!(granted.id > 0 && granted.error.is_empty());
    assert_eq!(granted.ttl, 2, "it outlives an election");
    let again = leases.lease_grant(LeaseGrantRequest { id: granted.id, ttl: 60 }).await;
    assert_eq!(refusal(again), told(Code::FailedPrecondition, "etcdserver: lease already exists"));
    let long = leases.lease_grant(LeaseGrantRequest { id: 0, ttl: 9_000_000_001 }).await;
    assert_eq!(refusal(long), told(Code::OutOfRange, "etcdserver: too large lease TTL"));

    leases.lease_grant(LeaseGrantRequest { id: 7, ttl: 60 }).await.unwrap();
    let put = PutRequest { key: "k".into(), lease: 7, ..PutRequest::default() };
    alone.kv().put(put).await.unwrap();
    let kept = tokio_stream::iter([7, 8].map(|id| LeaseKeepAliveRequest { id }));
    let mut kept = leases.lease_keep_alive(kept).await.unwrap().into_inner();
    let first = kept.message().await.unwrap().unwrap();
    assert_eq!((first.id, first.ttl), (7, 60));
    let unknown = kept.message().await.unwrap().unwrap();
    assert_eq!((unknown.id, unknown.ttl), (8, 0), "no error");
    assert!(kept.message().await.unwrap().is_none());

    let asked = LeaseTimeToLiveRequest { id: 7, keys: true };
    let left = leases.lease_time_to_live(asked).await.unwrap().into_inner();
    assert!((50..=60).contains(&left.ttl));
    assert_eq!((left.granted_ttl, left.keys), (60, vec!["k".into()]));
    let all = leases.lease_leases(LeaseLeasesRequest {}).await.unwrap().into_inner();
    assert!(all.leases.iter().any(|lease| lease.id == 7));

    leases.lease_revoke(LeaseRevokeRequest { id: 7 }).await.unwrap();
    let gone = alone.kv().range(RangeRequest { key: "k".into(), ..RangeRequest::default() }).await.unwrap();
    assert_eq!(gone.into_inner().count, 0);
    let left = leases.lease_time_to_live(asked).await.unwrap().into_inner();
    assert_eq!((left.ttl, left.granted_ttl), (-1, 0));
    let twice = leases.lease_revoke(LeaseRevokeRequest { id: 7 }).await;
    assert_eq!(refusal(twice), told(Code::NotFound, "etcdserver: requested lease not found"));
}

//! The Maintenance and Auth services.

use consensus::api::etcdserverpb::{
    AlarmRequest, AlarmType, AuthEnableRequest, AuthStatusRequest, AuthenticateRequest, DefragmentRequest,
    DowngradeRequest, HashKvRequest, MoveLeaderRequest, PutRequest, SnapshotRequest, StatusRequest,
    alarm_request::AlarmAction, downgrade_request::DowngradeAction,
};
use sha2::{Digest as _, Sha256};
use tonic::Code;

use crate::grpc::{Alone, refusal, told};

#[tokio::test]
async fn a_member_tells_how_it_is() {
    let alone = Alone::start().await;
    let mut maintenance = alone.maintenance();
    let status = maintenance.status(StatusRequest {}).await.unwrap().into_inner();
    assert_eq!((status.version.as_str(), status.storage_version.as_str()), ("3.6.16", "3.6.0"));
    assert_eq!(status.leader, status.header.unwrap().member_id);
    assert!(status.raft_applied_index > 0 && status.raft_index >= status.raft_applied_index);
    assert_eq!((status.db_size_quota, status.is_learner, status.errors), (2 << 30, false, Vec::<String>::new()));

    let member_id = status.leader;
    let alarm = AlarmRequest { action: AlarmAction::Activate.into(), member_id, alarm: AlarmType::Nospace.into() };
    maintenance.alarm(alarm).await.unwrap();
    let status = maintenance.status(StatusRequest {}).await.unwrap().into_inner();
    assert_eq!(status.errors, [format!("memberID:{member_id} alarm:NOSPACE ")]);
    let put = PutRequest { key: "k".into(), ..PutRequest::default() };
    let text = "etcdserver: mvcc: database space exceeded";
    assert_eq!(refusal(alone.kv().put(put.clone()).await), told(Code::ResourceExhausted, text));
    maintenance.alarm(AlarmRequest { action: AlarmAction::Deactivate.into(), ..alarm }).await.unwrap();
    alone.kv().put(put).await.unwrap();

    let hash = maintenance.hash_kv(HashKvRequest { revision: 0 }).await.unwrap().into_inner();
    assert_eq!((hash.hash_revision, hash.compact_revision), (2, -1));
    assert_eq!(maintenance.defragment(DefragmentRequest {}).await.unwrap().into_inner().header, None);
    let moved = maintenance.move_leader(MoveLeaderRequest { target_id: 1 }).await;
    assert_eq!(refusal(moved), told(Code::FailedPrecondition, "etcdserver: bad leader transferee"));
    let older = DowngradeRequest { action: DowngradeAction::Enable.into(), version: "3.5".to_owned() };
    let text = "etcdserver: invalid downgrade target version";
    assert_eq!(refusal(maintenance.downgrade(older).await), told(Code::InvalidArgument, text));
}

#[tokio::test]
async fn a_snapshot_ends_with_its_digest() {
    let alone = Alone::start().await;
    for _ in 0..20 {
        let put = PutRequest { key: "k".into(), value: vec![7; 50_000].into(), ..PutRequest::default() };
        alone.kv().put(put).await.unwrap();
    }
    let mut messages = alone.maintenance().snapshot(SnapshotRequest {}).await.unwrap().into_inner();
    let mut content = Vec::new();
    let mut remaining = u64::MAX;
    while let Some(message) = messages.message().await.unwrap() {
        assert_eq!(message.version, "3.6.0");
        content.extend_from_slice(&message.blob);
        remaining = message.remaining_bytes;
    }
    assert_eq!(remaining, 0);
    assert_eq!(content.len() % 512, 32, "by which tools know that there is a digest");
    let (snapshot, digest) = content.split_at(content.len() - 32);
    assert_eq!(&Sha256::digest(snapshot)[..], digest);
    assert!(snapshot.starts_with(b"raftsnap") && snapshot.len() > 1_000_000);
}

#[tokio::test]
async fn nobody_is_authenticated() {
    let alone = Alone::start().await;
    let status = alone.auth().auth_status(AuthStatusRequest {}).await.unwrap().into_inner();
    assert_eq!((status.enabled, status.auth_revision), (false, 1));
    let enabled = alone.auth().auth_enable(AuthEnableRequest {}).await;
    assert_eq!(refusal(enabled), told(Code::FailedPrecondition, "etcdserver: root user does not exist"));
    let token = alone.auth().authenticate(AuthenticateRequest::default()).await;
    assert_eq!(refusal(token), told(Code::FailedPrecondition, "etcdserver: authentication is not enabled"));
}

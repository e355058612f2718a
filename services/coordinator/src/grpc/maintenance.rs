//! The Maintenance service.

use consensus::{
    api::{
        etcdserverpb::{
            AlarmMember, AlarmRequest, AlarmResponse, AlarmType, DefragmentRequest, DefragmentResponse, DowngradeInfo,
            DowngradeRequest, DowngradeResponse, HashKvRequest, HashKvResponse, HashRequest, HashResponse,
            MoveLeaderRequest, MoveLeaderResponse, SnapshotRequest, SnapshotResponse, StatusRequest, StatusResponse,
            downgrade_request::DowngradeAction,
        },
        logpb::command::Operation,
    },
    store::Outcome,
};
use futures::stream::BoxStream;
use tonic::{Request, Response, Status};

use super::{context::Context, snapshot, status};
use crate::{engine::MoveLeaderError, proto::etcdserverpb::maintenance_server::Maintenance, version};

/// The version of the cluster without its patch, as etcd shortens it.
const CLUSTER_VERSION: &str = "3.6";

/// The state of this member, and what operators do to it.
#[derive(Clone, Debug)]
pub(super) struct MaintenanceService(pub(super) Context);

#[tonic::async_trait]
impl Maintenance for MaintenanceService {
    type SnapshotStream = BoxStream<'static, Result<SnapshotResponse, Status>>;

    async fn alarm(&self, request: Request<AlarmRequest>) -> Result<Response<AlarmResponse>, Status> {
        let Outcome::Alarm(mut response) = self.0.propose(Operation::Alarm(request.into_inner())).await? else {
            return Err(super::unexpected_outcome());
        };
        self.0.fill(&mut response.header);
        Ok(Response::new(response))
    }

    async fn status(&self, _: Request<StatusRequest>) -> Result<Response<StatusResponse>, Status> {
        let member = self.0.engine().status();
        let header = Some(self.0.header());
        let is_learner = self.0.is_learner();
        let store = self.0.engine().store();
        let mut errors = Vec::new();
        if member.leader == 0 {
            errors.push(status::no_leader().message().to_owned());
        }
        errors.extend(store.alarms().iter().map(describe));
        Ok(Response::new(StatusResponse {
            header,
            version: version::ETCD.to_owned(),
            db_size: signed(store.size()),
            leader: member.leader,
            raft_index: member.committed,
            raft_term: member.term,
            raft_applied_index: member.applied,
            errors,
            db_size_in_use: signed(store.size_in_use()),
            is_learner,
            storage_version: version::STORAGE.to_owned(),
            db_size_quota: signed(self.0.engine().limits().quota_bytes),
            downgrade_info: Some(DowngradeInfo::default()),
        }))
    }

    /// Nothing is fragmented here; what compactions made superfluous is gone when this answers.
    async fn defragment(&self, _: Request<DefragmentRequest>) -> Result<Response<DefragmentResponse>, Status> {
        self.0.purged().await;
        // etcd sends no header.
        Ok(Response::new(DefragmentResponse::default()))
    }

    async fn hash(&self, _: Request<HashRequest>) -> Result<Response<HashResponse>, Status> {
        let (hash, revision) = {
            let store = self.0.engine().store();
            (store.hash(), store.revision())
        };
        Ok(Response::new(HashResponse { header: Some(self.0.header_at(revision)), hash }))
    }

    async fn hash_kv(&self, request: Request<HashKvRequest>) -> Result<Response<HashKvResponse>, Status> {
        let asked = request.into_inner().revision;
        let (found, revision) = {
            let store = self.0.engine().store();
            (store.hash_kv(asked).map_err(status::of_store)?, store.revision())
        };
        Ok(Response::new(HashKvResponse {
            header: Some(self.0.header_at(revision)),
            hash: found.hash,
            compact_revision: found.compact_revision,
            hash_revision: found.hash_revision,
        }))
    }

    async fn snapshot(&self, request: Request<SnapshotRequest>) -> Result<Response<Self::SnapshotStream>, Status> {
        let end = self.0.end_of_stream(request.metadata());
        Ok(Response::new(snapshot::stream(self.0.clone(), end)))
    }

    async fn move_leader(&self, request: Request<MoveLeaderRequest>) -> Result<Response<MoveLeaderResponse>, Status> {
        if !self.0.engine().status().is_leader {
            return Err(MoveLeaderError::NotLeader.into());
        }
        self.0.engine().move_leader(request.into_inner().target_id).await?;
        Ok(Response::new(MoveLeaderResponse::default()))
    }

    /// There is no older version of this program to go back to.
    async fn downgrade(&self, request: Request<DowngradeRequest>) -> Result<Response<DowngradeResponse>, Status> {
        let request = request.into_inner();
        match DowngradeAction::try_from(request.action) {
            Ok(DowngradeAction::Cancel) => {
                let response = DowngradeResponse { header: Some(self.0.header()), version: CLUSTER_VERSION.to_owned() };
                Ok(Response::new(response))
            }
            Ok(_) if is_version(&request.version) => {
                Err(Status::invalid_argument("etcdserver: invalid downgrade target version"))
            }
            Ok(_) => Err(Status::invalid_argument("etcdserver: wrong downgrade target version format")),
            Err(_) => Err(Status::unknown("etcdserver: unknown method")),
        }
    }
}

/// As etcd prints the message of an alarm.
fn describe(alarm: &AlarmMember) -> String {
    let name = AlarmType::try_from(alarm.alarm).unwrap_or_default().as_str_name();
    let member = if alarm.member_id == 0 { String::new() } else { format!("memberID:{} ", alarm.member_id) };
    format!("{member}alarm:{name} ")
}

/// Whether a text is `major.minor`, or that with a patch.
fn is_version(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    (2..=3).contains(&parts.len()) && parts.iter().all(|part| part.parse::<i64>().is_ok_and(|number| number >= 0))
}

fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_versions_from_other_texts() {
        assert!(["3.5", "3.5.0", "4.10.1"].into_iter().all(is_version));
        assert!(!["", "3", "3.", "3.x", "v3.5", "3.5.0.1", "-1.2"].into_iter().any(is_version));
    }

    #[test]
    fn describes_an_alarm() {
        let alarm = AlarmMember { member_id: 7, alarm: AlarmType::Nospace.into() };
        assert_eq!(describe(&alarm), "memberID:7 alarm:NOSPACE ");
    }
}

//! The Cluster service.

use consensus::api::{
    etcdserverpb::{
        Member, MemberAddRequest, MemberAddResponse, MemberListRequest, MemberListResponse, MemberPromoteRequest,
        MemberPromoteResponse, MemberRemoveRequest, MemberRemoveResponse, MemberUpdateRequest, MemberUpdateResponse,
        ResponseHeader,
    },
    logpb::{MemberChange, member_change::Kind},
};
use tonic::{Request, Response, Status};

use super::{context::Context, status, urls};
use crate::proto::etcdserverpb::cluster_server::Cluster;

/// Who belongs to the cluster.
#[derive(Clone, Debug)]
pub(super) struct ClusterService(pub(super) Context);

impl ClusterService {
    /// etcd leaves the revision out here.
    fn header(&self) -> Option<ResponseHeader> {
        Some(self.0.header_at(0))
    }

    async fn change(&self, kind: Kind, member: Member) -> Result<Vec<Member>, Status> {
        let change = MemberChange { kind: kind.into(), member: Some(member), ..MemberChange::default() };
        Ok(self.0.engine().change_members(change).await?)
    }
}

#[tonic::async_trait]
impl Cluster for ClusterService {
    async fn member_add(&self, request: Request<MemberAddRequest>) -> Result<Response<MemberAddResponse>, Status> {
        let MemberAddRequest { peer_ur_ls, is_learner } = request.into_inner();
        let peer_ur_ls = urls::parse(&peer_ur_ls).ok_or_else(status::bad_member_urls)?;
        let member = Member { id: urls::member_id(&peer_ur_ls), peer_ur_ls, is_learner, ..Member::default() };
        let kind = if is_learner { Kind::AddLearner } else { Kind::Add };
        let members = self.change(kind, member.clone()).await?;
        Ok(Response::new(MemberAddResponse { header: self.header(), member: Some(member), members }))
    }

    async fn member_remove(
        &self,
        request: Request<MemberRemoveRequest>,
    ) -> Result<Response<MemberRemoveResponse>, Status> {
        let member = Member { id: request.into_inner().id, ..Member::default() };
        let members = self.change(Kind::Remove, member).await?;
        Ok(Response::new(MemberRemoveResponse { header: self.header(), members }))
    }

    async fn member_update(
        &self,
        request: Request<MemberUpdateRequest>,
    ) -> Result<Response<MemberUpdateResponse>, Status> {
        let MemberUpdateRequest { id, peer_ur_ls } = request.into_inner();
        let members = self.change(Kind::Update, Member { id, peer_ur_ls, ..Member::default() }).await?;
        Ok(Response::new(MemberUpdateResponse { header: self.header(), members }))
    }

    async fn member_list(&self, request: Request<MemberListRequest>) -> Result<Response<MemberListResponse>, Status> {
        if request.into_inner().linearizable {
            self.0.engine().confirm_read().await?;
        }
        let members = self.0.engine().store().members().iter().cloned().collect();
        Ok(Response::new(MemberListResponse { header: self.header(), members }))
    }

    async fn member_promote(
        &self,
        request: Request<MemberPromoteRequest>,
    ) -> Result<Response<MemberPromoteResponse>, Status> {
        let member = Member { id: request.into_inner().id, ..Member::default() };
        let members = self.change(Kind::Promote, member).await?;
        Ok(Response::new(MemberPromoteResponse { header: self.header(), members }))
    }
}

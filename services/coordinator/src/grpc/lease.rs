//! The Lease service.

use bytes::Bytes;
use consensus::{
    api::{
        etcdserverpb::{
            LeaseGrantRequest, LeaseGrantResponse, LeaseKeepAliveRequest, LeaseKeepAliveResponse, LeaseLeasesRequest,
            LeaseLeasesResponse, LeaseRevokeRequest, LeaseRevokeResponse, LeaseStatus, LeaseTimeToLiveRequest,
            LeaseTimeToLiveResponse,
        },
        logpb::command::Operation,
    },
    store::Outcome,
};
use futures::stream::{self, BoxStream, StreamExt as _};
use rand::Rng as _;
use tonic::{Request, Response, Status, Streaming};

use super::context::Context;
use crate::proto::etcdserverpb::lease_server::Lease;

/// Leases: granted and revoked through the log, kept alive by the leader.
#[derive(Clone, Debug)]
pub(super) struct LeaseService(pub(super) Context);

impl LeaseService {
    pub(super) async fn grant(&self, mut request: LeaseGrantRequest) -> Result<LeaseGrantResponse, Status> {
        while request.id == 0 {
            request.id = rand::rng().random_range(1..=i64::MAX);
        }
        request.ttl = request.ttl.max(self.0.options().min_lease_ttl);
        let Outcome::LeaseGrant(mut response) = self.0.propose(Operation::LeaseGrant(request)).await? else {
            return Err(super::unexpected_outcome());
        };
        self.0.fill(&mut response.header);
        Ok(response)
    }

    async fn renew(&self, lease: i64) -> Result<LeaseKeepAliveResponse, Status> {
        // Before it is renewed: a client that finds the lease revoked later must not see that revision here.
        let header = Some(self.0.header());
        let ttl = self.0.engine().keep_alive(lease).await?.unwrap_or(0);
        Ok(LeaseKeepAliveResponse { header, id: lease, ttl })
    }

    /// Seconds as granted, and the keys if they are asked for, of a lease the leader knows.
    async fn granted(&self, request: &LeaseTimeToLiveRequest) -> Result<Option<(i64, Vec<Bytes>)>, Status> {
        let local = self.look_up(request);
        if local.is_some() {
            return Ok(local);
        }
        // This member has yet to hear of it.
        self.0.engine().confirm_read().await?;
        Ok(self.look_up(request))
    }

    fn look_up(&self, request: &LeaseTimeToLiveRequest) -> Option<(i64, Vec<Bytes>)> {
        let store = self.0.engine().store();
        let lease = store.lease(request.id)?;
        let keys = if request.keys { lease.keys().map(Bytes::copy_from_slice).collect() } else { Vec::new() };
        Some((lease.ttl, keys))
    }
}

#[tonic::async_trait]
impl Lease for LeaseService {
    type LeaseKeepAliveStream = BoxStream<'static, Result<LeaseKeepAliveResponse, Status>>;

    async fn lease_grant(&self, request: Request<LeaseGrantRequest>) -> Result<Response<LeaseGrantResponse>, Status> {
        self.grant(request.into_inner()).await.map(Response::new)
    }

    async fn lease_revoke(
        &self,
        request: Request<LeaseRevokeRequest>,
    ) -> Result<Response<LeaseRevokeResponse>, Status> {
        let Outcome::LeaseRevoke(mut response) = self.0.propose(Operation::LeaseRevoke(request.into_inner())).await?
        else {
            return Err(super::unexpected_outcome());
        };
        self.0.fill(&mut response.header);
        Ok(Response::new(response))
    }

    async fn lease_keep_alive(
        &self,
        request: Request<Streaming<LeaseKeepAliveRequest>>,
    ) -> Result<Response<Self::LeaseKeepAliveStream>, Status> {
        let end = Box::pin(self.0.end_of_stream(request.metadata()));
        let state = Some((self.clone(), request.into_inner(), end));
        let answers = stream::unfold(state, async |state| {
            let (service, mut requests, mut end) = state?;
            let answer = async {
                match requests.message().await {
                    Ok(Some(request)) => Some(service.renew(request.id).await),
                    Ok(None) => None,
                    Err(status) => Some(Err(status)),
                }
            };
            let answer = tokio::select! {
                answer = answer => answer?,
                status = &mut end => Err(status),
            };
            let goes_on = answer.is_ok();
            Some((answer, goes_on.then_some((service, requests, end))))
        });
        Ok(Response::new(answers.boxed()))
    }

    async fn lease_time_to_live(
        &self,
        request: Request<LeaseTimeToLiveRequest>,
    ) -> Result<Response<LeaseTimeToLiveResponse>, Status> {
        let request = request.into_inner();
        let left = self.0.engine().time_to_live(request.id).await?;
        let found = match left {
            Some(left) => self.granted(&request).await?.map(|granted| (left, granted)),
            None => None,
        };
        let header = Some(self.0.header());
        let response = match found {
            Some((ttl, (granted_ttl, keys))) => {
                LeaseTimeToLiveResponse { header, id: request.id, ttl, granted_ttl, keys }
            }
            None => LeaseTimeToLiveResponse { header, id: request.id, ttl: -1, ..LeaseTimeToLiveResponse::default() },
        };
        Ok(Response::new(response))
    }

    async fn lease_leases(&self, _: Request<LeaseLeasesRequest>) -> Result<Response<LeaseLeasesResponse>, Status> {
        let leases = self.0.engine().store().leases().map(|(id, _)| LeaseStatus { id }).collect();
        Ok(Response::new(LeaseLeasesResponse { header: Some(self.0.header()), leases }))
    }
}

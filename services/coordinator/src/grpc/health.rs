//! gRPC's health checking protocol, which probes and balancing clients ask.
//!
//! It speaks of this process and not of the cluster, as in etcd: a member without a leader serves what can be answered
//! without one, and a probe that restarted it would take its vote away when votes are wanted. `/health` and `/readyz`
//! tell whether there is a leader.

use futures::{
    FutureExt as _,
    stream::{self, BoxStream, StreamExt as _},
};
use tonic::{Request, Response, Status};

use super::context::Context;
use crate::proto::health::{
    HealthCheckRequest, HealthCheckResponse, HealthListRequest, HealthListResponse,
    health_check_response::ServingStatus, health_server::Health,
};

/// The name by which the server as a whole is asked for; etcd knows no other either.
const WHOLE: &str = "";

/// Whether this member serves: until it begins to stop.
#[derive(Clone, Debug)]
pub(super) struct HealthService(pub(super) Context);

impl HealthService {
    fn status(&self) -> ServingStatus {
        match self.0.engine().stopping().now_or_never() {
            None => ServingStatus::Serving,
            Some(()) => ServingStatus::NotServing,
        }
    }
}

#[tonic::async_trait]
impl Health for HealthService {
    type WatchStream = BoxStream<'static, Result<HealthCheckResponse, Status>>;

    async fn check(&self, request: Request<HealthCheckRequest>) -> Result<Response<HealthCheckResponse>, Status> {
        if request.get_ref().service != WHOLE {
            return Err(Status::not_found("unknown service"));
        }
        Ok(Response::new(told(self.status())))
    }

    async fn list(&self, _: Request<HealthListRequest>) -> Result<Response<HealthListResponse>, Status> {
        Ok(Response::new(HealthListResponse { statuses: [(WHOLE.to_owned(), told(self.status()))].into() }))
    }

    /// Tells the status as it is, then once more when the member begins to stop, which ends the stream.
    async fn watch(&self, request: Request<HealthCheckRequest>) -> Result<Response<Self::WatchStream>, Status> {
        let known = request.get_ref().service == WHOLE;
        let now = if known { self.status() } else { ServingStatus::ServiceUnknown };
        let change = (now == ServingStatus::Serving).then_some(ServingStatus::NotServing);
        let stopping = self.0.engine().stopping();
        let later = stream::once(stopping).flat_map(move |()| stream::iter(change));
        let statuses = stream::iter([now]).chain(later).map(|status| Ok(told(status)));
        Ok(Response::new(statuses.boxed()))
    }
}

fn told(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse { status: status.into() }
}

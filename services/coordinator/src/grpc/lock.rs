//! The Lock service: the oldest key below a name holds the lock. Keys go with their leases.

use consensus::api::etcdserverpb::{DeleteRangeRequest, RangeRequest, TxnResponse, response_op::Response as Answer};
use tonic::{Request, Response, Status};

use super::recipes::{self, Claim, Place, Recipes};
use crate::proto::v3lockpb::{LockRequest, LockResponse, UnlockRequest, UnlockResponse, lock_server::Lock};

/// Locks by name.
#[derive(Clone, Debug)]
pub(super) struct LockService(pub(super) Recipes);

#[tonic::async_trait]
impl Lock for LockService {
    async fn lock(&self, request: Request<LockRequest>) -> Result<Response<LockResponse>, Status> {
        let LockRequest { name, lease } = request.into_inner();
        let lease = self.0.lease_or_new(lease).await?;
        let prefix = recipes::prefix(&name);
        let key = recipes::key(&prefix, lease);
        let claimed = recipes::claim(&key, bytes::Bytes::new(), lease, Some(recipes::oldest(&prefix)));
        let response = self.0.kv.commit(claimed).await?;
        let (created, owner) = read_claim(&response);
        let claim = Claim::new(Place { key: key.clone(), created }, self.0.kv.clone());
        if owner.is_none_or(|owner| owner == created) {
            claim.keep();
            return Ok(Response::new(LockResponse { header: response.header, key }));
        }
        self.0.await_predecessors(&prefix, created - 1).await?;
        // Its lease may have ended while it waited.
        let own = self.0.kv.get(RangeRequest { key: key.clone(), ..RangeRequest::default() }).await?;
        claim.keep();
        if own.kvs.is_empty() {
            return Err(Status::unknown("mutex: session is expired"));
        }
        Ok(Response::new(LockResponse { header: own.header, key }))
    }

    async fn unlock(&self, request: Request<UnlockRequest>) -> Result<Response<UnlockResponse>, Status> {
        let request = DeleteRangeRequest { key: request.into_inner().key, ..DeleteRangeRequest::default() };
        let response = self.0.kv.delete(request).await?;
        Ok(Response::new(UnlockResponse { header: response.header }))
    }
}

/// When the caller's key was created, and the oldest of all.
fn read_claim(response: &TxnResponse) -> (i64, Option<i64>) {
    let created = |place: usize| match response.responses.get(place).and_then(|answer| answer.response.as_ref()) {
        Some(Answer::ResponseRange(range)) => range.kvs.first().map(|kv| kv.create_revision),
        _ => None,
    };
    let now = response.header.as_ref().map_or(0, |header| header.revision);
    (created(0).unwrap_or(now), created(1))
}

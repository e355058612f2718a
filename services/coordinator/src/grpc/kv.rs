//! The KV service.

use consensus::{
    api::{
        etcdserverpb::{
            CompactionRequest, CompactionResponse, DeleteRangeRequest, DeleteRangeResponse, PutRequest, PutResponse,
            RangeRequest, RangeResponse, TxnRequest, TxnResponse, request_op::Request as Op,
        },
        logpb::command::Operation,
    },
    store::{Outcome, is_read_only},
};
use tonic::{Request, Response, Status};

use super::{checks, context::Context, status};
use crate::proto::etcdserverpb::kv_server::Kv;

/// Reads and writes of keys.
#[derive(Clone, Debug)]
pub(super) struct KvService(pub(super) Context);

impl KvService {
    pub(super) async fn get(&self, request: RangeRequest) -> Result<RangeResponse, Status> {
        checks::range(&request)?;
        if !request.serializable {
            self.0.engine().confirm_read().await?;
        }
        let mut response = self.0.engine().store().range(&request).map_err(status::of_store)?;
        self.0.fill(&mut response.header);
        Ok(response)
    }

    pub(super) async fn delete(&self, request: DeleteRangeRequest) -> Result<DeleteRangeResponse, Status> {
        checks::delete_range(&request)?;
        let Outcome::DeleteRange(mut response) = self.0.propose(Operation::DeleteRange(request)).await? else {
            return Err(super::unexpected_outcome());
        };
        self.0.fill(&mut response.header);
        Ok(response)
    }

    pub(super) async fn commit(&self, request: TxnRequest) -> Result<TxnResponse, Status> {
        checks::txn(&request, self.0.engine().limits().max_txn_ops)?;
        let mut response = if is_read_only(&request) {
            if !is_serializable(&request) {
                self.0.engine().confirm_read().await?;
            }
            self.0.engine().store().read_txn(&request).map_err(status::of_store)?
        } else {
            let Outcome::Txn(response) = self.0.propose(Operation::Txn(request)).await? else {
                return Err(super::unexpected_outcome());
            };
            response
        };
        self.0.fill(&mut response.header);
        Ok(response)
    }
}

#[tonic::async_trait]
impl Kv for KvService {
    async fn range(&self, request: Request<RangeRequest>) -> Result<Response<RangeResponse>, Status> {
        let request = request.into_inner();
        if !request.serializable && self.0.is_learner() {
            return Err(status::not_for_learners());
        }
        self.get(request).await.map(Response::new)
    }

    async fn put(&self, request: Request<PutRequest>) -> Result<Response<PutResponse>, Status> {
        let request = request.into_inner();
        checks::put(&request)?;
        let Outcome::Put(mut response) = self.0.propose(Operation::Put(request)).await? else {
            return Err(super::unexpected_outcome());
        };
        self.0.fill(&mut response.header);
        Ok(Response::new(response))
    }

    async fn delete_range(
        &self,
        request: Request<DeleteRangeRequest>,
    ) -> Result<Response<DeleteRangeResponse>, Status> {
        self.delete(request.into_inner()).await.map(Response::new)
    }

    async fn txn(&self, request: Request<TxnRequest>) -> Result<Response<TxnResponse>, Status> {
        self.commit(request.into_inner()).await.map(Response::new)
    }

    async fn compact(&self, request: Request<CompactionRequest>) -> Result<Response<CompactionResponse>, Status> {
        let request = request.into_inner();
        let outcome = self.0.propose(Operation::Compact(request)).await;
        if request.physical {
            self.0.purged().await;
        }
        outcome?;
        Ok(Response::new(CompactionResponse { header: Some(self.0.header()) }))
    }
}

/// Whether every read of a transaction without writes may be served from what this member has.
fn is_serializable(request: &TxnRequest) -> bool {
    let relaxed = |op: &Option<Op>| matches!(op, Some(Op::RequestRange(range)) if range.serializable);
    request.success.iter().chain(&request.failure).all(|operation| relaxed(&operation.request))
}

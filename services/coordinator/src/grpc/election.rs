//! The Election service: the oldest key below a name is the leader's, its value what the leader proclaims.

use bytes::Bytes;
use consensus::{
    api::{
        etcdserverpb::{
            PutRequest, ResponseHeader, TxnResponse, WatchCreateRequest, request_op::Request as Op,
            response_op::Response as Answer,
        },
        mvccpb::{Event, KeyValue, event::EventType},
    },
    watch::Delivery,
};
use futures::{
    FutureExt as _,
    stream::{self, BoxStream, StreamExt as _},
};
use tonic::{Request, Response, Status};

use super::recipes::{self, Claim, Place, Recipes};
use crate::proto::v3electionpb::{
    CampaignRequest, CampaignResponse, LeaderKey, LeaderRequest, LeaderResponse, ProclaimRequest, ProclaimResponse,
    ResignRequest, ResignResponse, election_server::Election,
};

/// Elections by name.
#[derive(Clone, Debug)]
pub(super) struct ElectionService(pub(super) Recipes);

#[tonic::async_trait]
impl Election for ElectionService {
    type ObserveStream = BoxStream<'static, Result<LeaderResponse, Status>>;

    async fn campaign(&self, request: Request<CampaignRequest>) -> Result<Response<CampaignResponse>, Status> {
        let CampaignRequest { name, lease, value } = request.into_inner();
        let lease = self.0.lease_or_new(lease).await?;
        let prefix = recipes::prefix(&name);
        let key = recipes::key(&prefix, lease);
        let response = self.0.kv.commit(recipes::claim(&key, value.clone(), lease, None)).await?;
        let before = own_before(&response);
        let now = response.header.as_ref().map_or(0, |header| header.revision);
        let place = Place { key: key.clone(), created: before.as_ref().map_or(now, |kv| kv.create_revision) };
        let claim = Claim::new(place.clone(), self.0.kv.clone());
        if before.is_some_and(|kv| kv.value != value) {
            self.proclaim_at(&place, value, lease).await?;
        }
        self.0.await_predecessors(&prefix, place.created - 1).await?;
        claim.keep();
        let leader = Some(LeaderKey { name, key, rev: place.created, lease });
        Ok(Response::new(CampaignResponse { header: response.header, leader }))
    }

    async fn proclaim(&self, request: Request<ProclaimRequest>) -> Result<Response<ProclaimResponse>, Status> {
        let ProclaimRequest { leader, value } = request.into_inner();
        let leader = leader.ok_or_else(no_leader_key)?;
        let lease = self.0.lease_or_new(leader.lease).await?;
        let header = self.proclaim_at(&Place { key: leader.key, created: leader.rev }, value, lease).await?;
        Ok(Response::new(ProclaimResponse { header }))
    }

    async fn leader(&self, request: Request<LeaderRequest>) -> Result<Response<LeaderResponse>, Status> {
        let prefix = recipes::prefix(&request.into_inner().name);
        let range = self.0.kv.get(recipes::oldest(&prefix)).await?;
        let header = range.header;
        let kv = recipes::first(range).ok_or_else(|| Status::unknown("election: no leader"))?;
        Ok(Response::new(LeaderResponse { header, kv: Some(kv) }))
    }

    async fn observe(&self, request: Request<LeaderRequest>) -> Result<Response<Self::ObserveStream>, Status> {
        let end = self.0.context.end_of_stream(request.metadata()).boxed();
        let prefix = recipes::prefix(&request.into_inner().name);
        let observer = Observer { recipes: self.0.clone(), prefix, watched: None, waiting: Default::default() };
        let leaders = stream::unfold(Some((observer, end)), async |state| {
            let (mut observer, mut end) = state?;
            let next = tokio::select! {
                next = observer.next() => next,
                status = &mut end => Err(status),
            };
            let goes_on = next.is_ok();
            Some((next, goes_on.then_some((observer, end))))
        });
        Ok(Response::new(leaders.boxed()))
    }

    async fn resign(&self, request: Request<ResignRequest>) -> Result<Response<ResignResponse>, Status> {
        let leader = request.into_inner().leader.ok_or_else(no_leader_key)?;
        let place = Place { key: leader.key, created: leader.rev };
        let response = self.0.kv.commit(place.deletion()).await?;
        Ok(Response::new(ResignResponse { header: response.header }))
    }
}

impl ElectionService {
    async fn proclaim_at(&self, place: &Place, value: Bytes, lease: i64) -> Result<Option<ResponseHeader>, Status> {
        let put = PutRequest { key: place.key.clone(), value, lease, ..PutRequest::default() };
        let response = self.0.kv.commit(place.transaction(Op::RequestPut(put))).await?;
        if response.succeeded { Ok(response.header) } else { Err(Status::unknown("election: not leader")) }
    }
}

fn no_leader_key() -> Status {
    Status::unknown("\"leader\" field must be provided")
}

/// The caller's key, if it was there already.
fn own_before(response: &TxnResponse) -> Option<KeyValue> {
    match response.responses.first()?.response.as_ref()? {
        Answer::ResponseRange(range) if !response.succeeded => range.kvs.first().cloned(),
        _ => None,
    }
}

/// Follows who leads, and what they proclaim.
struct Observer {
    recipes: Recipes,
    prefix: Bytes,
    /// The leader's key is watched.
    watched: Option<super::watch::Open>,
    /// Events of it that have arrived.
    waiting: std::collections::VecDeque<(i64, Event)>,
}

impl Observer {
    async fn next(&mut self) -> Result<LeaderResponse, Status> {
        loop {
            let Some(watched) = &self.watched else {
                let (revision, kv) = self.find_leader().await?;
                let key = kv.key.clone();
                let request = WatchCreateRequest { key, start_revision: revision + 1, ..WatchCreateRequest::default() };
                self.watched = Some(self.recipes.watch(request));
                return Ok(self.response(revision, kv));
            };
            if let Some((revision, event)) = self.waiting.pop_front() {
                match event.kv {
                    Some(kv) if event.r#type == i32::from(EventType::Put) => return Ok(self.response(revision, kv)),
                    // Deleted: somebody else leads now, or nobody.
                    _ => self.forget_leader(),
                }
                continue;
            }
            match self.recipes.next(watched).await? {
                Delivery::Compacted { .. } => self.forget_leader(),
                delivery => self.waiting.extend(events(&delivery)),
            }
        }
    }

    fn forget_leader(&mut self) {
        self.watched = None;
        self.waiting.clear();
    }

    /// Waits for the first candidate where there is none.
    async fn find_leader(&self) -> Result<(i64, KeyValue), Status> {
        let range = self.recipes.kv.get(recipes::oldest(&self.prefix)).await?;
        let revision = range.header.as_ref().map_or(0, |header| header.revision);
        if let Some(kv) = recipes::first(range) {
            return Ok((revision, kv));
        }
        let request = WatchCreateRequest {
            key: self.prefix.clone(),
            range_end: recipes::end_of(&self.prefix),
            start_revision: revision,
            ..WatchCreateRequest::default()
        };
        let watch = self.recipes.watch(request);
        loop {
            let delivery = self.recipes.next(&watch).await?;
            let put = events(&delivery).find(|(_, event)| event.r#type == i32::from(EventType::Put));
            if let Some(kv) = put.and_then(|(_, event)| event.kv) {
                return Ok((kv.mod_revision, kv));
            }
        }
    }

    fn response(&self, revision: i64, kv: KeyValue) -> LeaderResponse {
        LeaderResponse { header: Some(self.recipes.context.header_at(revision)), kv: Some(kv) }
    }
}

fn events(delivery: &Delivery) -> impl Iterator<Item = (i64, Event)> + use<> {
    let revision = if let Delivery::Events { revision, .. } = delivery { *revision } else { 0 };
    // What a hub delivers can be decoded.
    delivery.decode_events().unwrap_or_default().into_iter().map(move |event| (revision, event))
}

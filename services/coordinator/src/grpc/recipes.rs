//! What locks and elections are made of: keys below a name, in the order of their creation, each attached to a lease.

use bytes::Bytes;
use consensus::{
    api::{
        etcdserverpb::{
            Compare, DeleteRangeRequest, LeaseGrantRequest, PutRequest, RangeRequest, RangeResponse, RequestOp,
            TxnRequest, WatchCreateRequest,
            compare::{CompareResult, CompareTarget, TargetUnion},
            range_request::{SortOrder, SortTarget},
            request_op::Request as Op,
            watch_create_request::FilterType,
        },
        mvccpb::KeyValue,
    },
    watch::Delivery,
};
use tonic::Status;

use super::{context::Context, kv::KvService, lease::LeaseService, status, watch::Open};

/// Seconds a lease gets that is granted because the caller brought none, as in etcd.
const DEFAULT_TTL: i64 = 60;

/// The parts that both recipes use.
#[derive(Clone, Debug)]
pub(super) struct Recipes {
    pub(super) context: Context,
    pub(super) kv: KvService,
    pub(super) lease: LeaseService,
}

impl Recipes {
    /// The caller's lease, or a new one that nobody keeps alive.
    pub(super) async fn lease_or_new(&self, lease: i64) -> Result<i64, Status> {
        if lease != 0 {
            return Ok(lease);
        }
        Ok(self.lease.grant(LeaseGrantRequest { ttl: DEFAULT_TTL, id: 0 }).await?.id)
    }

    /// Waits until no key with this prefix is left that was created at `last_created` or before.
    pub(super) async fn await_predecessors(&self, prefix: &Bytes, last_created: i64) -> Result<(), Status> {
        loop {
            let request = RangeRequest { max_create_revision: last_created, ..newest(prefix) };
            let response = self.kv.get(request).await?;
            let Some(predecessor) = response.kvs.first() else { return Ok(()) };
            let from = response.header.map_or(0, |header| header.revision);
            self.await_deletion(predecessor.key.clone(), from).await?;
        }
    }

    /// Waits until a key is deleted, at revision `from` or later; or until that can't be told any more.
    async fn await_deletion(&self, key: Bytes, from: i64) -> Result<(), Status> {
        let filters = vec![FilterType::Noput.into()];
        let request = WatchCreateRequest { key, start_revision: from, filters, ..WatchCreateRequest::default() };
        let watch = self.watch(request);
        loop {
            match self.next(&watch).await? {
                Delivery::Events { .. } | Delivery::Compacted { .. } => return Ok(()),
                _ => {}
            }
        }
    }

    /// Watches for the caller itself.
    pub(super) fn watch(&self, request: WatchCreateRequest) -> Open {
        let open = self.context.watches().open();
        open.watch(&self.context.engine().store(), request);
        open
    }

    /// The next delivery.
    pub(super) async fn next(&self, watch: &Open) -> Result<Delivery, Status> {
        tokio::select! {
            delivery = watch.next() => Ok(delivery),
            () = self.context.engine().stopping() => Err(status::stopped()),
        }
    }
}

/// A key of the caller's, created at a revision.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) key: Bytes,
    pub(super) created: i64,
}

impl Place {
    /// A transaction that does something as long as the key is the one that was created then.
    pub(super) fn transaction(&self, operation: Op) -> TxnRequest {
        TxnRequest {
            compare: vec![created_at(&self.key, self.created)],
            success: vec![RequestOp { request: Some(operation) }],
            failure: Vec::new(),
        }
    }

    /// A transaction that deletes it.
    pub(super) fn deletion(&self) -> TxnRequest {
        self.transaction(Op::RequestDeleteRange(DeleteRangeRequest {
            key: self.key.clone(),
            ..DeleteRangeRequest::default()
        }))
    }
}

/// Gives a place up unless it is kept: also when the caller goes away while it waits.
pub(super) struct Claim {
    place: Option<Place>,
    kv: KvService,
}

impl Claim {
    pub(super) fn new(place: Place, kv: KvService) -> Self {
        Self { place: Some(place), kv }
    }

    pub(super) fn keep(mut self) {
        self.place = None;
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let Some(place) = self.place.take() else { return };
        let kv = self.kv.clone();
        tokio::spawn(async move {
            if let Err(status) = kv.commit(place.deletion()).await {
                tracing::debug!(%status, "a place in a queue is left to its lease");
            }
        });
    }
}

/// The key of one lease below a name.
pub(super) fn key(prefix: &Bytes, lease: i64) -> Bytes {
    let sign = if lease < 0 { "-" } else { "" };
    let mut key = prefix.to_vec();
    key.extend_from_slice(format!("{sign}{:x}", lease.unsigned_abs()).as_bytes());
    Bytes::from(key)
}

/// What the keys below a name begin with.
pub(super) fn prefix(name: &[u8]) -> Bytes {
    Bytes::from([name, b"/"].concat())
}

/// All keys with a prefix that ends in a slash.
pub(super) fn end_of(prefix: &Bytes) -> Bytes {
    let mut end = prefix.to_vec();
    if let Some(last) = end.last_mut() {
        *last += 1;
    }
    Bytes::from(end)
}

/// The first key created of those with a prefix.
pub(super) fn oldest(prefix: &Bytes) -> RangeRequest {
    RangeRequest { sort_order: SortOrder::Ascend.into(), ..newest(prefix) }
}

fn newest(prefix: &Bytes) -> RangeRequest {
    RangeRequest {
        key: prefix.clone(),
        range_end: end_of(prefix),
        limit: 1,
        sort_order: SortOrder::Descend.into(),
        sort_target: SortTarget::Create.into(),
        ..RangeRequest::default()
    }
}

/// Puts a key of the lease's unless it is there, and in any case asks for what `then` says.
pub(super) fn claim(key: &Bytes, value: Bytes, lease: i64, then: Option<RangeRequest>) -> TxnRequest {
    let put = PutRequest { key: key.clone(), value, lease, ..PutRequest::default() };
    let get = RangeRequest { key: key.clone(), ..RangeRequest::default() };
    let then = then.map(Op::RequestRange);
    let operations =
        |first: Op| std::iter::once(first).chain(then.clone()).map(|op| RequestOp { request: Some(op) }).collect();
    TxnRequest {
        compare: vec![created_at(key, 0)],
        success: operations(Op::RequestPut(put)),
        failure: operations(Op::RequestRange(get)),
    }
}

fn created_at(key: &Bytes, revision: i64) -> Compare {
    Compare {
        result: CompareResult::Equal.into(),
        target: CompareTarget::Create.into(),
        key: key.clone(),
        target_union: Some(TargetUnion::CreateRevision(revision)),
        ..Compare::default()
    }
}

/// The first key of a range.
pub(super) fn first(range: RangeResponse) -> Option<KeyValue> {
    range.kvs.into_iter().next()
}

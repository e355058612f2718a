//! Random requests from a seed, over few keys, so that they meet.

use bytes::Bytes;
use consensus::api::etcdserverpb::{
    CompactionRequest, Compare, DeleteRangeRequest, LeaseGrantRequest, LeaseRevokeRequest, LeaseTimeToLiveRequest,
    PutRequest, RangeRequest, RequestOp, TxnRequest,
    compare::{CompareResult, CompareTarget, TargetUnion},
    range_request::{SortOrder, SortTarget},
    request_op,
};
use rand::{Rng as _, SeedableRng as _, rngs::SmallRng, seq::IndexedRandom as _};

/// One request, of whatever service.
#[derive(Clone, Debug)]
pub(super) enum Request {
    Range(RangeRequest),
    Put(PutRequest),
    DeleteRange(DeleteRangeRequest),
    Txn(TxnRequest),
    Compact(CompactionRequest),
    Grant(LeaseGrantRequest),
    Revoke(LeaseRevokeRequest),
    TimeToLive(LeaseTimeToLiveRequest),
    Leases,
}

pub(super) const KEYS: [&str; 12] = ["a", "aa", "ab", "b", "ba", "c", "d", "da", "db", "e", "f", "g"];

pub(super) struct Generator {
    rng: SmallRng,
    /// The newest revision the servers told of, near which revisions are chosen.
    pub(super) revision: i64,
}

impl Generator {
    pub(super) fn new(seed: u64) -> Self {
        Self { rng: SmallRng::seed_from_u64(seed), revision: 1 }
    }

    pub(super) fn request(&mut self) -> Request {
        match self.rng.random_range(0..100) {
            0..30 => Request::Range(self.range()),
            30..60 => Request::Put(self.put()),
            60..70 => Request::DeleteRange(self.delete()),
            70..88 => Request::Txn(self.txn(0)),
            88..90 => Request::Compact(CompactionRequest { revision: self.compaction(), physical: self.rng.random() }),
            90..93 => Request::Grant(LeaseGrantRequest { ttl: self.time_to_live(), id: self.lease() }),
            93..95 => Request::Revoke(LeaseRevokeRequest { id: self.lease() }),
            95..97 => Request::TimeToLive(LeaseTimeToLiveRequest { id: self.lease(), keys: self.rng.random() }),
            _ => Request::Leases,
        }
    }

    fn one_in(&mut self, n: u32) -> bool {
        self.rng.random_ratio(1, n)
    }

    fn key(&mut self) -> Bytes {
        if self.one_in(200) {
            return Bytes::new();
        }
        Bytes::from_static(KEYS.choose(&mut self.rng).expect("there are keys").as_bytes())
    }

    /// A key alone, a range, all from a key on, a prefix; rarely one that ends before it begins.
    fn span(&mut self) -> (Bytes, Bytes) {
        let key = self.key();
        let end = match self.rng.random_range(0..8) {
            0..4 => Bytes::new(),
            4 => Bytes::from_static(b"\0"),
            5 => key.iter().map(|byte| byte + 1).collect(),
            _ => self.key(),
        };
        if self.one_in(20) { (Bytes::from_static(b"\0"), Bytes::from_static(b"\0")) } else { (key, end) }
    }

    /// A revision up to a little beyond the newest.
    fn past(&mut self) -> i64 {
        let newest = self.revision;
        self.rng.random_range((newest - 40).max(-1)..=newest + 1)
    }

    /// Rarely a revision that can't be compacted, and never the newest ones, or nothing old would be left to ask for.
    fn compaction(&mut self) -> i64 {
        let newest = self.revision;
        if self.one_in(4) { self.past() } else { (newest - self.rng.random_range(20..60)).max(0) }
    }

    fn lease(&mut self) -> i64 {
        self.rng.random_range(1..=6)
    }

    fn time_to_live(&mut self) -> i64 {
        if self.one_in(30) { 9_000_000_001 } else { self.rng.random_range(5_000..6_000) }
    }

    fn range(&mut self) -> RangeRequest {
        let (key, range_end) = self.span();
        let mut request = RangeRequest { key, range_end, serializable: self.rng.random(), ..RangeRequest::default() };
        if self.one_in(3) {
            request.limit = self.rng.random_range(0..5);
        }
        if self.one_in(3) {
            request.revision = self.past();
        }
        if self.one_in(2) {
            request.sort_order = self.rng.random_range(0..=SortOrder::Descend.into());
            request.sort_target = self.rng.random_range(0..=SortTarget::Value.into());
        }
        request.keys_only = self.one_in(6);
        request.count_only = self.one_in(8);
        if self.one_in(6) {
            request.min_mod_revision = self.past().max(0);
            request.max_create_revision = self.past().max(0);
        }
        if self.one_in(6) {
            request.max_mod_revision = self.past().max(0);
            request.min_create_revision = self.past().max(0);
        }
        request
    }

    fn put(&mut self) -> PutRequest {
        let value = Bytes::from(format!("value {}", self.rng.random_range(0..50)));
        let mut request = PutRequest { key: self.key(), value, prev_kv: self.rng.random(), ..PutRequest::default() };
        if self.one_in(4) {
            request.lease = self.lease();
        }
        if self.one_in(10) {
            request.ignore_value = true;
            request.value = if self.one_in(10) { request.value } else { Bytes::new() };
        }
        if self.one_in(10) {
            request.ignore_lease = true;
            request.lease = if self.one_in(10) { request.lease } else { 0 };
        }
        request
    }

    fn delete(&mut self) -> DeleteRangeRequest {
        let (key, range_end) = self.span();
        DeleteRangeRequest { key, range_end, prev_kv: self.rng.random() }
    }

    fn txn(&mut self, depth: u32) -> TxnRequest {
        let compare = (0..self.rng.random_range(0..3)).map(|_| self.compare()).collect();
        TxnRequest { compare, success: self.operations(depth), failure: self.operations(depth) }
    }

    fn operations(&mut self, depth: u32) -> Vec<RequestOp> {
        let count = self.rng.random_range(0..4);
        let mut operation = |_| {
            let request = match self.rng.random_range(0..10) {
                // etcd ends itself when a key goes by an earlier operation of the transaction, and this one needs it.
                0..4 => request_op::Request::RequestPut(PutRequest {
                    ignore_value: false,
                    ignore_lease: false,
                    ..self.put()
                }),
                4..7 => request_op::Request::RequestRange(self.range()),
                7..9 => request_op::Request::RequestDeleteRange(self.delete()),
                _ if depth < 2 => request_op::Request::RequestTxn(self.txn(depth + 1)),
                _ => return RequestOp { request: None },
            };
            RequestOp { request: Some(request) }
        };
        // Where nothing is to be done at the innermost, nothing is said: an operation without a request is a fault.
        (0..count).map(&mut operation).filter(|operation| operation.request.is_some()).collect()
    }

    fn compare(&mut self) -> Compare {
        let (key, range_end) = self.span();
        let small = self.rng.random_range(0..4);
        let revision = self.past();
        let (target, target_union) = match self.rng.random_range(0..5) {
            0 => (CompareTarget::Version, TargetUnion::Version(small)),
            1 => (CompareTarget::Create, TargetUnion::CreateRevision(if self.rng.random() { 0 } else { revision })),
            2 => (CompareTarget::Mod, TargetUnion::ModRevision(revision)),
            3 => (CompareTarget::Value, TargetUnion::Value(Bytes::from(format!("value {}", small * 10)))),
            _ => (CompareTarget::Lease, TargetUnion::Lease(small)),
        };
        let result = self.rng.random_range(0..=CompareResult::NotEqual.into());
        Compare { result, target: target.into(), key, range_end, target_union: Some(target_union) }
    }
}

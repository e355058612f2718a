//! The store as one would write it without a thought for time or room: a map of keys for each revision.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use super::{Error, Outcome};
use crate::api::etcdserverpb::compare::{CompareResult, CompareTarget, TargetUnion};
use crate::api::etcdserverpb::range_request::{SortOrder, SortTarget};
use crate::api::etcdserverpb::request_op::Request;
use crate::api::etcdserverpb::response_op::Response;
use crate::api::etcdserverpb::{
    CompactionResponse, Compare, DeleteRangeRequest, DeleteRangeResponse, LeaseGrantResponse, LeaseRevokeResponse,
    PutRequest, PutResponse, RangeRequest, RangeResponse, RequestOp, ResponseHeader, ResponseOp, TxnRequest,
    TxnResponse,
};
use crate::api::logpb::command::Operation;
use crate::api::mvccpb::event::EventType;
use crate::api::mvccpb::{Event, KeyValue};

type Keys = BTreeMap<Bytes, KeyValue>;

#[derive(Clone)]
pub(super) struct Model {
    /// By revision; there is none at 0.
    pub(super) states: Vec<Keys>,
    pub(super) events: Vec<Vec<Event>>,
    pub(super) compacted: i64,
    pub(super) leases: BTreeMap<i64, i64>,
}

/// A transaction under way.
struct Work {
    keys: Keys,
    events: Vec<Event>,
}

fn header(revision: i64) -> Option<ResponseHeader> {
    Some(ResponseHeader { revision, ..ResponseHeader::default() })
}

fn within(key: &Bytes, first: &Bytes, end: &Bytes) -> bool {
    match &end[..] {
        [] => key == first,
        [0] => key >= first,
        _ => key >= first && key < end,
    }
}

impl Model {
    pub(super) fn new() -> Self {
        let states = vec![Keys::new(), Keys::new()];
        Self { states, events: vec![Vec::new(); 2], compacted: -1, leases: BTreeMap::new() }
    }

    pub(super) fn revision(&self) -> i64 {
        self.states.len() as i64 - 1
    }

    fn now(&self) -> &Keys {
        &self.states[self.states.len() - 1]
    }

    fn begin(&self) -> Work {
        Work { keys: self.now().clone(), events: Vec::new() }
    }

    fn commit(&mut self, work: Work) -> i64 {
        if !work.events.is_empty() {
            self.states.push(work.keys);
            self.events.push(work.events);
        }
        self.revision()
    }

    pub(super) fn apply(&mut self, operation: &Operation) -> Result<Outcome, Error> {
        let mut work = self.begin();
        let outcome = match operation {
            Operation::Put(put) => {
                self.check_put(put)?;
                Outcome::Put(self.put(&mut work, put))
            }
            Operation::DeleteRange(delete) => Outcome::DeleteRange(self.delete(&mut work, delete)),
            Operation::Txn(txn) => {
                self.check(txn)?;
                let mut response = self.txn(&mut work, txn);
                response.header = header(self.commit(work));
                return Ok(Outcome::Txn(response));
            }
            Operation::Compact(request) => {
                if request.revision <= self.compacted {
                    return Err(Error::Compacted);
                }
                if request.revision > self.revision() {
                    return Err(Error::FutureRevision);
                }
                self.compacted = request.revision;
                Outcome::Compact(CompactionResponse { header: header(self.revision()) })
            }
            Operation::LeaseGrant(request) => {
                if self.leases.contains_key(&request.id) {
                    return Err(Error::LeaseExists);
                }
                self.leases.insert(request.id, request.ttl);
                Outcome::LeaseGrant(LeaseGrantResponse {
                    header: header(self.revision()),
                    id: request.id,
                    ttl: request.ttl,
                    error: String::new(),
                })
            }
            Operation::LeaseRevoke(request) => {
                self.leases.remove(&request.id).ok_or(Error::LeaseNotFound)?;
                for key in self.attached(request.id) {
                    self.remove(&mut work, &key);
                }
                return Ok(Outcome::LeaseRevoke(LeaseRevokeResponse { header: header(self.commit(work)) }));
            }
            Operation::Alarm(_) | Operation::MemberAttributes(_) => unreachable!("not generated"),
        };
        self.commit(work);
        Ok(outcome)
    }

    pub(super) fn attached(&self, lease: i64) -> BTreeSet<Bytes> {
        self.now().values().filter(|kv| kv.lease == lease).map(|kv| kv.key.clone()).collect()
    }

    fn written(&self, work: &Work) -> i64 {
        self.revision() + i64::from(!work.events.is_empty())
    }

    fn put(&self, work: &mut Work, put: &PutRequest) -> PutResponse {
        let main = self.revision() + 1;
        let previous = work.keys.get(&put.key).cloned();
        let known = previous.clone().unwrap_or(KeyValue { create_revision: main, ..KeyValue::default() });
        let kv = KeyValue {
            key: put.key.clone(),
            value: if put.ignore_value && previous.is_some() { known.value } else { put.value.clone() },
            create_revision: known.create_revision,
            mod_revision: main,
            version: known.version + 1,
            lease: if put.ignore_lease { known.lease } else { put.lease },
        };
        work.keys.insert(put.key.clone(), kv.clone());
        work.events.push(Event { r#type: EventType::Put.into(), kv: Some(kv), prev_kv: None });
        PutResponse { header: header(main), prev_kv: previous.filter(|_| put.prev_kv) }
    }

    fn remove(&self, work: &mut Work, key: &Bytes) {
        work.keys.remove(key);
        let kv = KeyValue { key: key.clone(), mod_revision: self.revision() + 1, ..KeyValue::default() };
        work.events.push(Event { r#type: EventType::Delete.into(), kv: Some(kv), prev_kv: None });
    }

    fn delete(&self, work: &mut Work, delete: &DeleteRangeRequest) -> DeleteRangeResponse {
        let doomed: Vec<KeyValue> =
            work.keys.values().filter(|kv| within(&kv.key, &delete.key, &delete.range_end)).cloned().collect();
        doomed.iter().for_each(|kv| self.remove(work, &kv.key));
        DeleteRangeResponse {
            header: header(self.written(work)),
            deleted: doomed.len() as i64,
            prev_kvs: if delete.prev_kv { doomed } else { Vec::new() },
        }
    }

    fn txn(&self, work: &mut Work, txn: &TxnRequest) -> TxnResponse {
        let succeeded = self.holds(txn);
        let mut responses = Vec::new();
        for operation in branch(txn, succeeded) {
            let response = match &operation.request {
                Some(Request::RequestRange(range)) => {
                    let revision = self.written(work);
                    let past = (range.revision > 0 && range.revision < revision).then_some(range.revision);
                    let keys = past.map_or(&work.keys, |past| &self.states[past as usize]);
                    Response::ResponseRange(read(keys, range, revision))
                }
                Some(Request::RequestPut(put)) => Response::ResponsePut(self.put(work, put)),
                Some(Request::RequestDeleteRange(delete)) => Response::ResponseDeleteRange(self.delete(work, delete)),
                Some(Request::RequestTxn(inner)) => Response::ResponseTxn(self.txn(work, inner)),
                None => unreachable!("not generated"),
            };
            responses.push(ResponseOp { response: Some(response) });
        }
        TxnResponse { header: header(0), succeeded, responses }
    }

    fn check(&self, txn: &TxnRequest) -> Result<(), Error> {
        for operation in branch(txn, self.holds(txn)) {
            match &operation.request {
                Some(Request::RequestRange(range)) if range.revision != 0 => self.check_revision(range.revision)?,
                Some(Request::RequestPut(put)) => self.check_put(put)?,
                Some(Request::RequestTxn(inner)) => self.check(inner)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn check_revision(&self, revision: i64) -> Result<(), Error> {
        match revision {
            _ if revision > self.revision() => Err(Error::FutureRevision),
            _ if revision < self.compacted => Err(Error::Compacted),
            _ => Ok(()),
        }
    }

    fn check_put(&self, put: &PutRequest) -> Result<(), Error> {
        if put.lease != 0 && !self.leases.contains_key(&put.lease) {
            return Err(Error::LeaseNotFound);
        }
        if (put.ignore_value || put.ignore_lease) && !self.now().contains_key(&put.key) {
            return Err(Error::KeyNotFound);
        }
        Ok(())
    }

    fn holds(&self, txn: &TxnRequest) -> bool {
        txn.compare.iter().all(|compare| {
            let spanned = |kv: &&KeyValue| within(&kv.key, &compare.key, &compare.range_end);
            let keys: Vec<KeyValue> = self.now().values().filter(spanned).cloned().collect();
            match (keys.is_empty(), compare.target()) {
                (true, CompareTarget::Value) => false,
                (true, _) => accepts(compare, &KeyValue::default()),
                (false, _) => keys.iter().all(|kv| accepts(compare, kv)),
            }
        })
    }

    pub(super) fn range(&self, request: &RangeRequest) -> Result<RangeResponse, Error> {
        let at = if request.revision <= 0 { self.revision() } else { request.revision };
        self.check_revision(at)?;
        Ok(read(&self.states[at as usize], request, self.revision()))
    }
}

fn branch(txn: &TxnRequest, taken: bool) -> &[RequestOp] {
    if taken { &txn.success } else { &txn.failure }
}

fn accepts(compare: &Compare, kv: &KeyValue) -> bool {
    let ordering = match (compare.target(), compare.target_union.clone()) {
        (CompareTarget::Value, Some(TargetUnion::Value(value))) => kv.value.cmp(&value),
        (CompareTarget::Version, Some(TargetUnion::Version(number))) => kv.version.cmp(&number),
        (CompareTarget::Create, Some(TargetUnion::CreateRevision(number))) => kv.create_revision.cmp(&number),
        (CompareTarget::Mod, Some(TargetUnion::ModRevision(number))) => kv.mod_revision.cmp(&number),
        (CompareTarget::Lease, Some(TargetUnion::Lease(number))) => kv.lease.cmp(&number),
        other => unreachable!("{other:?} isn't generated"),
    };
    match compare.result() {
        CompareResult::Equal => ordering == Ordering::Equal,
        CompareResult::Greater => ordering == Ordering::Greater,
        CompareResult::Less => ordering == Ordering::Less,
        CompareResult::NotEqual => ordering != Ordering::Equal,
    }
}

fn read(keys: &Keys, request: &RangeRequest, revision: i64) -> RangeResponse {
    let mut kvs: Vec<KeyValue> =
        keys.values().filter(|kv| within(&kv.key, &request.key, &request.range_end)).cloned().collect();
    let count = kvs.len() as i64;
    if request.count_only {
        return RangeResponse { header: header(revision), count, ..RangeResponse::default() };
    }
    let bounded = |value, min, max| (min == 0 || value >= min) && (max == 0 || value <= max);
    kvs.retain(|kv| bounded(kv.mod_revision, request.min_mod_revision, request.max_mod_revision));
    kvs.retain(|kv| bounded(kv.create_revision, request.min_create_revision, request.max_create_revision));
    let filters =
        [request.min_mod_revision, request.max_mod_revision, request.min_create_revision, request.max_create_revision];
    // Where neither an order nor a bound is asked for, etcd sorts only what the limit lets it read, and one more.
    if request.limit > 0 && request.sort_order() == SortOrder::None && filters == [0; 4] {
        kvs.truncate(request.limit as usize + 1);
    }
    kvs.sort_by(|a, b| {
        let ordering = match request.sort_target() {
            SortTarget::Key => a.key.cmp(&b.key),
            SortTarget::Version => a.version.cmp(&b.version),
            SortTarget::Create => a.create_revision.cmp(&b.create_revision),
            SortTarget::Mod => a.mod_revision.cmp(&b.mod_revision),
            SortTarget::Value => a.value.cmp(&b.value),
        };
        if request.sort_order() == SortOrder::Descend { ordering.reverse() } else { ordering }
    });
    let more = request.limit > 0 && kvs.len() as i64 > request.limit;
    if more {
        kvs.truncate(request.limit as usize);
    }
    if request.keys_only {
        kvs.iter_mut().for_each(|kv| kv.value = Bytes::new());
    }
    RangeResponse { header: header(revision), kvs, more, count }
}

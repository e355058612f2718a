//! Transactions: comparisons decide between two lists of operations, which may be transactions themselves.
//!
//! All comparisons, also those of inner transactions, see the state before the first write. Everything that can be
//! refused is checked before the first write too.

use std::cmp::Ordering;

use super::error::Error;
use super::span::Span;
use super::write::Write;
use super::{Store, header};
use crate::api::etcdserverpb::compare::{CompareResult, CompareTarget, TargetUnion};
use crate::api::etcdserverpb::request_op::Request;
use crate::api::etcdserverpb::response_op::Response;
use crate::api::etcdserverpb::{Compare, RangeRequest, RequestOp, ResponseOp, TxnRequest, TxnResponse};

/// Which branch each transaction takes: the outer one first, inner ones in the order in which they are reached.
type Branches = Vec<bool>;

/// Whether a transaction can be answered without the log: all that either branch holds are ranges.
pub fn is_read_only(txn: &TxnRequest) -> bool {
    let is_range = |operation: &RequestOp| matches!(operation.request, Some(Request::RequestRange(_)));
    txn.success.iter().chain(&txn.failure).all(is_range)
}

fn branch(txn: &TxnRequest, taken: bool) -> &[RequestOp] {
    if taken { &txn.success } else { &txn.failure }
}

fn respond(response: Response) -> ResponseOp {
    ResponseOp { response: Some(response) }
}

impl Store {
    /// Answers a transaction of ranges: see [`is_read_only`].
    ///
    /// # Errors
    /// Those of its ranges, and [`Error::NotReadOnly`] if the branch that is taken holds anything else.
    pub fn read_txn(&self, request: &TxnRequest) -> Result<TxnResponse, Error> {
        let succeeded = self.holds(&request.compare);
        let read = |operation: &RequestOp| match &operation.request {
            Some(Request::RequestRange(range)) => {
                self.check_range(range)?;
                Ok(respond(Response::ResponseRange(self.range(range)?)))
            }
            _ => Err(Error::NotReadOnly),
        };
        let responses = branch(request, succeeded).iter().map(read).collect::<Result<_, _>>()?;
        Ok(TxnResponse { header: header(self.revision), succeeded, responses })
    }

    /// Carries out a transaction, or nothing of it.
    pub(super) fn txn(&mut self, request: &TxnRequest) -> Result<TxnResponse, Error> {
        let mut branches = Branches::new();
        self.choose(request, &mut branches);
        self.check_txn(request, &mut branches.iter().copied())?;
        let mut write = Write::new(self);
        let mut response = write.txn(request, &mut branches.into_iter())?;
        response.header = header(write.finish());
        Ok(response)
    }

    fn choose(&self, txn: &TxnRequest, branches: &mut Branches) {
        let taken = self.holds(&txn.compare);
        branches.push(taken);
        for operation in branch(txn, taken) {
            if let Some(Request::RequestTxn(inner)) = &operation.request {
                self.choose(inner, branches);
            }
        }
    }

    fn check_txn(&self, txn: &TxnRequest, branches: &mut impl Iterator<Item = bool>) -> Result<(), Error> {
        let taken = branches.next().unwrap_or_default();
        for operation in branch(txn, taken) {
            match &operation.request {
                Some(Request::RequestRange(range)) => self.check_range(range)?,
                Some(Request::RequestPut(put)) => self.check_put(put)?,
                Some(Request::RequestTxn(inner)) => self.check_txn(inner, branches)?,
                Some(Request::RequestDeleteRange(_)) | None => {}
            }
        }
        Ok(())
    }

    /// Other than on its own, a range in a transaction may not ask for a negative revision.
    fn check_range(&self, range: &RangeRequest) -> Result<(), Error> {
        match range.revision {
            0 => Ok(()),
            revision if revision > self.revision => Err(Error::FutureRevision),
            revision if revision < self.compact_revision => Err(Error::Compacted),
            _ => Ok(()),
        }
    }

    fn holds(&self, compares: &[Compare]) -> bool {
        compares.iter().all(|compare| self.holds_one(compare))
    }

    /// Holds if it does for each key that exists. Of a span without keys, the numbers are 0 and no value compares.
    fn holds_one(&self, compare: &Compare) -> bool {
        let span = Span::new(&compare.key, &compare.range_end);
        let mut live = self.index.entries(span).filter(|entry| entry.is_live()).peekable();
        if live.peek().is_none() {
            return compare.target() != CompareTarget::Value && accepts(compare, 0.cmp(&operand(compare)));
        }
        live.all(|entry| {
            let fields = entry.latest().fields();
            accepts(
                compare,
                match (compare.target(), &compare.target_union) {
                    (CompareTarget::Value, Some(TargetUnion::Value(value))) => fields.value.cmp(value),
                    (CompareTarget::Value, _) => fields.value.cmp(b""),
                    (CompareTarget::Version, _) => fields.version.cmp(&operand(compare)),
                    (CompareTarget::Create, _) => fields.create_revision.cmp(&operand(compare)),
                    (CompareTarget::Mod, _) => fields.revision.main.cmp(&operand(compare)),
                    (CompareTarget::Lease, _) => fields.lease.cmp(&operand(compare)),
                },
            )
        })
    }
}

/// The number to compare with; 0, if the request carries one for another target.
fn operand(compare: &Compare) -> i64 {
    match (compare.target(), &compare.target_union) {
        (CompareTarget::Version, Some(TargetUnion::Version(number)))
        | (CompareTarget::Create, Some(TargetUnion::CreateRevision(number)))
        | (CompareTarget::Mod, Some(TargetUnion::ModRevision(number)))
        | (CompareTarget::Lease, Some(TargetUnion::Lease(number))) => *number,
        _ => 0,
    }
}

fn accepts(compare: &Compare, ordering: Ordering) -> bool {
    match compare.result() {
        CompareResult::Equal => ordering.is_eq(),
        CompareResult::NotEqual => ordering.is_ne(),
        CompareResult::Greater => ordering.is_gt(),
        CompareResult::Less => ordering.is_lt(),
    }
}

impl Write<'_> {
    /// An inner transaction's response has an empty header, as etcd's has.
    fn txn(&mut self, txn: &TxnRequest, branches: &mut impl Iterator<Item = bool>) -> Result<TxnResponse, Error> {
        let succeeded = branches.next().unwrap_or_default();
        let mut responses = Vec::with_capacity(branch(txn, succeeded).len());
        for operation in branch(txn, succeeded) {
            responses.push(self.operation(operation, branches)?);
        }
        Ok(TxnResponse { header: header(0), succeeded, responses })
    }

    fn operation(
        &mut self,
        operation: &RequestOp,
        branches: &mut impl Iterator<Item = bool>,
    ) -> Result<ResponseOp, Error> {
        let response = match &operation.request {
            // Its revision was checked, and reading changes nothing: it can't fail here.
            Some(Request::RequestRange(range)) => {
                Response::ResponseRange(self.store.range_within(range, self.revision())?)
            }
            Some(Request::RequestPut(put)) => Response::ResponsePut(self.put(put)),
            Some(Request::RequestDeleteRange(delete)) => Response::ResponseDeleteRange(self.delete_range(delete)),
            Some(Request::RequestTxn(inner)) => Response::ResponseTxn(self.txn(inner, branches)?),
            None => return Ok(ResponseOp { response: None }),
        };
        Ok(respond(response))
    }
}

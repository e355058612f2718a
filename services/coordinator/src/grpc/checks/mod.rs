//! What a request for keys must fulfil before anything is asked of the cluster. The order of the checks is etcd's: it
//! decides which of several faults is told.

mod writes;

use consensus::api::etcdserverpb::{
    DeleteRangeRequest, PutRequest, RangeRequest, TxnRequest,
    range_request::{SortOrder, SortTarget},
    request_op::Request,
};
use tonic::Status;

use self::writes::Writes;
use super::status;

pub(super) fn range(request: &RangeRequest) -> Result<(), Status> {
    if request.key.is_empty() {
        return Err(status::key_not_provided());
    }
    if !SortOrder::is_valid(request.sort_order) || !SortTarget::is_valid(request.sort_target) {
        return Err(status::invalid_sort_option());
    }
    Ok(())
}

pub(super) fn put(request: &PutRequest) -> Result<(), Status> {
    if request.key.is_empty() {
        return Err(status::key_not_provided());
    }
    if request.ignore_value && !request.value.is_empty() {
        return Err(status::value_provided());
    }
    if request.ignore_lease && request.lease != 0 {
        return Err(status::lease_provided());
    }
    Ok(())
}

pub(super) fn delete_range(request: &DeleteRangeRequest) -> Result<(), Status> {
    if request.key.is_empty() { Err(status::key_not_provided()) } else { Ok(()) }
}

/// A transaction holds at most `max_ops` comparisons, and as many operations in each branch; what it uses of them is
/// not there for the transactions in it. No key may be put twice, or put and deleted.
pub(super) fn txn(request: &TxnRequest, max_ops: usize) -> Result<(), Status> {
    operations(request, max_ops)?;
    // Afterwards, so that a request with too many operations costs nothing.
    Writes::of(&request.success)?;
    Writes::of(&request.failure)?;
    Ok(())
}

fn operations(request: &TxnRequest, max_ops: usize) -> Result<(), Status> {
    let used = request.compare.len().max(request.success.len()).max(request.failure.len());
    let Some(left) = max_ops.checked_sub(used) else { return Err(status::too_many_operations()) };
    if request.compare.iter().any(|compare| compare.key.is_empty()) {
        return Err(status::key_not_provided());
    }
    request.success.iter().chain(&request.failure).try_for_each(|operation| match &operation.request {
        Some(Request::RequestRange(request)) => range(request),
        Some(Request::RequestPut(request)) => put(request),
        Some(Request::RequestDeleteRange(request)) => delete_range(request),
        Some(Request::RequestTxn(request)) => operations(request, left),
        // etcd's answer to an operation that is none.
        None => Err(status::key_not_found()),
    })
}

#[cfg(test)]
mod tests {
    use consensus::api::etcdserverpb::{Compare, RequestOp};

    use super::*;

    fn op(request: Request) -> RequestOp {
        RequestOp { request: Some(request) }
    }

    fn put_op(key: &'static str) -> RequestOp {
        op(Request::RequestPut(PutRequest { key: key.into(), ..PutRequest::default() }))
    }

    fn delete_op(key: &'static str, end: &'static str) -> RequestOp {
        op(Request::RequestDeleteRange(DeleteRangeRequest { key: key.into(), range_end: end.into(), prev_kv: false }))
    }

    fn branches(success: Vec<RequestOp>, failure: Vec<RequestOp>) -> TxnRequest {
        TxnRequest { compare: Vec::new(), success, failure }
    }

    fn txn_op(success: Vec<RequestOp>, failure: Vec<RequestOp>) -> RequestOp {
        op(Request::RequestTxn(branches(success, failure)))
    }

    fn refusal(success: Vec<RequestOp>) -> Option<String> {
        txn(&branches(success, Vec::new()), 128).err().map(|status| status.message().to_owned())
    }

    #[test]
    fn a_key_is_written_once() {
        let duplicate = Some("etcdserver: duplicate key given in txn request".to_owned());
        assert_eq!(refusal(vec![put_op("a"), put_op("b")]), None);
        assert_eq!(refusal(vec![put_op("a"), put_op("a")]), duplicate);
        assert_eq!(refusal(vec![put_op("a"), delete_op("a", "")]), duplicate);
        assert_eq!(refusal(vec![delete_op("a", "c"), put_op("b")]), duplicate);
        assert_eq!(refusal(vec![delete_op("a", "c"), put_op("c")]), None);
        // etcd takes the end that means "all above" for a key below all others.
        assert_eq!(refusal(vec![delete_op("a", "\0"), put_op("zz")]), None);
        assert_eq!(refusal(vec![delete_op("a", "c"), delete_op("b", "")]), None);
    }

    #[test]
    fn branches_exclude_each_other_and_nothing_else() {
        let duplicate = Some("etcdserver: duplicate key given in txn request".to_owned());
        assert_eq!(refusal(vec![txn_op(vec![put_op("a")], vec![put_op("a")])]), None);
        assert_eq!(refusal(vec![txn_op(vec![put_op("a")], vec![put_op("a")]), put_op("a")]), duplicate);
        assert_eq!(refusal(vec![txn_op(vec![put_op("a")], vec![]), txn_op(vec![], vec![put_op("a")])]), duplicate);
        assert_eq!(refusal(vec![txn_op(vec![delete_op("a", "")], vec![]), put_op("a")]), duplicate);
        assert_eq!(refusal(vec![delete_op("a", ""), txn_op(vec![], vec![put_op("a")])]), duplicate);
        assert_eq!(refusal(vec![txn_op(vec![delete_op("a", "")], vec![put_op("a")])]), None);
        assert_eq!(txn(&branches(vec![put_op("a")], vec![put_op("a")]), 128).err().map(|s| s.code()), None);
    }

    #[test]
    fn operations_are_counted_along_the_nesting() {
        let many = |n: usize| (0..n).map(|_| delete_op("k", "")).collect::<Vec<_>>();
        assert!(txn(&branches(many(4), many(4)), 4).is_ok());
        assert_eq!(
            txn(&branches(many(5), Vec::new()), 4).unwrap_err().message(),
            "etcdserver: too many operations in txn request"
        );
        assert!(txn(&branches(vec![txn_op(many(3), many(3))], Vec::new()), 4).is_ok());
        assert!(txn(&branches(vec![txn_op(many(4), Vec::new())], Vec::new()), 4).is_err());
        let compare = vec![Compare { key: "k".into(), ..Compare::default() }; 5];
        assert!(txn(&TxnRequest { compare, ..TxnRequest::default() }, 4).is_err());
    }

    #[test]
    fn faults_are_told_in_order() {
        let text = |result: Result<(), Status>| result.unwrap_err().message().to_owned();
        let bare = TxnRequest { compare: vec![Compare::default()], ..TxnRequest::default() };
        assert_eq!(text(txn(&bare, 128)), "etcdserver: key is not provided");
        let nothing = branches(vec![RequestOp { request: None }], Vec::new());
        assert_eq!(text(txn(&nothing, 128)), "etcdserver: key not found");
        let value = PutRequest {
            key: "k".into(),
            value: "v".into(),
            lease: 1,
            ignore_value: true,
            ignore_lease: true,
            prev_kv: false,
        };
        assert_eq!(text(put(&value)), "etcdserver: value is provided");
        assert_eq!(text(put(&PutRequest { value: "".into(), ..value })), "etcdserver: lease is provided");
        let sort = RangeRequest { key: "k".into(), sort_order: 9, ..RangeRequest::default() };
        assert_eq!(text(range(&sort)), "etcdserver: invalid sort option");
        assert_eq!(text(range(&RangeRequest::default())), "etcdserver: key is not provided");
        assert_eq!(text(delete_range(&DeleteRangeRequest::default())), "etcdserver: key is not provided");
    }
}

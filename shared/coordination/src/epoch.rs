//! Numbers that only grow.

use etcd_client::{Txn, TxnOp, TxnOpResponse};

use crate::{CallError, Name, cluster::Cluster};

/// The next number of this name: greater than every number that any caller was given before the call began, and never
/// given to two callers. Numbers may be left out.
///
/// It is the version of a key, which every write raises by one, read in the transaction that wrote: callers do not get in
/// each other's way, as they would with compare-and-swap, and an attempt that was carried out without an answer costs a
/// number and nothing else. The key must never be deleted.
///
/// # Errors
/// No coordinator answered, or they refuse.
pub async fn next(cluster: &Cluster, name: &Name) -> Result<u64, CallError> {
    let key = cluster.key("epochs", name, "");
    let txn = Txn::new().and_then([TxnOp::put(key.as_str(), "", None), TxnOp::get(key.as_str(), None)]);
    let answer = cluster.txn(&txn).await?;
    let version = answer.op_responses().iter().find_map(|response| match response {
        TxnOpResponse::Get(read) => read.kvs().first().map(|kv| kv.version()),
        _ => None,
    });
    let version = version.and_then(|version| u64::try_from(version).ok());
    version
        .ok_or_else(|| CallError::Refused(etcd_client::Error::Internal("a key just written has a version".to_owned())))
}

//! Numbers that many processes add to.

use etcd_client::{Compare, CompareOp, GetOptions, KeyValue, Txn, TxnOp};
use serde::{Deserialize, Serialize};

use crate::{CallError, Name, cluster::Cluster};

/// A counter that can't be read or added to.
#[derive(Debug, thiserror::Error)]
pub enum CounterError {
    /// The cluster. Whether it was added is not known.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The sum does not fit. Nothing was added.
    #[error("{before} + {amount} is out of range")]
    Overflow {
        /// The counter's value.
        before: i64,
        /// What should have been added.
        amount: i64,
    },
    /// What is stored is no counter.
    #[error("what is stored is no counter: {0}")]
    Broken(#[from] serde_json::Error),
    /// No answer came, and what was written since has been compacted: whether it was added can't be told any more.
    #[error("no answer came, and the history that would tell whether it was added is compacted")]
    Unknown,
}

/// What is stored.
#[derive(Debug, Serialize, Deserialize)]
struct Count {
    value: i64,
    /// The call that wrote it, by which that call knows its own work when no answer came.
    by: u64,
}

/// A counter as it was found.
struct Found {
    value: i64,
    version: i64,
    mod_revision: i64,
    by: Option<u64>,
}

/// Adds to a counter, which begins at 0, once; its value before.
///
/// # Errors
/// See [`CounterError`].
pub async fn fetch_add(cluster: &Cluster, name: &Name, amount: i64) -> Result<i64, CounterError> {
    let key = cluster.key("counters", name, "");
    let by = rand::random();
    loop {
        let found = find(cluster, &key, None).await?;
        let before = found.value;
        let value = before.checked_add(amount).ok_or(CounterError::Overflow { before, amount })?;
        let count = serde_json::to_vec(&Count { value, by })?;
        // Repeated without harm: only the first that arrives finds the counter as it was.
        let unchanged = Compare::mod_revision(key.as_str(), CompareOp::Equal, found.mod_revision);
        let txn = Txn::new().when([unchanged]).and_then([TxnOp::put(key.as_str(), count, None)]);
        if cluster.txn(&txn).await?.succeeded() || follows(cluster, &key, found.version + 1, by).await? {
            return Ok(before);
        }
    }
}

/// The counter's value.
///
/// # Errors
/// No coordinator answered, they refuse, or it is no counter.
pub async fn get(cluster: &Cluster, name: &Name) -> Result<i64, CounterError> {
    Ok(find(cluster, &cluster.key("counters", name, ""), None).await?.value)
}

/// Whether this version of the counter was written by this call, for a compare that failed: an attempt before, without an
/// answer, may have been carried out. Walks back from the present, which is as far as others have come meanwhile.
async fn follows(cluster: &Cluster, key: &str, version: i64, by: u64) -> Result<bool, CounterError> {
    let mut found = find(cluster, key, None).await?;
    while found.version > version {
        let before = GetOptions::new().with_revision(found.mod_revision - 1);
        found = match find(cluster, key, Some(before)).await {
            Err(CounterError::Call(error)) if error.is_compacted() => return Err(CounterError::Unknown),
            other => other?,
        };
    }
    Ok(found.by == Some(by))
}

async fn find(cluster: &Cluster, key: &str, options: Option<GetOptions>) -> Result<Found, CounterError> {
    let answer = cluster.get(key, options).await?;
    let read = |kv: &KeyValue| {
        let Count { value, by } = serde_json::from_slice(kv.value())?;
        Ok(Found { value, version: kv.version(), mod_revision: kv.mod_revision(), by: Some(by) })
    };
    answer.kvs().first().map_or(Ok(Found { value: 0, version: 0, mod_revision: 0, by: None }), read)
}

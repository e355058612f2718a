//! Seeing all who stand, in several elections at once.

use std::{collections::BTreeMap, time::Duration};

use etcd_client::{GetOptions, SortOrder, SortTarget};

use super::KIND;
use crate::{CallError, cluster::Cluster};

/// An election in which somebody stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Its name.
    pub election: String,
    /// What its candidates called themselves, the leader first, then in the order in which they will lead.
    pub candidates: Vec<String>,
    /// How long the leader's lease lasts unless it is kept alive; `None` if it has just ended.
    pub left: Option<Duration>,
}

/// Every election whose name begins so, and in which somebody stands, by a linearizable read.
///
/// # Errors
/// No coordinator answered, or they refuse.
pub async fn standing(cluster: &Cluster, beginning: &str) -> Result<Vec<Standing>, CallError> {
    let all = cluster.keys(KIND);
    let oldest_first = GetOptions::new().with_prefix().with_sort(SortTarget::Create, SortOrder::Ascend);
    let answer = cluster.get(&format!("{all}{beginning}"), Some(oldest_first)).await?;
    let mut found: BTreeMap<String, (i64, Vec<String>)> = BTreeMap::new();
    for kv in answer.kvs() {
        let key = String::from_utf8_lossy(kv.key());
        let Some((election, _)) = key.strip_prefix(&all).and_then(|rest| rest.rsplit_once('/')) else { continue };
        let (_, candidates) = found.entry(election.to_owned()).or_insert_with(|| (kv.lease(), Vec::new()));
        candidates.push(String::from_utf8_lossy(kv.value()).into_owned());
    }
    let mut standing = Vec::with_capacity(found.len());
    for (election, (lease, candidates)) in found {
        standing.push(Standing { election, candidates, left: left(cluster, lease).await? });
    }
    Ok(standing)
}

async fn left(cluster: &Cluster, lease: i64) -> Result<Option<Duration>, CallError> {
    let ask = |mut client: etcd_client::Client| async move { client.lease_time_to_live(lease, None).await };
    // Of one that has ended they say -1.
    let seconds = cluster.call("etcdserverpb.Lease/LeaseTimeToLive", ask).await?.ttl();
    Ok(u64::try_from(seconds).ok().map(Duration::from_secs))
}

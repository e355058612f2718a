//! Becoming leader.

use std::time::Duration;

use etcd_client::{Compare, CompareOp, GetOptions, PutOptions, SortOrder, SortTarget, Txn, TxnOp, TxnOpResponse};

use super::{KIND, leadership::Leadership};
use crate::{
    CallError, Name,
    backoff::Backoff,
    cluster::Cluster,
    feed::{Change, Feed, Update},
    lease::Session,
    metric_definitions::METRICS,
};

/// Waits until this candidate leads, however long that takes and whatever happens to coordinators. Dropped, it withdraws.
///
/// `candidate` is what observers see: an address, an instance's id. A leader that dies is followed after `ttl`.
pub async fn campaign(cluster: &Cluster, election: &Name, candidate: &str, ttl: Duration) -> Leadership {
    let mut backoff = Backoff::default();
    loop {
        let session = Session::obtain(cluster, ttl).await;
        let won = tokio::select! {
            won = win(cluster, election, candidate, &session) => won,
            // Entered anew, behind all others.
            () = session.lost() => continue,
        };
        match won {
            Ok(Some(term)) if session.is_alive() => {
                METRICS.election_won(election);
                tracing::info!(%election, term, "leader");
                return Leadership { session, term };
            }
            Ok(_) => tracing::warn!(%election, "candidacy was taken away"),
            Err(error) => tracing::warn!(%election, %error, "can't campaign"),
        }
        backoff.wait().await;
    }
}

/// Enters, and waits until nobody is before; the term. `None` when the own key is gone.
async fn win(cluster: &Cluster, election: &Name, candidate: &str, session: &Session) -> Result<Option<u64>, CallError> {
    let prefix = cluster.key(KIND, election, "/");
    let entered = enter(cluster, &format!("{prefix}{:016x}", session.id()), candidate, session.id()).await?;
    loop {
        // The own key, and the youngest of those before it.
        let options = GetOptions::new().with_prefix().with_keys_only().with_limit(2);
        let options = options.with_max_create_revision(entered).with_sort(SortTarget::Create, SortOrder::Descend);
        let answer = cluster.get(&prefix, Some(options)).await?;
        match answer.kvs() {
            [own] if own.create_revision() == entered => return Ok(u64::try_from(entered).ok()),
            [own, before] if own.create_revision() == entered => {
                gone(cluster, String::from_utf8_lossy(before.key()).into_owned()).await;
            }
            _ => return Ok(None),
        }
    }
}

/// Makes the candidate's key, once; the revision at which it was made.
async fn enter(cluster: &Cluster, key: &str, candidate: &str, lease: i64) -> Result<i64, CallError> {
    let absent = Compare::create_revision(key, CompareOp::Equal, 0);
    let put = TxnOp::put(key, candidate, Some(PutOptions::new().with_lease(lease)));
    let read = TxnOp::get(key, None);
    let answer = cluster.txn(&Txn::new().when([absent]).and_then([put, read.clone()]).or_else([read])).await?;
    let created = answer.op_responses().iter().find_map(|response| match response {
        TxnOpResponse::Get(found) => found.kvs().first().map(|kv| kv.create_revision()),
        _ => None,
    });
    created.ok_or_else(|| CallError::Refused(etcd_client::Error::ElectError("the key just made is missing".to_owned())))
}

/// Waits until a key is deleted.
async fn gone(cluster: &Cluster, key: String) {
    let mut feed = Feed::of_key(cluster, key);
    loop {
        let is_gone = match feed.next().await {
            Update::List(found) => found.is_empty(),
            Update::Changes(changes) => changes.iter().any(|change| matches!(change, Change::Delete { .. })),
        };
        if is_gone {
            return;
        }
    }
}

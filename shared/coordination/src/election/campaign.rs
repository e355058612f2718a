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

/// The most elections that one candidate may enter at once: a transaction of etcd's takes 128 operations unless it is told
/// otherwise (`--max-txn-ops`).
pub const MOST_AT_ONCE: usize = 128;

/// Waits until this candidate leads, however long that takes and whatever happens to coordinators. Dropped, it withdraws.
///
/// `candidate` is what observers see: an address, an instance's id. A leader that dies is followed after `ttl`.
pub async fn campaign(cluster: &Cluster, election: &Name, candidate: &str, ttl: Duration) -> Leadership {
    let leadership = campaign_in_all(cluster, &[(election.clone(), candidate.to_owned())], ttl).await;
    METRICS.election_won(election);
    tracing::info!(%election, term = leadership.term, "leader");
    leadership
}

/// Waits until this candidate leads several elections, each under what observers see of it there, by one lease for all of
/// them. Whoever loses one has lost all.
///
/// All are entered in one transaction, so that of two candidates one is before the other wherever they meet: they never
/// wait in a circle. Candidates that enter elections one by one don't have that promise.
///
/// # Panics
/// These are none, or more than [`MOST_AT_ONCE`].
pub async fn campaign_in_all(cluster: &Cluster, elections: &[(Name, String)], ttl: Duration) -> Leadership {
    assert!((1..=MOST_AT_ONCE).contains(&elections.len()), "{} elections are not entered at once", elections.len());
    let mut backoff = Backoff::default();
    loop {
        let session = Session::obtain(cluster, ttl).await;
        let candidacy = Candidacy::new(cluster, elections, &session);
        let won = tokio::select! {
            won = candidacy.win(elections) => won,
            // Entered anew, behind all others.
            () = session.lost() => continue,
        };
        match won {
            Ok(Some(term)) if session.is_alive() => return Leadership { session, term },
            Ok(_) => tracing::warn!(election = %elections[0].0, "candidacy was taken away"),
            Err(error) => tracing::warn!(election = %elections[0].0, %error, "can't campaign"),
        }
        backoff.wait().await;
    }
}

/// One try, on one lease.
struct Candidacy<'a> {
    cluster: &'a Cluster,
    lease: i64,
    /// Of each election.
    prefixes: Vec<String>,
}

impl<'a> Candidacy<'a> {
    fn new(cluster: &'a Cluster, elections: &[(Name, String)], session: &Session) -> Self {
        let prefixes = elections.iter().map(|(election, _)| cluster.key(KIND, election, "/")).collect();
        Self { cluster, lease: session.id(), prefixes }
    }

    /// Enters, and waits until nobody is before in any of them; the term. `None` when an own key is gone.
    async fn win(&self, elections: &[(Name, String)]) -> Result<Option<u64>, CallError> {
        let entered = self.enter(elections).await?;
        loop {
            match self.before(entered).await? {
                Place::First => return Ok(u64::try_from(entered).ok()),
                Place::Behind(other) => gone(self.cluster, other).await,
                Place::Nowhere => return Ok(None),
            }
        }
    }

    /// Makes the candidate's keys, once; the revision at which they were made.
    async fn enter(&self, elections: &[(Name, String)]) -> Result<i64, CallError> {
        let first = self.key(&self.prefixes[0]);
        let absent = Compare::create_revision(first.as_str(), CompareOp::Equal, 0);
        let puts = self.prefixes.iter().zip(elections).map(|(prefix, (_, candidate))| {
            TxnOp::put(self.key(prefix), candidate.as_str(), Some(PutOptions::new().with_lease(self.lease)))
        });
        let entering = Txn::new().when([absent]).and_then(puts.collect::<Vec<_>>()).or_else([TxnOp::get(first, None)]);
        let answer = self.cluster.txn(&entering).await?;
        if answer.succeeded() {
            // What a transaction makes is made at the revision that it leaves behind.
            return revision(answer.header().map(|header| header.revision()));
        }
        // A try that seemed to fail has made them.
        let found = answer.op_responses().iter().find_map(|response| match response {
            TxnOpResponse::Get(found) => found.kvs().first().map(|kv| kv.create_revision()),
            _ => None,
        });
        revision(found)
    }

    /// Where it stands, by one linearizable read of all elections at one revision.
    async fn before(&self, entered: i64) -> Result<Place, CallError> {
        let reads = self.prefixes.iter().map(|prefix| {
            // The own key, and the youngest of those before it.
            let options = GetOptions::new().with_prefix().with_keys_only().with_limit(2);
            let options = options.with_max_create_revision(entered).with_sort(SortTarget::Create, SortOrder::Descend);
            TxnOp::get(prefix.as_str(), Some(options))
        });
        let answer = self.cluster.txn(&Txn::new().and_then(reads.collect::<Vec<_>>())).await?;
        let mut place = Place::First;
        for response in answer.op_responses() {
            let TxnOpResponse::Get(found) = response else { continue };
            match found.kvs() {
                [own] if own.create_revision() == entered => {}
                [own, before] if own.create_revision() == entered => {
                    place = Place::Behind(String::from_utf8_lossy(before.key()).into_owned());
                }
                _ => return Ok(Place::Nowhere),
            }
        }
        Ok(place)
    }

    fn key(&self, prefix: &str) -> String {
        format!("{prefix}{:016x}", self.lease)
    }
}

/// Where a candidate stands.
enum Place {
    /// Before all others.
    First,
    /// Behind the one with this key, at least.
    Behind(String),
    /// It does not stand any more.
    Nowhere,
}

fn revision(made: Option<i64>) -> Result<i64, CallError> {
    made.ok_or_else(|| CallError::Refused(etcd_client::Error::ElectError("the key just made is missing".to_owned())))
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

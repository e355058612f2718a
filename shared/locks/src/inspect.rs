//! Who holds what, for people to look at. It takes nothing, and says what was so when each place was asked.

use std::time::{Duration, SystemTime};

use coordination::{Cluster, election};
use futures::future::join_all;

use crate::{
    Config, ConfigError, Fault, Strategy, Token,
    cluster::{self, ELECTIONS},
    label::Label,
    locks,
    server::{Listed, Server},
};

/// What the coordinators' locks stand under as a place.
const COORDINATORS: &str = "coordinators";

/// A key that somebody has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// How it was taken.
    pub strategy: Strategy,
    /// Where: a Redis server's address without its password, or `coordinators`. A key that Redlock has stands at each of
    /// its servers.
    pub place: String,
    /// What is locked.
    pub key: String,
    /// Whose it is, by [`Config::holder`]; empty where something else stands there.
    pub holder: String,
    /// When it was taken, by the holder's clock; at the coordinators, when it was asked for.
    pub since: Option<SystemTime>,
    /// How long it lasts unless its holder takes more time; `None` if it never ends, or has just ended.
    pub left: Option<Duration>,
    /// Its fencing token, where that is known: the coordinators do not keep it.
    pub token: Option<Token>,
    /// Who waits for it, in their order: one of each process's, the others wait within it.
    pub waiting: Vec<String>,
}

/// Who holds what.
#[derive(Debug)]
pub struct Inspected {
    /// What is held, by place and key.
    pub held: Vec<Held>,
    /// The places that could not be asked, and why.
    pub silent: Vec<(String, Fault)>,
}

/// Asks every place that is configured: the Redis server, each of Redlock's, and the coordinators, if any are given.
///
/// # Errors
/// The configuration can't be used. A place that does not answer is told among the rest.
pub async fn held(config: &Config, cluster: Option<&Cluster>) -> Result<Inspected, ConfigError> {
    let [redis, redlock] = locks::servers(config)?;
    let redis = redis.iter().map(|server| (Strategy::Redis, server));
    let servers = redis.chain(redlock.iter().map(|server| (Strategy::Redlock, server)));
    let servers = join_all(servers.map(|(strategy, server)| at_server(strategy, server)));
    let coordinators = async {
        match cluster {
            Some(cluster) => at_coordinators(cluster).await,
            None => Ok(Vec::new()),
        }
    };
    let (servers, coordinators) = tokio::join!(servers, coordinators);
    let mut inspected = Inspected { held: Vec::new(), silent: Vec::new() };
    for (place, found) in servers.into_iter().chain([(COORDINATORS.to_owned(), coordinators)]) {
        match found {
            Ok(held) => inspected.held.extend(held),
            Err(fault) => inspected.silent.push((place, fault)),
        }
    }
    Ok(inspected)
}

async fn at_server(strategy: Strategy, server: &Server) -> (String, Result<Vec<Held>, Fault>) {
    let place = server.address().to_owned();
    let held = |Listed { key, token, label, left, waiting }| Held {
        // Plain and fenced locks stand side by side, and keep each other out.
        strategy: if token.is_some() { Strategy::RedisFenced } else { strategy },
        place: place.clone(),
        key,
        since: label.as_ref().map(|label| label.since),
        holder: label.map(|label| label.holder).unwrap_or_default(),
        left,
        token,
        waiting,
    };
    let found = server.locked().await.map(|listed| listed.into_iter().map(held).collect());
    (place, found.map_err(Fault::from))
}

async fn at_coordinators(cluster: &Cluster) -> Result<Vec<Held>, Fault> {
    let standing = election::standing(cluster, ELECTIONS).await?;
    Ok(standing.iter().flat_map(at_slot).collect())
}

/// The keys that the leader of a slot has. All others there wait, also where they want another key.
fn at_slot(slot: &election::Standing) -> Vec<Held> {
    let mut candidates = slot.candidates.iter().map(|candidate| cluster::standing(candidate));
    let Some((leader, keys)) = candidates.next() else { return Vec::new() };
    let name = |label: Option<Label>| label.map(|label| label.holder).unwrap_or_default();
    let waiting: Vec<String> = candidates.map(|(label, _)| name(label)).collect();
    let held = |key| Held {
        strategy: Strategy::Coordination,
        place: COORDINATORS.to_owned(),
        key,
        since: leader.as_ref().map(|label| label.since),
        holder: name(leader.clone()),
        left: slot.left,
        token: None,
        waiting: waiting.clone(),
    };
    keys.into_iter().map(held).collect()
}

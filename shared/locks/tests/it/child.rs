//! Another process of the operating system, and what it does.

use std::path::Path;

use coordination::Cluster;
use local::testing::{
    Child,
    child::{role, say, told},
};
use locks::{Guard, Keys, LockError, Locks, Strategy};

use crate::{
    stage::{BOUND, config_at, soon},
    switching, telling,
};

/// One that holds, or waits for, what it is told.
pub(crate) fn holder(url: &str, strategy: Strategy, cluster: &Cluster) -> Child {
    Child::start(&format!("holder {url} {strategy} {}", reached(cluster)), [])
}

/// One that follows the setting, and locks as long as it is not told to stop.
pub(crate) fn member(url: &str, cluster: &Cluster, folder: &Path) -> Child {
    Child::start(&format!("member {url} {} {}", folder.display(), reached(cluster)), [])
}

/// How another process reaches these coordinators: endpoint and prefix.
fn reached(cluster: &Cluster) -> String {
    format!("{} {}", cluster.endpoint(), cluster.config().prefix)
}

fn reach(endpoint: &str, prefix: &str) -> Cluster {
    let config = coordination::Config::new([endpoint], prefix);
    Cluster::new(coordination::Config { patience: BOUND, ..config }).unwrap()
}

/// What another process does; in this one there is nothing to do.
#[test]
fn child() {
    let Some(role) = role() else { return };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let words: Vec<&str> = role.split(' ').collect();
    match words.as_slice() {
        ["holder", url, strategy, endpoint, prefix] => {
            let config = config_at(url);
            let fixed = || Locks::fixed(config, strategy.parse().unwrap(), Some(reach(endpoint, prefix))).unwrap();
            runtime.block_on(async { hold(fixed()).await });
        }
        ["member", url, folder, endpoint, prefix] => {
            runtime.block_on(switching::be_member(url, &reach(endpoint, prefix), folder.as_ref()));
        }
        ["telling", url] => telling::take_and_tell(&runtime, url),
        other => panic!("{other:?} is no role"),
    }
}

/// Takes `a` when told to, says its token, and whether it still has it.
async fn hold(locks: Locks) {
    let (mut told, mut held): (_, Option<Guard>) = (told(), None);
    say("ready");
    while let Some(word) = told.recv().await {
        match word.as_str() {
            "take" => {
                say("takes");
                let taken: Result<Guard, LockError> = locks.lock(&Keys::one("a"), soon()).await;
                let guard = held.insert(taken.unwrap());
                say(&guard.token().map(|token| token.to_i128()).unwrap_or_default().to_string());
            }
            "check" => say(if held.as_ref().is_some_and(|guard| guard.check().is_ok()) { "held" } else { "lost" }),
            "release" => {
                let released = held.take().unwrap().release().await;
                say(if released.held { "held" } else { "lost" });
            }
            other => panic!("{other:?} is no order"),
        }
    }
}

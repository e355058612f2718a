//! What the tests have in common.

use std::time::Duration;

use coordination::{Cluster, Config};
pub(crate) use local::testing::eventually;
use local::{coordinators::Coordinators, testing};

/// The shortest lease that etcd grants with its usual election timeout.
pub(crate) const TTL: Duration = Duration::from_secs(2);
/// How long anything may take that does not have to wait.
pub(crate) const BOUND: Duration = Duration::from_secs(30);

/// The shared coordinators, with keys that no other test has.
pub(crate) async fn cluster() -> Cluster {
    Cluster::new(Config::new(testing::coordinators().await.endpoints(), testing::prefix())).unwrap()
}

/// A client of a cluster of the test's own, more patient than a leader takes to be followed.
pub(crate) fn client(coordinators: &Coordinators) -> Cluster {
    reach(coordinators.endpoints())
}

pub(crate) fn reach(endpoints: impl IntoIterator<Item = String>) -> Cluster {
    let config = Config { patience: BOUND, ..Config::new(endpoints, "test") };
    Cluster::new(config).unwrap()
}

/// Kills the member that this client asks; its number.
pub(crate) async fn kill_asked(coordinators: &Coordinators, cluster: &Cluster) -> usize {
    let member = asked(coordinators, cluster);
    coordinators.kill(member).await;
    member
}

pub(crate) fn asked(coordinators: &Coordinators, cluster: &Cluster) -> usize {
    coordinators.endpoints().iter().position(|endpoint| endpoint == cluster.endpoint()).unwrap()
}

/// Fails the test when something takes longer than [`BOUND`].
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    let late = |_| panic!("{what}: not within {BOUND:?}");
    tokio::time::timeout(BOUND, future).await.unwrap_or_else(late)
}

//! Copies that die, stand still and come back.

use std::time::Duration;

use local::servers::Server;
use tokio::time::{Instant, timeout};

use super::stage::Stage;
use crate::world::until;

/// The longest that a read may take while it is found out that the replica stands still: half a second for the look, and what
/// a busy machine needs.
const LONGEST: Duration = Duration::from_secs(5);

/// Reads at every level for a while; each is answered, and none takes long. Answers whether the replica answered any.
async fn read_all(stage: &Stage, token: &str) -> bool {
    let mut by_replica = false;
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(2) {
        for level in ["strong", "session", "monotonic", "eventual"] {
            let told = timeout(LONGEST, stage.stock(level, Some(token))).await.unwrap();
            assert_eq!(told.stock().1, 10, "{level}");
            by_replica |= told.by == "replica";
        }
    }
    by_replica
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_dies_or_stands_still_costs_nobody_an_error() {
    let stage = Stage::start(&[]).await;
    let token = stage.adjust(1, None).await;
    stage.adjust(-1, None).await;
    stage.until_the_replica_shows(10).await;
    let token = token.token();
    assert!(read_all(&stage, token).await);

    let kill = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        stage.servers().kill(Server::Replica).await.unwrap();
    };
    tokio::join!(read_all(&stage, token), kill);
    assert!(!read_all(&stage, token).await, "it is dead");
    stage.servers().restart(Server::Replica).await.unwrap();
    stage.until_the_replica_shows(10).await;

    let stand_still = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        stage.servers().pause(Server::Replica).unwrap();
    };
    tokio::join!(read_all(&stage, token), stand_still);
    assert!(!read_all(&stage, token).await, "it stands still");
    stage.servers().resume(Server::Replica).unwrap();
    stage.until_the_replica_shows(10).await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_primary_is_dead_the_replica_answers_what_it_is_new_enough_for() {
    let stage = Stage::start(&[]).await;
    let (seen, _) = (stage.adjust(1, None).await, stage.until_the_replica_shows(11).await);
    stage.pause().await;
    let unseen = stage.adjust(1, None).await;
    stage.servers().kill(Server::Postgres).await.unwrap();

    for level in ["session", "monotonic", "eventual"] {
        let told = stage.until_old("/stock/A", level, Some(seen.token())).await;
        assert_eq!(told.stock(), ("replica", 11), "{level}");
    }
    assert_eq!(stage.stock("strong", None).await.status, 503);
    assert_eq!(stage.stock("session", Some(unseen.token())).await.status, 503, "nobody can tell what it wrote");

    stage.servers().restart(Server::Postgres).await.unwrap();
    until("the primary to be back", async || {
        let told = stage.stock("session", Some(unseen.token())).await;
        (told.status == 200 && told.stock() == ("primary", 12)).then_some(())
    })
    .await;
    stage.resume().await;
    stage.until_the_replica_shows(12).await;
    stage.end().await;
}

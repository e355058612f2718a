//! Saying something, and waiting until all say the same.

use coordination::{
    Name,
    presence::{Presence, unanimous},
};

use crate::stage::{TTL, cluster, soon};

const TOPIC: Name = Name::literal("strategy");

#[tokio::test(flavor = "multi_thread")]
async fn whoever_says_something_else_is_waited_for() {
    let cluster = cluster().await;
    let announce = async |text| Presence::announce(&cluster, &TOPIC, text, TTL).await.unwrap();
    let first = announce("old").await;
    soon("alone one agrees", unanimous(&cluster, &TOPIC, "old")).await;
    let second = announce("new").await;
    let waiting = tokio::spawn({
        let cluster = cluster.clone();
        async move { unanimous(&cluster, &TOPIC, "new").await }
    });
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished() && first.life().is_alive());
    first.withdraw().await;
    soon("all say the new", waiting).await.unwrap();
    // One who is gone without a word is waited for as long as its lease.
    drop(announce("old").await);
    soon("its lease is given back", unanimous(&cluster, &TOPIC, "new")).await;
    assert!(second.life().is_alive());
}

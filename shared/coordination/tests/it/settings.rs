//! Settings change while services run.

use std::time::Duration;

use coordination::{
    Cluster, Name,
    settings::{self, Choice, Control, Definitions, Flag, Follower, Integer, Milliseconds, Ratio, SetError, Setting},
};
use local::testing;

use crate::stage::{client, cluster, eventually, kill_asked, soon};

const BATCH: Name = Name::literal("order.relay.batch");

async fn batch(cluster: &Cluster) -> (Setting<i64>, Follower) {
    let mut definitions = Definitions::new();
    let batch = Integer { default: 500, range: 1..=5_000 };
    let batch = definitions.define(BATCH, batch, "orders", "Largest batch the relay sends").unwrap();
    let mut follower = settings::follow(cluster, definitions);
    soon("read", follower.read()).await;
    let control = Control::new(cluster);
    eventually("published", async || control.definitions().await.unwrap().len() == 1).await;
    (batch, follower)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_set_arrives_and_is_written_down() {
    let cluster = cluster().await;
    let (mut batch, _follower) = batch(&cluster).await;
    let control = Control::new(&cluster);
    assert_eq!(batch.get(), 500);
    control.set(&BATCH, Some("50"), "ann").await.unwrap();
    assert_eq!(soon("changed", batch.changed()).await, 50);
    control.set(&BATCH, Some("70"), "ben").await.unwrap();
    assert_eq!(soon("changed", batch.changed()).await, 70);
    control.set(&BATCH, None, "ann").await.unwrap();
    assert_eq!(soon("changed", batch.changed()).await, 500);

    let history = control.history(&BATCH).await.unwrap();
    let seen: Vec<_> =
        history.iter().map(|change| (change.who.as_str(), change.from.as_deref(), change.to.as_deref())).collect();
    assert_eq!(seen, [("ann", None, Some("50")), ("ben", Some("50"), Some("70")), ("ann", Some("70"), None)]);
    assert_eq!(control.value(&BATCH).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_allowed_is_refused_and_named() {
    let cluster = cluster().await;
    let control = Control::new(&cluster);
    let error = control.set(&BATCH, Some("1"), "ann").await.unwrap_err();
    let text = "no service has a setting order.relay.batch; no service has published settings yet";
    assert_eq!(error.to_string(), text);
    let (batch, _follower) = batch(&cluster).await;
    let error = control.set(&BATCH, Some("0"), "ann").await.unwrap_err();
    assert_eq!(error.to_string(), r#"order.relay.batch: "0" is not allowed: it takes a whole number from 1 to 5000"#);
    let error = control.set(&Name::literal("order.batch"), Some("1"), "ann").await.unwrap_err();
    assert!(matches!(error, SetError::Undefined { .. }));
    assert_eq!(error.to_string(), "no service has a setting order.batch; there are: order.relay.batch");
    assert_eq!(control.history(&BATCH).await.unwrap(), []);
    assert_eq!(batch.get(), 500);
}

/// Written past the control, as a definition that became narrower would find it.
#[tokio::test(flavor = "multi_thread")]
async fn a_bad_value_in_the_store_changes_nothing() {
    let cluster = cluster().await;
    let (mut batch, _follower) = batch(&cluster).await;
    let control = Control::new(&cluster);
    control.set(&BATCH, Some("50"), "ann").await.unwrap();
    assert_eq!(soon("changed", batch.changed()).await, 50);
    let mut etcd = etcd_client::Client::connect(&cluster.config().endpoints, None).await.unwrap();
    let key = format!("{}/settings/{BATCH}", cluster.config().prefix);
    etcd.put(key.as_str(), "many", None).await.unwrap();
    // Behind it in the same watch.
    control.set(&BATCH, Some("60"), "ann").await.unwrap();
    assert_eq!(soon("changed", batch.changed()).await, 60, "not the default in between");
    assert_eq!(control.history(&BATCH).await.unwrap().last().unwrap().from.as_deref(), Some("many"));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_setting_is_live() {
    #[derive(Debug, Clone, Copy, PartialEq)]
    enum Mode {
        Fast,
        Safe,
    }
    let cluster = cluster().await;
    let mut definitions = Definitions::new();
    let [wait, share, mode, flag] = ["wait", "share", "mode", "flag"].map(|name| name.parse::<Name>().unwrap());
    let range = Duration::ZERO..=Duration::from_secs(1);
    let waits = Milliseconds { default: Duration::from_millis(20), range };
    let mut waits = definitions.define(wait.clone(), waits, "ms", "").unwrap();
    let mut shares = definitions.define(share.clone(), Ratio { default: 0.5 }, "", "").unwrap();
    let modes = Choice { default: "safe", words: &[("fast", Mode::Fast), ("safe", Mode::Safe)] };
    let mut modes = definitions.define(mode.clone(), modes, "", "").unwrap();
    let mut flags = definitions.define(flag.clone(), Flag { default: false }, "", "").unwrap();
    let _follower = settings::follow(&cluster, definitions);
    let control = Control::new(&cluster);
    eventually("published", async || control.definitions().await.unwrap().len() == 4).await;

    for (name, value) in [(&wait, "5"), (&share, "0.25"), (&mode, "fast"), (&flag, "true")] {
        control.set(name, Some(value), "ann").await.unwrap();
    }
    assert_eq!(soon("changed", waits.changed()).await, Duration::from_millis(5));
    assert_eq!(soon("changed", shares.changed()).await, 0.25);
    assert_eq!(soon("changed", modes.changed()).await, Mode::Fast);
    assert!(soon("changed", flags.changed()).await);
    let error = control.set(&mode, Some("slow"), "ann").await.unwrap_err();
    assert_eq!(error.to_string(), r#"mode: "slow" is not allowed: it takes one of fast, safe"#);
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_stay_and_go_on_when_coordinators_die() {
    let coordinators = testing::private_coordinators(3).await;
    let cluster = client(&coordinators);
    let (mut batch, _follower) = batch(&cluster).await;
    let control = Control::new(&client(&coordinators));
    control.set(&BATCH, Some("50"), "ann").await.unwrap();
    assert_eq!(soon("changed", batch.changed()).await, 50);
    let killed = kill_asked(&coordinators, &cluster).await;
    control.set(&BATCH, Some("60"), "ann").await.unwrap();
    assert_eq!(soon("changed", batch.changed()).await, 60);

    for member in 0..3 {
        coordinators.kill(member).await;
    }
    assert_eq!(batch.get(), 60, "what was known stays");
    for member in 0..3 {
        coordinators.start_again(member).await.unwrap();
    }
    coordinators.healthy(killed).await.unwrap();
    control.set(&BATCH, Some("70"), "ann").await.unwrap();
    assert_eq!(soon("changed", batch.changed()).await, 70);
    let history = control.history(&BATCH).await.unwrap();
    let set: Vec<_> = history.iter().filter_map(|change| change.to.as_deref()).collect();
    assert_eq!(set, ["50", "60", "70"], "each once, though answers may have got lost");
    coordinators.stop().await;
}

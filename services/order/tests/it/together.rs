//! Instances among each other, at real coordinators.

use std::{process::Command, time::Duration};

use contracts::event::OrderPlaced;
use coordination::{
    Cluster, Config, Name,
    discovery::{self, Instances},
    election,
    settings::{Control, SetError},
};
use futures::future::join_all;
use local::testing;
use order::SERVICE;
use serde_json::Value;

use crate::shop::{Client, Process, Shop, until};

const BATCH: Name = Name::literal("order.commit.batch_max");

/// Coordinators as a test sees them, and as instances are told of them.
struct Together {
    cluster: Cluster,
    prefix: String,
}

impl Together {
    fn at(endpoints: &[String]) -> Self {
        let prefix = testing::prefix();
        Self { cluster: Cluster::new(Config::new(endpoints, &*prefix)).unwrap(), prefix }
    }

    /// At coordinators that other tests use, too.
    async fn shared() -> Self {
        Self::at(testing::coordinators().await.endpoints())
    }

    async fn start(&self, shop: &Shop, instance: &str) -> Process {
        let coordinators = self.cluster.config().endpoints.join(",");
        let variables = [
            ("PLUMBLINE_COORDINATORS", &*coordinators),
            ("PLUMBLINE_COORDINATION_PREFIX", &self.prefix),
            ("PLUMBLINE_INSTANCE", instance),
        ];
        Process::start_with(shop, &variables).await
    }

    async fn owners(&self) -> Vec<String> {
        let owner = async |bucket: u16| {
            let leader = election::leader(&self.cluster, &SERVICE.join(&format!("relay.{bucket}"))).await.unwrap();
            leader.map(|leader| leader.candidate)
        };
        join_all((0..messaging::BUCKETS).map(owner)).await.into_iter().flatten().collect()
    }
}

fn found(instances: &Instances) -> Vec<(String, String)> {
    instances.list().iter().map(|instance| (instance.id.to_string(), instance.address.clone())).collect()
}

async fn metrics(client: &Client) -> String {
    String::from_utf8(client.get("/metrics").await.body).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn buckets_are_split_and_a_killed_instances_are_taken_over() {
    let (shop, together) = (Shop::open().await, Together::shared().await);
    let news = shop.news();
    let (first, second) = (together.start(&shop, "order-1").await, together.start(&shop, "order-2").await);
    let number = |owners: &[String], name: &str| owners.iter().filter(|owner| *owner == name).count();
    until("each to be elected for half of the buckets, and to have them", || async {
        let owners = together.owners().await;
        let even = number(&owners, "order-1") == 4 && number(&owners, "order-2") == 4;
        (even && shop.relaying().await == [4, 4]).then_some(())
    })
    .await;

    drop(first);
    let orders = join_all((0..20).map(|_| second.client.place(&[("A", 1)]))).await;
    for order in &orders {
        news.first::<OrderPlaced>(order.id).await;
    }
    assert_eq!(shop.relaying().await, [8], "whoever lives relays, whatever the dead one's lease says");
    until("the other to be elected for all", || async {
        (number(&together.owners().await, "order-2") == 8).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_setting_holds_while_it_runs_and_a_bad_value_is_refused() {
    let (shop, together) = (Shop::open().await, Together::shared().await);
    let process = together.start(&shop, "order-1").await;
    let control = Control::new(&together.cluster);
    let all = [
        "order.commit.pace_ms",
        "order.relay.batch",
        "order.consumer.batch_max",
        "telemetry.sampling",
        "telemetry.slow",
    ];
    until("the settings to be published", || async {
        let names: Vec<_> = control.definitions().await.unwrap().into_iter().map(|known| known.name).collect();
        all.iter().all(|name| names.contains(&name.parse().unwrap())).then_some(())
    })
    .await;
    let refused = control.set(&BATCH, Some("10001"), "a test").await.unwrap_err();
    assert!(matches!(refused, SetError::Refused { .. }), "{refused}");
    control.set(&BATCH, Some("1"), "a test").await.unwrap();
    let is = |value: &str| format!("plumbline_coordination_setting{{plumbline_setting=\"{BATCH}\"}} {value}");
    until("the setting to be taken", || async { metrics(&process.client).await.contains(&is("1")).then_some(()) })
        .await;

    join_all((0..10).map(|_| process.client.place(&[("A", 1)]))).await;
    let told = metrics(&process.client).await;
    let changed = format!("plumbline_coordination_settings_changed_total{{plumbline_setting=\"{BATCH}\"}} 1");
    for expected in ["plumbline_order_commit_batch_size_sum 10", "plumbline_order_commit_batch_size_count 10", &changed]
    {
        assert!(told.contains(expected), "{expected} is not in:\n{told}");
    }
    control.set(&BATCH, None, "a test").await.unwrap();
    until("the default to be back", || async { metrics(&process.client).await.contains(&is("256")).then_some(()) })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_is_found_until_it_drains() {
    let (shop, together) = (Shop::open().await, Together::shared().await);
    let instances = discovery::watch(&together.cluster, &SERVICE);
    let mut process = together.start(&shop, "order-1").await;
    let expected = [("order-1".to_owned(), process.client.address())];
    until("it to be found", || async { (found(&instances) == expected).then_some(()) }).await;
    let ready: Value = process.client.get("/readyz").await.json();
    assert_eq!(ready["parts"]["coordination"], "ready", "{ready}");
    assert!(Command::new("kill").args(["-TERM", &process.id().to_string()]).status().unwrap().success());
    assert!(process.ended().await.success());
    let left = tokio::time::timeout(Duration::from_secs(1), async {
        until("it to be found no more", || async { found(&instances).is_empty().then_some(()) }).await;
    });
    left.await.expect("it has left, and its lease did not have to end");
    assert!(together.owners().await.is_empty(), "and has given its buckets up");
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_go_on_without_one_coordinator_and_without_any() {
    let (shop, coordinators) = (Shop::open().await, testing::private_coordinators(3).await);
    let (together, news) = (Together::at(&coordinators.endpoints()), shop.news());
    let process = together.start(&shop, "order-1").await;
    until("it to be elected for all buckets", || async { (together.owners().await.len() == 8).then_some(()) }).await;
    let order = async || {
        let orders = join_all((0..10).map(|_| process.client.place(&[("A", 1)]))).await;
        for order in orders {
            news.first::<OrderPlaced>(order.id).await;
        }
    };
    order().await;
    coordinators.kill(0).await;
    order().await;
    for member in 1..3 {
        coordinators.kill(member).await;
    }
    order().await;
    until("it to tell that no coordinator answers", || async {
        metrics(&process.client).await.contains("plumbline_coordination_connected 0").then_some(())
    })
    .await;
    let answer = process.client.get("/readyz").await;
    let ready: Value = answer.json();
    assert_eq!((answer.status.as_u16(), &ready["ready"]), (200, &Value::Bool(true)), "{ready}");
    assert!(ready["parts"]["coordination"].as_str().unwrap().contains("no coordinator answers"), "{ready}");
    order().await;
    coordinators.stop().await;
}

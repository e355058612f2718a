//! Several instances of every service, one of each killed in the middle; and customers who change their minds at once.

use contracts::order::{Order, OrderStatus};
use local::shop::{Config, Part, Service};
use reqwest::{Client, Response, StatusCode};
use tokio::time::{Duration, sleep};

use super::trial::Trial;

async fn with_instances(count: u16) {
    let config =
        Config { instances: Service::ALL.into_iter().map(|service| (service, count)).collect(), ..Config::test() };
    let trial = Trial::open(config, 300).await;
    let mut replay = trial.replay(40);
    let fickle = tokio::spawn(order_and_cancel(trial.urls(Service::Order), 60));
    replay.has_come_to(80).await;
    for service in Service::ALL {
        trial.shop.kill(Part::Service(service, Some(count))).await.unwrap();
    }
    replay.has_come_to(200).await;
    for service in Service::ALL {
        trial.shop.restart(Part::Service(service, Some(count))).await.unwrap();
    }
    let cancelled = fickle.await.unwrap();
    assert!(cancelled > 0);
    // Were an order's events to overtake each other, inventory would learn of a cancellation before it knows the order, and
    // keep the stock of an order that is CANCELLED: that is what the audit would find.
    trial.ends_well(replay).await;
}

/// Orders and cancels at once, each at another instance; how many orders could be cancelled before they were decided
/// against.
async fn order_and_cancel(instances: Vec<String>, times: usize) -> u32 {
    let client = Client::new();
    let mut cancelled = 0;
    for n in 0..times {
        let body = serde_json::json!({ "lines": [{ "sku": "85123A", "quantity": 1 }] });
        let key = format!("fickle-{n}");
        let place =
            |base: &str| client.post(format!("{base}/orders")).header("Idempotency-Key", &key).json(&body).send();
        let order: Order = until_answered(&instances, n, place).await.json().await.unwrap();
        let cancel = |base: &str| client.post(format!("{base}/orders/{}/cancel", order.id)).send();
        let answer = until_answered(&instances, n + 1, cancel).await;
        match answer.status() {
            StatusCode::OK => {
                assert_eq!(answer.json::<Order>().await.unwrap().status, OrderStatus::Cancelled);
                cancelled += 1;
            }
            status => assert_eq!(status, StatusCode::CONFLICT, "rejected before it was cancelled"),
        }
    }
    cancelled
}

/// Asks one instance after the other until one answers, as a load balancer would.
async fn until_answered<F>(instances: &[String], first: usize, ask: impl Fn(&str) -> F) -> Response
where
    F: Future<Output = reqwest::Result<Response>>,
{
    for base in instances.iter().cycle().skip(first % instances.len()).take(600) {
        match ask(base).await {
            Ok(answer) if !answer.status().is_server_error() => return answer,
            _ => sleep(Duration::from_millis(50)).await,
        }
    }
    panic!("no instance has answered")
}

#[tokio::test(flavor = "multi_thread")]
async fn two_of_every_service() {
    with_instances(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn three_of_every_service() {
    with_instances(3).await;
}

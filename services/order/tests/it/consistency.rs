//! Which copy answers a read of orders, and what it shows.

use contracts::{
    OrderId,
    consistency::{LEVEL, Level, SERVED_BY, SESSION},
    order::{Hop, Order, OrderStatus},
    page::Page,
};
use local::{
    servers::Server,
    testing::{self, ReplicatedPostgres},
};
use reqwest::Method;
use serde_json::json;

use crate::shop::{Answer, Client, Instance, Shop, until, wanted};

struct Stage {
    shop: Shop,
    instance: Instance,
    servers: ReplicatedPostgres,
}

impl Stage {
    /// One instance, whose replica has an order that is confirmed.
    async fn start() -> (Self, Order) {
        let servers = testing::replicated_postgres().await;
        let (primary, replica) = servers.database("orders").await;
        let shop = Shop::open_on(primary).await;
        let variables =
            [("PLUMBLINE_DATABASE_REPLICA_URL", &*replica), ("PLUMBLINE_SESSION_KEY", "a key of the tests alone")];
        let instance = shop.instance_with(&variables).await;
        let order = instance.place(&[("A", 1)]).await;
        let stage = Self { shop, instance, servers };
        stage.until_the_replica_shows(order.id, OrderStatus::Pending).await;
        (stage, order)
    }

    async fn until_the_replica_shows(&self, id: OrderId, status: OrderStatus) {
        until("the replica to show the order", || async {
            let answer = read(&self.instance, &format!("/orders/{id}"), "eventual", None).await;
            let there = answer.status == 200 && answer.json::<Order>().status == status;
            (there && by(&answer) == "replica").then_some(())
        })
        .await;
    }

    async fn pause(&self) {
        self.servers.replica().pause_replay().await.unwrap();
    }

    /// What the replica answers at the level `eventual`. On a busy machine it may be taken for one that stands still, and the
    /// primary asked, for a while.
    async fn until_old(&self, path: &str) -> Answer {
        until("the replica to answer", || async {
            let answer = read(&self.instance, path, "eventual", None).await;
            (answer.header(SERVED_BY) == Some(REPLICA)).then_some(answer)
        })
        .await
    }

    /// In which status the replica shows an order.
    async fn old(&self, id: OrderId) -> Option<OrderStatus> {
        status(&self.until_old(&format!("/orders/{id}")).await)
    }

    /// Who shows an order to a session, and in which status.
    async fn shown(&self, id: OrderId, level: &str, token: Option<&str>) -> (String, Option<OrderStatus>) {
        let answer = read(&self.instance, &format!("/orders/{id}"), level, token).await;
        (by(&answer).to_owned(), status(&answer))
    }
}

async fn read(client: &Client, path: &str, level: &str, token: Option<&str>) -> Answer {
    let request = client.request(Method::GET, path).header(LEVEL, level);
    client.send(token.into_iter().fold(request, |request, token| request.header(SESSION, token))).await
}

/// An order's status in an answer; `None` where there is no order.
fn status(answer: &Answer) -> Option<OrderStatus> {
    let status = (answer.status == 200).then(|| answer.json::<Order>().status);
    assert!(status.is_some() || answer.status == 404, "{answer}");
    status
}

fn by(answer: &Answer) -> &str {
    answer.header(SERVED_BY).unwrap_or_else(|| panic!("nobody: {answer}"))
}

fn token(answer: &Answer) -> &str {
    answer.header(SESSION).unwrap_or_else(|| panic!("no token: {answer}"))
}

const PRIMARY: &str = "primary";
const REPLICA: &str = "replica";

#[tokio::test(flavor = "multi_thread")]
async fn who_places_an_order_sees_it_and_others_may_not_yet() {
    let (stage, _) = Stage::start().await;
    stage.pause().await;
    let placed = stage.instance.post(&wanted(&[("A", 1)]), &[("Idempotency-Key", "k")]).await;
    let id = placed.order(202).id;
    assert_eq!(stage.old(id).await, None);
    let seen = (PRIMARY.to_owned(), Some(OrderStatus::Pending));
    for level in ["session", "monotonic", "strong"] {
        assert_eq!(stage.shown(id, level, Some(token(&placed))).await, seen, "{level}");
    }
    let again = stage.instance.post(&wanted(&[("A", 1)]), &[("Idempotency-Key", "k")]).await;
    assert_eq!((again.order(202).id, stage.shown(id, "session", Some(token(&again))).await), (id, seen.clone()));

    let (timeline, list) = (format!("/orders/{id}/timeline"), "/orders?status=PENDING");
    assert_eq!(stage.until_old(&timeline).await.status, 404);
    let hops: Page<Hop> = read(&stage.instance, &timeline, "session", placed.header(SESSION)).await.json();
    assert_eq!(hops.items.len(), 1);
    assert_eq!(stage.until_old(list).await.json::<Page<Order>>().items.len(), 1);
    for level in ["session", "strong"] {
        let answer = read(&stage.instance, list, level, placed.header(SESSION)).await;
        assert_eq!((answer.json::<Page<Order>>().items.len(), by(&answer)), (2, PRIMARY), "{level}");
    }

    stage.servers.replica().resume_replay().await.unwrap();
    until("the replica to be new enough", || async {
        (stage.shown(id, "session", Some(token(&placed))).await.0 == REPLICA).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_cancels_an_order_or_has_waited_for_its_decision_is_not_shown_less() {
    let (stage, order) = Stage::start().await;
    stage.pause().await;
    let cancelled = stage.instance.cancel(order.id).await;
    assert_eq!(cancelled.order(200).status, OrderStatus::Cancelled);
    let again = stage.instance.cancel(order.id).await;
    assert_eq!(stage.old(order.id).await, Some(OrderStatus::Pending));
    for answer in [&cancelled, &again] {
        let shown = stage.shown(order.id, "session", Some(token(answer))).await;
        assert_eq!(shown, (PRIMARY.to_owned(), Some(OrderStatus::Cancelled)));
    }

    // The order is placed, and decided, while it is waited for: what was shown counts for monotonic.
    let waiting = {
        let client = stage.instance.client.clone();
        tokio::spawn(async move { client.post(&wanted(&[("B", 1)]), &[("Prefer", "wait=30")]).await })
    };
    let placed = until("the order to be there", || async {
        let page: Page<Order> = stage.instance.get("/orders?status=PENDING").await.json();
        page.items.into_iter().find(|order| order.lines[0].sku.as_str() == "B")
    })
    .await;
    stage.shop.inventory.reserves(&placed).await;
    let decided = waiting.await.unwrap();
    assert_eq!(decided.order(200).status, OrderStatus::Confirmed);
    let shown = stage.shown(placed.id, "monotonic", Some(token(&decided))).await;
    assert_eq!(shown, (PRIMARY.to_owned(), Some(OrderStatus::Confirmed)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_dies_is_not_missed_and_answers_while_the_primary_is_dead() {
    let (stage, order) = Stage::start().await;
    stage.servers.kill(Server::Replica).await.unwrap();
    for level in Level::ALL {
        let shown = stage.shown(order.id, level.as_str(), None).await;
        assert_eq!(shown, (PRIMARY.to_owned(), Some(OrderStatus::Pending)), "{level}");
    }
    stage.servers.restart(Server::Replica).await.unwrap();
    stage.until_the_replica_shows(order.id, OrderStatus::Pending).await;
    stage.servers.kill(Server::Postgres).await.unwrap();
    assert_eq!(stage.old(order.id).await, Some(OrderStatus::Pending));
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_that_are_wrong_are_refused_and_named() {
    let shop = Shop::open().await;
    let instance = shop.instance().await;
    let order = instance.place(&[("A", 1)]).await;
    let (one, timeline) = (format!("/orders/{}", order.id), format!("/orders/{}/timeline", order.id));
    for path in ["/orders", &one, &timeline] {
        for (header, value) in [(LEVEL, "serializable"), (SESSION, "AQAAAA"), (SESSION, "nonsense!")] {
            let problem = instance.send(instance.request(Method::GET, path).header(header, value)).await.problem(400);
            assert_eq!(problem.errors[0].parameter.as_deref(), Some(header), "{path} {value}");
        }
    }
    let refused = instance.post(&json!({"lines": [{"sku": "A", "quantity": 1}]}), &[(SESSION, "AQAAAA")]).await;
    assert_eq!(refused.problem(400).errors[0].parameter.as_deref(), Some(SESSION));
    let cancel = instance.request(Method::POST, &format!("{one}/cancel")).header(SESSION, "AQAAAA");
    assert_eq!(instance.send(cancel).await.problem(400).errors[0].parameter.as_deref(), Some(SESSION));
    assert_eq!(instance.get("/orders").await.json::<Page<Order>>().items, [order]);
}

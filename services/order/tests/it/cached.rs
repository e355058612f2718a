//! What the cache answers of orders, and how soon changes are seen.

use contracts::{
    OrderId,
    consistency::{LEVEL, SERVED_BY, SESSION},
    order::{Order, OrderStatus},
};
use coordination::{Cluster, Name, settings::Control};
use local::{
    servers::{self, Server, Servers},
    testing::{self, until},
};
use reqwest::Method;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::shop::{Answer, Client, Instance, Shop, wanted};

/// Two instances that cache in a memcached of the test's own, for an hour.
struct Stage {
    memcached: Servers,
    cluster: Cluster,
    shop: Shop,
    instances: [Instance; 2],
}

impl Stage {
    async fn start() -> Self {
        let memcached = Servers::start(servers::Config::test([Server::Memcached]), |_| {}).await.unwrap();
        let coordinators = testing::coordinators().await.endpoints();
        let cluster = Cluster::new(coordination::Config::new(coordinators, testing::prefix())).unwrap();
        let (address, endpoints) = (memcached.memcached().address().to_string(), coordinators.join(","));
        let shop = Shop::open().await;
        let start = async |name: &str| {
            let variables = [
                ("PLUMBLINE_MEMCACHED", &*address),
                ("PLUMBLINE_CACHE_TTL_MILLIS", "3600000"),
                ("PLUMBLINE_SESSION_KEY", "a key of the tests alone"),
                ("PLUMBLINE_COORDINATORS", &endpoints),
                ("PLUMBLINE_COORDINATION_PREFIX", &cluster.config().prefix),
                ("PLUMBLINE_INSTANCE", name),
            ];
            shop.instance_with(&variables).await
        };
        let instances = [start("order-1").await, start("order-2").await];
        Self { memcached, cluster, shop, instances }
    }

    /// Waits until an eventual read at an instance shows an order in a status.
    async fn until_shown(&self, instance: usize, id: OrderId, status: OrderStatus) {
        until("the order's status to be seen", || async {
            let answer = read(&self.instances[instance], id, "eventual", None).await;
            (answer.order(200).status == status).then_some(())
        })
        .await;
    }

    /// Waits until the cache answers an eventual read at an instance.
    async fn until_cached(&self, instance: usize, id: OrderId) -> Order {
        until("the cache to answer", || async {
            let answer = read(&self.instances[instance], id, "eventual", None).await;
            (by(&answer) == "cache").then(|| answer.order(200))
        })
        .await
    }

    /// How many things stand in memcached.
    async fn items(&self) -> u64 {
        let mut stream = TcpStream::connect(self.memcached.memcached().address()).await.unwrap();
        stream.write_all(b"stats\r\nquit\r\n").await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix("STAT curr_items ")).unwrap();
        line.trim().parse().unwrap()
    }
}

async fn read(client: &Client, id: OrderId, level: &str, token: Option<&str>) -> Answer {
    let request = client.request(Method::GET, &format!("/orders/{id}")).header(LEVEL, level);
    client.send(token.into_iter().fold(request, |request, token| request.header(SESSION, token))).await
}

fn by(answer: &Answer) -> &str {
    answer.header(SERVED_BY).unwrap_or_else(|| panic!("nobody: {answer}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_an_order_is_soon_seen_at_every_instance_by_either_policy() {
    let stage = Stage::start().await;
    for policy in ["aside", "write-through"] {
        Control::new(&stage.cluster).set(&Name::literal("cache.policy"), Some(policy), "a test").await.unwrap();
        let order = stage.instances[0].place(&[("A", 1)]).await;
        assert_eq!(stage.until_cached(1, order.id).await.status, OrderStatus::Pending);
        stage.shop.inventory.reserves(&order).await;
        stage.until_shown(1, order.id, OrderStatus::Confirmed).await;
        assert_eq!(stage.until_cached(1, order.id).await.status, OrderStatus::Confirmed);
        stage.instances[0].cancel(order.id).await.order(200);
        stage.until_shown(1, order.id, OrderStatus::Cancelled).await;
        assert_eq!(stage.until_cached(1, order.id).await.status, OrderStatus::Cancelled);
        let strong = read(&stage.instances[1], order.id, "strong", None).await;
        assert_eq!((by(&strong), strong.order(200).status), ("primary", OrderStatus::Cancelled));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_sees_what_it_has_done_to_an_order_that_is_cached() {
    let stage = Stage::start().await;
    let placed = stage.instances[0].post(&wanted(&[("A", 1)]), &[]).await;
    let id = placed.order(202).id;
    let token = placed.header(SESSION).unwrap();
    for level in ["session", "monotonic"] {
        // Until what was loaded sees so much: transactions of other tests may hold that back.
        until("the cache to be new enough", || async {
            let answer = read(&stage.instances[1], id, level, Some(token)).await;
            assert_eq!(answer.order(200).status, OrderStatus::Pending);
            (by(&answer) == "cache").then_some(())
        })
        .await;
    }
    let cancelled = stage.instances[0].cancel(id).await;
    let token = cancelled.header(SESSION).unwrap();
    for level in ["session", "monotonic", "strong"] {
        let answer = read(&stage.instances[1], id, level, Some(token)).await;
        assert_eq!(answer.order(200).status, OrderStatus::Cancelled, "{level}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_that_nobody_reads_leave_nothing_in_memcached_and_its_loss_nobody_an_error() {
    let stage = Stage::start().await;
    let read_one = stage.instances[0].place(&[("A", 1)]).await;
    stage.until_cached(0, read_one.id).await;
    let items = stage.items().await;
    let mut orders = Vec::new();
    for _ in 0..5 {
        orders.push(stage.instances[0].place(&[("B", 1)]).await);
    }
    for order in orders.iter().chain([&read_one]) {
        stage.shop.inventory.reserves(order).await;
    }
    for order in &orders {
        stage.instances[0].until(order.id, OrderStatus::Confirmed).await;
    }
    stage.until_shown(0, read_one.id, OrderStatus::Confirmed).await;
    assert_eq!(stage.items().await, items, "the one that was read");

    stage.memcached.kill(Server::Memcached).await.unwrap();
    for level in ["strong", "session", "monotonic", "eventual"] {
        for order in orders.iter().chain([&read_one]) {
            let answer = read(&stage.instances[1], order.id, level, None).await;
            assert_eq!(answer.order(200).status, OrderStatus::Confirmed, "{level}");
        }
    }
    let ready = stage.instances[0].get("/readyz").await;
    assert_eq!(ready.status, 200);
    stage.memcached.restart(Server::Memcached).await.unwrap();
    assert_eq!(stage.until_cached(1, read_one.id).await.status, OrderStatus::Confirmed);
}

//! A shop of its own for each test: a database, topics behind a prefix, and the service on a free port.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use contracts::{
    Currency, Money, OrderId, OrderLine, Sku, StockLine, Timestamp,
    event::{Event, OrderCancelled, OrderConfirmed, OrderPlaced},
    stock::{Reservation, ReservationStatus, Stock},
    topics::Topic,
};
use inventory::{app::App, config::Config};
pub(crate) use local::testing::{PATIENCE, until};
use messaging::{BUCKETS, Message, Topics, dead_letters, outbox, tail};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde::Serialize;
use serde_json::{Value, json};
use service::config::Reader;
use sqlx::PgPool;

pub(crate) const TOKEN: &str = "the-operators-own";

pub(crate) struct World {
    pub(crate) apps: Vec<App>,
    pub(crate) database: PgPool,
    variables: HashMap<String, String>,
    http: reqwest::Client,
    stock: Followed,
}

/// A topic's messages as they come.
pub(crate) struct Followed {
    seen: Arc<Mutex<Vec<Message>>>,
    tail: tail::Handle,
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// With these variables besides those that every test has.
    pub(crate) async fn start_with(variables: &[(&str, &str)]) -> Self {
        let servers = local::testing::servers().await;
        Self::start_on(servers.database("inventory").await.url(), variables).await
    }

    /// The same on a database of the test's own.
    pub(crate) async fn start_on(database_url: &str, variables: &[(&str, &str)]) -> Self {
        let servers = local::testing::servers().await;
        let own = [
            ("PLUMBLINE_LISTEN", "127.0.0.1:0".to_owned()),
            ("PLUMBLINE_DATABASE_URL", database_url.to_owned()),
            ("PLUMBLINE_DATABASE_POOL", "6".to_owned()),
            ("PLUMBLINE_KAFKA_BOOTSTRAP", servers.kafka_bootstrap().to_owned()),
            ("PLUMBLINE_TOPIC_PREFIX", local::testing::prefix()),
            ("PLUMBLINE_OPERATOR_TOKEN", TOKEN.to_owned()),
        ];
        let given = variables.iter().map(|(name, value)| (*name, (*value).to_owned()));
        let variables: HashMap<String, String> =
            own.into_iter().chain(given).map(|(name, value)| (name.to_owned(), value)).collect();
        let app = App::build(config(&variables)).await.unwrap();
        let stock = follow(&config(&variables), Topic::Stock);
        let database = PgPool::connect(database_url).await.unwrap();
        // No connection stays idle: a server that stops looks but once a second whether they are gone.
        let http = reqwest::Client::builder().pool_max_idle_per_host(0).build().unwrap();
        Self { apps: vec![app], database, variables, http, stock }
    }

    /// Starts another instance beside those that run, with a name of its own.
    pub(crate) async fn start_another(&mut self) {
        self.start_another_with(&[]).await;
    }

    /// The same with these variables besides.
    pub(crate) async fn start_another_with(&mut self, given: &[(&str, &str)]) {
        let mut variables = self.variables.clone();
        variables.insert("PLUMBLINE_INSTANCE".to_owned(), format!("inventory-{}", self.apps.len() + 1));
        variables.extend(given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        self.apps.push(App::build(config(&variables)).await.unwrap());
    }

    pub(crate) async fn end(self) {
        for app in self.apps {
            app.stop().await;
        }
        self.stock.tail.stop().await;
    }

    /// What an instance is configured with.
    pub(crate) fn variables(&self) -> &HashMap<String, String> {
        &self.variables
    }

    pub(crate) fn config(&self) -> Config {
        config(&self.variables)
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.request_of(0, method, path)
    }

    /// To one of the instances, from 0.
    pub(crate) fn request_of(&self, instance: usize, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("http://{}{path}", self.apps[instance].address()))
    }

    pub(crate) async fn get(&self, path: &str) -> (StatusCode, Value) {
        answer(self.request(Method::GET, path)).await
    }

    /// As the operator.
    pub(crate) async fn put(&self, path: &str, body: Value) -> (StatusCode, Value) {
        answer(self.request(Method::PUT, path).bearer_auth(TOKEN).json(&body)).await
    }

    /// As the operator.
    pub(crate) async fn adjust(&self, sku: &str, delta: i64, key: Option<&str>) -> (StatusCode, Value) {
        let request = self.request(Method::POST, &format!("/stock/{sku}/adjustments")).bearer_auth(TOKEN);
        let request = key.into_iter().fold(request, |request, key| request.header("Idempotency-Key", key));
        answer(request.json(&json!({"delta": delta, "reason": "count"}))).await
    }

    /// Asks for a reservation, as the operator.
    pub(crate) async fn reserve(&self, id: OrderId, lines: &[(&str, i64)]) -> (StatusCode, Value) {
        let request = self.request(Method::POST, "/reservations").bearer_auth(TOKEN);
        answer(reserving(request, id, lines)).await
    }

    /// Makes products, each with so much stock.
    pub(crate) async fn stock_up(&self, levels: &[(&str, i64)]) {
        for (sku, available) in levels {
            let body = json!({"name": sku, "unit_price": {"minor": 255, "currency": "GBP"}});
            let (status, product) = self.put(&format!("/products/{sku}"), body).await;
            assert_eq!(status, 201, "{product}");
            if *available > 0 {
                let (status, adjustment) = self.adjust(sku, *available, None).await;
                assert_eq!(status, 200, "{adjustment}");
            }
        }
    }

    /// What is available and what is reserved.
    pub(crate) async fn level(&self, sku: &str) -> (i64, i64) {
        let stock = self.stock_of(sku).await;
        (stock.available, stock.reserved)
    }

    pub(crate) async fn stock_of(&self, sku: &str) -> Stock {
        let (status, stock) = self.get(&format!("/stock/{sku}")).await;
        assert_eq!(status, 200, "{stock}");
        serde_json::from_value(stock).unwrap()
    }

    pub(crate) async fn reservation(&self, order: OrderId) -> Option<Reservation> {
        let (status, reservation) = self.get(&format!("/reservations/{order}")).await;
        (status == StatusCode::OK).then(|| serde_json::from_value(reservation).unwrap())
    }

    pub(crate) async fn until_status(&self, order: OrderId, wanted: ReservationStatus) -> Reservation {
        until(&format!("reservation {order} to be {wanted:?}"), async || {
            self.reservation(order).await.filter(|reservation| reservation.status == wanted)
        })
        .await
    }

    /// Puts events on their topics, in one frame a bucket, through the outbox of the service's own database: its relay
    /// does not ask who wrote them.
    pub(crate) async fn publish(&self, say: impl FnOnce(&mut outbox::Batch)) {
        let mut batch = outbox::Batch::new("/plumbline/test");
        say(&mut batch);
        let mut connection = self.database.acquire().await.unwrap();
        batch.write(&mut connection).await.unwrap();
    }

    /// Places an order.
    pub(crate) async fn place(&self, lines: &[(&str, i64)]) -> OrderId {
        let order = OrderId::generate();
        self.publish(|batch| push(batch, &placed(order, lines))).await;
        order
    }

    /// The events published about an order on `stock.v1`, in their order; one that a relay sent twice, as it may when
    /// buckets change hands, counts once.
    pub(crate) fn told_about(&self, order: OrderId) -> Vec<Message> {
        let (seen, key) = (self.stock.seen.lock().unwrap(), order.to_string());
        let mut told: Vec<Message> = Vec::new();
        for message in seen.iter().filter(|message| message.key == key) {
            if told.iter().all(|before| before.payload != message.payload) {
                told.push(message.clone());
            }
        }
        told
    }

    /// The types of the events about an order, once there are so many, in a few words: `reserved`, `rejected`,
    /// `released`.
    pub(crate) async fn until_told(&self, order: OrderId, count: usize) -> Vec<String> {
        let told = until(&format!("{count} events about {order}"), async || {
            Some(self.told_about(order)).filter(|told| told.len() >= count)
        })
        .await;
        let word = |message: &Message| message.event_type.as_deref().unwrap().split('.').nth(2).unwrap().to_owned();
        told.iter().map(word).collect()
    }

    /// How many of a topic's messages are set aside.
    pub(crate) fn dead_letters(&self, topic: Topic) -> i64 {
        let config = self.config();
        let bootstrap = &config.common.kafka_bootstrap;
        let counts = tokio::task::block_in_place(|| dead_letters::count(bootstrap, &topics(&config)).unwrap());
        counts.into_iter().find(|(counted, _)| *counted == topic).unwrap().1
    }

    /// Waits until all that was published so far is on its topic, is processed, and all that was published about it is
    /// on its topic and seen here.
    pub(crate) async fn settle(&self) {
        self.until_outbox_is_empty().await;
        let orders = read_all(&self.config(), Topic::Orders).await;
        let ends = orders.iter().map(|message| (message.partition, message.offset + 1)).collect::<HashMap<_, _>>();
        until("all order events to be taken", async || {
            let taken: Vec<(i32, i64)> =
                sqlx::query_as("SELECT partition, next_offset FROM inbox_position WHERE topic LIKE '%orders.v1'")
                    .fetch_all(&self.database)
                    .await
                    .unwrap();
            let taken: HashMap<i32, i64> = taken.into_iter().collect();
            ends.iter().all(|(partition, end)| taken.get(partition) >= Some(end)).then_some(())
        })
        .await;
        self.until_outbox_is_empty().await;
        let told = read_all(&self.config(), Topic::Stock).await;
        until("all to be seen", async || (self.stock.seen().len() >= told.len()).then_some(())).await;
    }

    async fn until_outbox_is_empty(&self) {
        until("the outbox to be empty", async || {
            let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM outbox").fetch_one(&self.database).await.unwrap();
            (rows == 0).then_some(())
        })
        .await;
    }
}

/// All messages of a topic, in order within each partition.
async fn read_all(config: &Config, topic: Topic) -> Vec<Message> {
    let followed = follow(config, topic);
    followed.tail.caught_up().await;
    followed.tail.stop().await;
    Arc::into_inner(followed.seen).unwrap().into_inner().unwrap()
}

impl Followed {
    pub(crate) fn seen(&self) -> Vec<Message> {
        self.seen.lock().unwrap().clone()
    }
}

/// Follows a topic from its beginning.
pub(crate) fn follow(config: &Config, topic: Topic) -> Followed {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let keep = seen.clone();
    let config = tail::Config {
        bootstrap: config.common.kafka_bootstrap.clone(),
        topics: topics(config),
        topic,
        start: tail::Start::Earliest,
    };
    let tail = tail::start(config, move |message| keep.lock().unwrap().push(message)).unwrap();
    Followed { seen, tail }
}

pub(crate) fn topics(config: &Config) -> Topics {
    Topics::with_prefix(config.common.topic_prefix.clone())
}

fn config(variables: &HashMap<String, String>) -> Config {
    let mut env = Reader::from_map(variables.clone());
    let config = Config::read(&mut env);
    env.finish(config).unwrap()
}

pub(crate) async fn answer(request: RequestBuilder) -> (StatusCode, Value) {
    let response = request.send().await.unwrap();
    let status = response.status();
    (status, response.json().await.unwrap())
}

/// A request for a reservation, with its body.
pub(crate) fn reserving(request: RequestBuilder, id: OrderId, lines: &[(&str, i64)]) -> RequestBuilder {
    let line = |(sku, quantity): &(&str, i64)| json!({"sku": sku, "quantity": quantity});
    request.json(&json!({"order_id": id, "lines": lines.iter().map(line).collect::<Vec<_>>()}))
}

pub(crate) fn push(batch: &mut outbox::Batch, event: &(impl Event + Keyed)) {
    batch.push(event.order_id().bucket(BUCKETS), event, None);
}

/// An event about an order.
pub(crate) trait Keyed: Serialize {
    fn order_id(&self) -> OrderId;
}

impl Keyed for OrderPlaced {
    fn order_id(&self) -> OrderId {
        self.order_id
    }
}

impl Keyed for OrderConfirmed {
    fn order_id(&self) -> OrderId {
        self.order_id
    }
}

impl Keyed for OrderCancelled {
    fn order_id(&self) -> OrderId {
        self.order_id
    }
}

pub(crate) fn placed(order_id: OrderId, lines: &[(&str, i64)]) -> OrderPlaced {
    let unit_price = Money { minor: 255, currency: Currency::GBP };
    let line = |line: StockLine| OrderLine { sku: line.sku, quantity: line.quantity, unit_price };
    OrderPlaced {
        order_id,
        customer_id: None,
        lines: stock_lines(lines).into_iter().map(line).collect(),
        total: unit_price,
        placed_at: Timestamp::now(),
    }
}

pub(crate) fn confirmed(order_id: OrderId, lines: &[(&str, i64)]) -> OrderConfirmed {
    OrderConfirmed { order_id, lines: stock_lines(lines), decided_at: Timestamp::now() }
}

pub(crate) fn cancelled(order_id: OrderId) -> OrderCancelled {
    OrderCancelled { order_id, cancelled_at: Timestamp::now() }
}

pub(crate) fn stock_lines(lines: &[(&str, i64)]) -> Vec<StockLine> {
    let line = |(sku, quantity): &(&str, i64)| StockLine {
        sku: Sku::try_from(*sku).unwrap(),
        quantity: (*quantity).try_into().unwrap(),
    };
    lines.iter().map(line).collect()
}

//! A shop of its own for each test: topics behind a prefix, and the service on a free port.

use std::collections::HashMap;

use contracts::recommendation::Recommendations;
pub(crate) use local::testing::until;
use messaging::{Topics, admin};
use recommendation::{app::App, config::Config};
use reqwest::StatusCode;
use serde_json::Value;
use service::config::Reader;

use crate::producer::Producer;

pub(crate) struct World {
    bootstrap: String,
    prefix: String,
    http: reqwest::Client,
}

impl World {
    pub(crate) async fn open() -> Self {
        let servers = local::testing::servers().await;
        let world = Self {
            bootstrap: servers.kafka_bootstrap().to_owned(),
            prefix: local::testing::prefix(),
            // No connection stays idle: a server that stops looks but once a second whether they are gone.
            http: reqwest::Client::builder().pool_max_idle_per_host(0).build().unwrap(),
        };
        admin::ensure_topics(&world.bootstrap, &world.topics()).await.unwrap();
        world
    }

    fn topics(&self) -> Topics {
        Topics::with_prefix(&*self.prefix)
    }

    pub(crate) async fn producer(&self) -> Producer {
        Producer::start(&self.bootstrap, &self.topics()).await
    }

    /// Starts an instance, with these variables besides those that every test has.
    pub(crate) async fn start(&self, variables: &[(&str, &str)]) -> App {
        let own = [
            ("PLUMBLINE_LISTEN", "127.0.0.1:0"),
            ("PLUMBLINE_KAFKA_BOOTSTRAP", &self.bootstrap),
            ("PLUMBLINE_TOPIC_PREFIX", &self.prefix),
        ];
        let all = own.iter().chain(variables).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let mut env = Reader::from_map(all.collect::<HashMap<_, _>>());
        let config = Config::read(&mut env);
        App::build(env.finish(config).unwrap()).await.unwrap()
    }

    pub(crate) async fn get(&self, app: &App, path: &str) -> (StatusCode, Value) {
        let response = self.http.get(format!("http://{}{path}", app.address())).send().await.unwrap();
        let status = response.status();
        (status, response.json().await.unwrap())
    }

    /// What an instance recommends, as SKU and count, and how many orders it knows.
    pub(crate) async fn recommendations(&self, app: &App, query: &str) -> (Vec<(String, u64)>, u64) {
        let (status, body) = self.get(app, &format!("/recommendations?{query}")).await;
        assert_eq!(status, 200, "{body}");
        let found: Recommendations = serde_json::from_value(body).unwrap();
        (found.items.into_iter().map(|item| (item.sku.to_string(), item.together)).collect(), found.orders_learnt)
    }

    /// Waits until an instance knows so many orders.
    pub(crate) async fn until_learnt(&self, app: &App, orders: u64) {
        until(&format!("{orders} orders to be learnt"), async || {
            let (_, learnt) = self.recommendations(app, "sku=NONE").await;
            (learnt >= orders).then_some(())
        })
        .await;
    }

    pub(crate) async fn until_ready(&self, app: &App) {
        until("the instance to be ready", async || {
            let (status, _) = self.get(app, "/readyz").await;
            (status == StatusCode::OK).then_some(())
        })
        .await;
    }
}

//! A world whose database has a replica that the test can hold back.

use contracts::consistency::{AGE_MS, LEVEL, SERVED_BY, SESSION, VERSION};
use coordination::{Cluster, Name, settings::Control};
use local::{
    servers::{Config, Server, Servers},
    testing::{self, ReplicatedPostgres},
};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

use crate::world::{TOKEN, World, until};

/// What tokens of the tests' sessions are sealed with.
pub(crate) const KEY: (&str, &str) = ("PLUMBLINE_SESSION_KEY", "a key of the tests alone");

pub(crate) struct Stage {
    pub(crate) world: World,
    /// Where a stage with a replica is kept.
    replicated: Option<ReplicatedPostgres>,
    /// Where a stage with a cache keeps it.
    memcached: Option<Servers>,
    /// Where a stage with a cache is set.
    cluster: Option<Cluster>,
}

/// An answer and what it says of itself.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) status: StatusCode,
    pub(crate) by: String,
    pub(crate) age: String,
    pub(crate) age_ms: Option<u64>,
    pub(crate) version: Option<i64>,
    pub(crate) token: Option<String>,
    pub(crate) body: Value,
}

impl Told {
    /// Who answered, and how much is available.
    #[track_caller]
    pub(crate) fn stock(&self) -> (&str, i64) {
        assert_eq!(self.status, 200, "{self:?}");
        (&self.by, self.body["available"].as_i64().unwrap())
    }

    /// Whether the replica has answered.
    pub(crate) fn is_old(&self) -> bool {
        self.by == "replica"
    }

    pub(crate) fn token(&self) -> &str {
        self.token.as_deref().unwrap_or_else(|| panic!("no token: {self:?}"))
    }
}

impl Stage {
    /// One instance, and product A of which there are 10, which the replica has.
    pub(crate) async fn start(variables: &[(&str, &str)]) -> Self {
        let servers = testing::replicated_postgres().await;
        let (primary, replica) = servers.database("inventory").await;
        let own = [("PLUMBLINE_DATABASE_REPLICA_URL", &*replica), KEY];
        let variables: Vec<_> = own.into_iter().chain(variables.iter().copied()).collect();
        let world = World::start_on(&primary, &variables).await;
        world.stock_up(&[("A", 10)]).await;
        let stage = Self { world, replicated: Some(servers), memcached: None, cluster: None };
        stage.until_the_replica_shows(10).await;
        stage
    }

    /// Instances that cache in a memcached of the test's own, for an hour, and product A of which there are 10. Nothing is read
    /// from a replica.
    pub(crate) async fn cached(instances: usize, variables: &[(&str, &str)]) -> Self {
        let database = testing::servers().await.database("inventory").await;
        Self::cached_on(database.url(), instances, variables).await
    }

    /// The same with a replica that the test can hold back.
    pub(crate) async fn cached_with_replica(instances: usize) -> Self {
        let servers = testing::replicated_postgres().await;
        let (primary, replica) = servers.database("inventory").await;
        let variables = [("PLUMBLINE_DATABASE_REPLICA_URL", &*replica)];
        Self { replicated: Some(servers), ..Self::cached_on(&primary, instances, &variables).await }
    }

    async fn cached_on(primary: &str, instances: usize, variables: &[(&str, &str)]) -> Self {
        let memcached = Servers::start(Config::test([Server::Memcached]), |_| {}).await.unwrap();
        let coordinators = testing::coordinators().await.endpoints();
        let cluster = Cluster::new(coordination::Config::new(coordinators, testing::prefix())).unwrap();
        let (address, endpoints) = (memcached.memcached().address().to_string(), coordinators.join(","));
        let own = [
            KEY,
            ("PLUMBLINE_MEMCACHED", &*address),
            ("PLUMBLINE_CACHE_TTL_MILLIS", "3600000"),
            ("PLUMBLINE_COORDINATORS", &endpoints),
            ("PLUMBLINE_COORDINATION_PREFIX", &cluster.config().prefix),
            ("PLUMBLINE_INSTANCE", "inventory-1"),
        ];
        let variables: Vec<_> = own.into_iter().chain(variables.iter().copied()).collect();
        let mut world = World::start_on(primary, &variables).await;
        for _ in 1..instances {
            world.start_another().await;
        }
        world.stock_up(&[("A", 10)]).await;
        Self { world, replicated: None, memcached: Some(memcached), cluster: Some(cluster) }
    }

    /// The primary and its replica, of a stage with one.
    pub(crate) fn servers(&self) -> &Servers {
        self.replicated.as_ref().unwrap()
    }

    /// The cache's server, of a stage with one.
    pub(crate) fn memcached(&self) -> &Servers {
        self.memcached.as_ref().unwrap()
    }

    /// Has all instances cache by a policy.
    pub(crate) async fn set_policy(&self, policy: &str) {
        let control = Control::new(self.cluster.as_ref().unwrap());
        control.set(&Name::literal("cache.policy"), Some(policy), "a test").await.unwrap();
    }

    /// Reads at one of the instances.
    pub(crate) async fn read_of(&self, instance: usize, path: &str, level: &str, token: Option<&str>) -> Told {
        let request = self.world.request_of(instance, Method::GET, path).header(LEVEL, level);
        told(with(request, token).send().await.unwrap()).await
    }

    /// Waits until the cache answers an eventual read at one of the instances.
    pub(crate) async fn until_cached(&self, instance: usize, path: &str) -> Told {
        until("the cache to answer", async || {
            Some(self.read_of(instance, path, "eventual", None).await).filter(|told| told.by == "cache")
        })
        .await
    }

    /// Waits until an eventual read of A at one of the instances shows so many available.
    pub(crate) async fn until_shown(&self, instance: usize, available: i64) {
        until("the change to be seen", async || {
            let told = self.read_of(instance, "/stock/A", "eventual", None).await;
            (told.stock().1 == available).then_some(())
        })
        .await;
    }

    /// Waits until an eventual read of A is answered by the replica, with so many available.
    pub(crate) async fn until_the_replica_shows(&self, available: i64) {
        until("the replica to answer", async || {
            let told = self.stock("eventual", None).await;
            (told.status == 200 && told.stock() == ("replica", available)).then_some(())
        })
        .await;
    }

    /// What the replica answers. On a busy machine it may be taken for one that stands still, and the primary asked, for a
    /// while.
    pub(crate) async fn until_old(&self, path: &str, level: &str, token: Option<&str>) -> Told {
        until("the replica to answer", async || {
            Some(self.read(path, level, token).await).filter(|told| {
                // Nobody answers where the primary is dead meanwhile.
                assert!(told.is_old() || told.by == "primary" || told.status == 503, "{told:?}");
                told.is_old()
            })
        })
        .await
    }

    pub(crate) async fn pause(&self) {
        self.servers().replica().pause_replay().await.unwrap();
    }

    pub(crate) async fn resume(&self) {
        self.servers().replica().resume_replay().await.unwrap();
    }

    /// Reads the stock of A.
    pub(crate) async fn stock(&self, level: &str, token: Option<&str>) -> Told {
        self.read("/stock/A", level, token).await
    }

    pub(crate) async fn read(&self, path: &str, level: &str, token: Option<&str>) -> Told {
        let request = self.world.request(Method::GET, path).header(LEVEL, level);
        told(with(request, token).send().await.unwrap()).await
    }

    /// As the operator.
    pub(crate) async fn write(&self, method: Method, path: &str, body: Value, token: Option<&str>) -> Told {
        let request = self.world.request(method, path).bearer_auth(TOKEN).json(&body);
        told(with(request, token).send().await.unwrap()).await
    }

    /// Adjusts the stock of A.
    pub(crate) async fn adjust(&self, delta: i64, token: Option<&str>) -> Told {
        let body = json!({"delta": delta, "reason": "count"});
        let told = self.write(Method::POST, "/stock/A/adjustments", body, token).await;
        assert_eq!(told.status, 200, "{told:?}");
        told
    }

    pub(crate) async fn end(self) {
        self.world.end().await;
    }
}

pub(crate) fn with(request: RequestBuilder, token: Option<&str>) -> RequestBuilder {
    token.into_iter().fold(request, |request, token| request.header(SESSION, token))
}

pub(crate) async fn told(response: Response) -> Told {
    let header = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    let (status, token) = (response.status(), header(SESSION));
    let (by, age) = (header(SERVED_BY).unwrap_or_default(), header("age").unwrap_or_default());
    let age_ms = header(AGE_MS).map(|age| age.parse().unwrap());
    let version = header(VERSION).map(|version| version.parse().unwrap());
    Told { status, by, age, age_ms, version, token, body: response.json().await.unwrap() }
}

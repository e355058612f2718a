//! A world whose database has a replica that the test can hold back.

use contracts::consistency::{AGE_MS, LEVEL, SERVED_BY, SESSION, VERSION};
use local::testing::{self, ReplicatedPostgres};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

use crate::world::{TOKEN, World, until};

/// What tokens of the tests' sessions are sealed with.
pub(crate) const KEY: (&str, &str) = ("PLUMBLINE_SESSION_KEY", "a key of the tests alone");

pub(crate) struct Stage {
    pub(crate) world: World,
    pub(crate) servers: ReplicatedPostgres,
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
        let stage = Self { world, servers };
        stage.until_the_replica_shows(10).await;
        stage
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
        self.servers.replica().pause_replay().await.unwrap();
    }

    pub(crate) async fn resume(&self) {
        self.servers.replica().resume_replay().await.unwrap();
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

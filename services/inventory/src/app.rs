//! The service as a whole: built from its configuration, run, and ended in order.

use std::{error::Error as StdError, io, net::SocketAddr, sync::LazyLock};

use cache::Front;
use contracts::topics::Topic;
use coordination::settings::{DefineError, Definitions};
use locks::ConfigError;
use messaging::{Topics, admin, consumer, relay};
use service::{Presence, config::Reader, consistency::Sessions, health::Health, http, patiently};
use utoipa::OpenApi as _;

use crate::{
    SERVICE,
    config::Config,
    events::Orders,
    gathering,
    locking::Locking,
    metric_definitions::METRICS,
    routes::{ApiDescription, Endpoints},
    settings::Settings,
    store::{self, PrepareError, Store},
    sweep,
};

/// The consumer group that shares the order events.
const GROUP: &str = "inventory";

/// Why the service did not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database is away, or its tables can't be brought up to date.
    #[error("PLUMBLINE_DATABASE_URL: {0}")]
    Database(#[from] PrepareError),
    /// Kafka is away, or refuses the topics.
    #[error(transparent)]
    Topics(#[from] admin::Error),
    /// The Kafka client refuses its settings.
    #[error("Kafka client: {0}")]
    Client(#[source] Box<dyn StdError + Send + Sync>),
    /// A setting can't be defined: a mistake in the program.
    #[error(transparent)]
    Settings(#[from] DefineError),
    /// No lock can be taken as it is configured.
    #[error("PLUMBLINE_REDIS_URL, PLUMBLINE_REDLOCK_URLS or PLUMBLINE_LOCK_TTL_MILLIS: {0}")]
    Locks(#[from] ConfigError),
    /// Nothing can be cached as it is configured.
    #[error("PLUMBLINE_MEMCACHED: {0}")]
    Caching(#[from] cache::ConfigError),
    /// The address can't be listened on.
    #[error(transparent)]
    Listen(#[from] io::Error),
}

/// The running service.
#[derive(Debug)]
pub struct App {
    health: Health,
    presence: Presence,
    http: http::Running,
    gathering: gathering::Handle,
    orders: consumer::Handle,
    sweep: sweep::Handle,
    relay: relay::Handle,
    store: Store,
}

impl App {
    /// Starts everything, and returns when requests are served and order events are taken.
    ///
    /// # Errors
    /// See [`Error`]. Databases and brokers that are away are waited for, up to 30 s.
    pub async fn build(config: Config) -> Result<Self, Error> {
        // Made at once, so that counters that must stay at 0 are shown from the start.
        LazyLock::force(&METRICS);
        let health = Health::default();
        let serving = health.part("serving");
        let topics = Topics::with_prefix(config.common.topic_prefix.clone());
        let bootstrap = &config.common.kafka_bootstrap;
        let mut definitions = Definitions::new();
        let settings = Settings::define(&mut definitions, &config)?;
        let mut presence = Presence::begin(&config.common, SERVICE, definitions, &health)?;
        let cluster = presence.candidate().map(|candidate| candidate.cluster.clone());
        let locking = Locking::new(&config.locking, settings.locking, cluster.clone(), &config.common.instance)?;
        let store = Store::new(&config.databases, config.database_pool, &settings.caching.ttl);
        patiently("the database", || store.prepare(), PrepareError::is_transient).await?;
        let identity = patiently("the database", || store.identity(), store::Error::is_transient).await;
        let identity = identity.map_err(PrepareError::from)?;
        let sessions = Sessions::new(config.session_key, identity.cluster);
        patiently("Kafka", || admin::ensure_topics(bootstrap, &topics), |_| true).await?;
        presence.settings_read().await;
        let front = Front::new(&config.caching.servers, identity, &settings.caching, cluster.as_ref())?;
        let store = store.behind(&front);

        let relay = relay::start(relay::Config {
            pacing: settings.relay,
            candidate: presence.candidate().cloned(),
            ..relay::Config::new(bootstrap, topics.clone(), store.options().clone())
        });
        let orders = consume(bootstrap, topics, settings.consumer, (&store, &locking), &relay)?;
        let sweep =
            sweep::start(settings.sweep, presence.stand(&sweep::DUTY), store.clone(), locking.clone(), relay.waker());
        let (gathering, reserving) = gathering::start(&config.gathering, &settings.gathering, &store, &locking);
        let endpoints = Endpoints { store: store.clone(), locking, gathering, relay: relay.waker(), sessions };
        let http = http::serve(&config.common.http, &health, ApiDescription::openapi(), move |http| {
            endpoints.register(http);
        })?;
        serving.ready();
        presence.serve(http.address());
        tracing::info!(address = %http.address(), instance = config.common.instance, "inventory service serves");
        Ok(Self { health, presence, http, gathering: reserving, orders, sweep, relay, store })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.http.address()
    }

    /// Ends it: found no more, no new requests, those in hand finished, no more order events, what is published on its way,
    /// and all connections closed.
    pub async fn stop(mut self) {
        self.health.part("serving").not_ready("stopping");
        self.presence.leave().await;
        self.http.stop().await;
        self.gathering.stop().await;
        self.orders.stop().await;
        self.sweep.stop().await;
        self.relay.stop().await;
        self.store.close().await;
    }
}

fn consume(
    bootstrap: &str,
    topics: Topics,
    batching: consumer::Batching,
    (store, locking): (&Store, &Locking),
    relay: &relay::Handle,
) -> Result<consumer::Handle, Error> {
    let settings =
        consumer::Config { batching, ..consumer::Config::new(bootstrap, topics, GROUP, vec![Topic::Orders]) };
    let handler = Orders { store: store.clone(), locking: locking.clone(), relay: relay.waker() };
    consumer::start(settings, store.pool().clone(), handler).map_err(|refusal| Error::Client(Box::new(refusal)))
}

/// The service as a program.
#[derive(Debug)]
pub struct Program;

impl service::Application for Program {
    const NAME: &'static str = "inventory";
    const ABOUT: &'static str = "owns products and stock; reserves, releases, never sells what is not there";
    type Config = Config;
    type App = App;

    fn configure(env: &mut Reader) -> Option<Config> {
        Config::read(env)
    }

    fn instance(config: &Config) -> String {
        config.common.instance.clone()
    }

    async fn build(config: Config) -> Result<App, Box<dyn StdError>> {
        Ok(App::build(config).await?)
    }

    async fn stop(app: App) {
        app.stop().await;
    }
}

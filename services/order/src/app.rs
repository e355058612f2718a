//! The service as a whole: built from its configuration, run, and ended in order.

use std::{error::Error as StdError, io, net::SocketAddr};

use cache::Front;
use contracts::topics::Topic;
use coordination::settings::{DefineError, Definitions};
use messaging::{Topics, admin, consumer, relay};
use service::{
    Presence,
    config::Reader,
    consistency::Sessions,
    health::{Health, Part},
    http, patiently,
};
use tokio::task::JoinHandle;
use utoipa::OpenApi as _;

use crate::{
    SERVICE,
    catalogue::Catalogue,
    committer,
    config::Config,
    events::{ClientError, Feed, StockNews},
    operations::{cancel::Cancel, place::Place},
    routes::{ApiDescription, Endpoints},
    settings::Settings,
    store::{self, PrepareError, Store},
    waiting::Waiting,
};

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
    #[error(transparent)]
    Client(#[from] ClientError),
    /// A setting can't be defined: a mistake in the program.
    #[error(transparent)]
    Settings(#[from] DefineError),
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
    committer: committer::Handle,
    news: consumer::Handle,
    feed: Feed,
    relay: relay::Handle,
    waiting: Waiting,
    tasks: Vec<JoinHandle<()>>,
    store: Store,
}

impl App {
    /// Starts everything, and returns when requests are served; orders are taken once the catalogue is read, which
    /// `/readyz` tells.
    ///
    /// # Errors
    /// See [`Error`]. Databases and brokers that are away are waited for, up to 30 s.
    pub async fn build(config: Config) -> Result<Self, Error> {
        let health = Health::default();
        let (catalogue_part, serving_part) = (health.part("catalogue"), health.part("serving"));
        let topics = Topics::with_prefix(config.common.topic_prefix.clone());
        let bootstrap = &config.common.kafka_bootstrap;
        let mut definitions = Definitions::new();
        let settings = Settings::define(&mut definitions, &config)?;
        let mut presence = Presence::begin(&config.common, SERVICE, definitions, &health)?;
        let store = Store::new(&config.databases, config.database_pool, &settings.caching.ttl);
        patiently("the database", || store.prepare(), PrepareError::is_transient).await?;
        let identity = patiently("the database", || store.identity(), store::Error::is_transient).await;
        let identity = identity.map_err(PrepareError::from)?;
        let sessions = Sessions::new(config.session_key, identity.cluster);
        patiently("Kafka", || admin::ensure_topics(bootstrap, &topics), |_| true).await?;
        presence.settings_read().await;
        let cluster = presence.candidate().map(|candidate| &candidate.cluster);
        let front = Front::new(&config.caching.servers, identity, &settings.caching, cluster)?;
        let store = store.behind(&front);

        let relay = relay::start(relay::Config {
            pacing: settings.relay,
            candidate: presence.candidate().cloned(),
            ..relay::Config::new(bootstrap, topics.clone(), store.options().clone())
        });
        let waiting = Waiting::default();
        let (committer, committing) = committer::start(&config.commit, &settings.commit, &store, &relay.waker());
        let catalogue = Catalogue::default();
        let feed = Feed::start(bootstrap, &topics, catalogue.clone(), store.clone(), relay.waker())?;
        let news = consume(bootstrap, topics, settings.consumer, &store, &relay, &waiting)?;
        let place = Place { catalogue, catalogue_read: feed.caught_up(), committer, waiting: waiting.clone() };
        let cancel = Cancel { store: store.clone(), relay: relay.waker(), waiting: waiting.clone() };
        let endpoints = Endpoints { place, cancel, store: store.clone(), sessions };
        let http = http::serve(&config.common.http, &health, ApiDescription::openapi(), move |http| {
            endpoints.register(http);
        })?;
        serving_part.ready();
        presence.serve(http.address());
        let ready = tokio::spawn(ready_when_read(catalogue_part, feed.caught_up()));
        tracing::info!(address = %http.address(), instance = config.common.instance, "order service serves");
        let tasks = vec![ready, waiting.poll(store.clone())];
        Ok(Self { health, presence, http, committer: committing, news, feed, relay, waiting, tasks, store })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.http.address()
    }

    /// Ends it: found no more, no new requests, those in hand finished, whoever waits for a decision answered as things are,
    /// no more news, what is published on its way, and all connections closed.
    pub async fn stop(mut self) {
        self.health.part("serving").not_ready("stopping");
        self.presence.leave().await;
        self.waiting.give_up();
        self.http.stop().await;
        self.committer.stop().await;
        self.news.stop().await;
        self.feed.stop().await;
        self.relay.stop().await;
        self.tasks.iter().for_each(JoinHandle::abort);
        self.store.close().await;
    }
}

fn consume(
    bootstrap: &str,
    topics: Topics,
    batching: consumer::Batching,
    store: &Store,
    relay: &relay::Handle,
    waiting: &Waiting,
) -> Result<consumer::Handle, ClientError> {
    let settings =
        consumer::Config { batching, ..consumer::Config::new(bootstrap, topics, "order", vec![Topic::Stock]) };
    let handler = StockNews { store: store.clone(), relay: relay.waker(), waiting: waiting.clone() };
    consumer::start(settings, store.pool().clone(), handler).map_err(ClientError::new)
}

async fn ready_when_read(part: Part, mut read: tokio::sync::watch::Receiver<bool>) {
    part.not_ready("reading the catalogue");
    if read.wait_for(|read| *read).await.is_ok() {
        part.ready();
    }
}

/// The service as a program.
#[derive(Debug)]
pub struct Program;

impl service::Application for Program {
    const NAME: &'static str = "order";
    const ABOUT: &'static str = "takes orders and owns their life";
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

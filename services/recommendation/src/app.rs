//! The service as a whole: built from its configuration, run, and ended in order.

use std::{error::Error as StdError, io, net::SocketAddr};

use messaging::{Topics, admin};
use service::{config::Reader, health::Health, http, patiently};
use utoipa::OpenApi as _;

use crate::{
    config::Config,
    events::{ClientError, Feed},
    memory::Memory,
    routes::{ApiDescription, Endpoints},
};

/// Why the service did not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Kafka is away, or refuses the topics.
    #[error(transparent)]
    Topics(#[from] admin::Error),
    /// The Kafka client refuses its settings.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The address can't be listened on.
    #[error(transparent)]
    Listen(#[from] io::Error),
}

/// The running service.
#[derive(Debug)]
pub struct App {
    health: Health,
    http: http::Running,
    feed: Feed,
}

impl App {
    /// Starts everything, and returns when requests are served; `/readyz` tells when the orders so far are learnt.
    ///
    /// # Errors
    /// See [`Error`]. A broker that is away is waited for, up to 30 s.
    pub async fn build(config: Config) -> Result<Self, Error> {
        let health = Health::default();
        let (model, serving) = (health.part("model"), health.part("serving"));
        let topics = Topics::with_prefix(config.common.topic_prefix.clone());
        let bootstrap = &config.common.kafka_bootstrap;
        patiently("Kafka", || admin::ensure_topics(bootstrap, &topics), |_| true).await?;

        let memory = Memory::new(config.window);
        let feed = Feed::start(bootstrap, &topics, config.window, memory.clone(), model)?;
        let endpoints = Endpoints { memory };
        let http = http::serve(&config.common.http, &health, ApiDescription::openapi(), move |http| {
            endpoints.register(http);
        })?;
        serving.ready();
        tracing::info!(address = %http.address(), instance = config.common.instance, "recommendation service serves");
        Ok(Self { health, http, feed })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.http.address()
    }

    /// Ends it: no new requests, those in hand finished, and no more reading.
    pub async fn stop(self) {
        self.health.part("serving").not_ready("stopping");
        self.http.stop().await;
        self.feed.stop().await;
    }
}

/// The service as a program.
#[derive(Debug)]
pub struct Program;

impl service::Application for Program {
    const NAME: &'static str = "recommendation";
    const ABOUT: &'static str = "learns what is bought together";
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

//! The service as a whole: built from its configuration, run, and ended in order.

use std::{error::Error as StdError, io, net::SocketAddr};

use coordination::settings::{DefineError, Definitions, Integer, Setting};
use messaging::{Topics, admin};
use service::{Presence, config::Reader, health::Health, http, patiently};
use utoipa::OpenApi as _;

use crate::{
    SERVICE,
    builder::{self, Builder, Source},
    config::{Config, WINDOW_RANGE},
    memory::Memory,
    routes::{ApiDescription, Endpoints},
};

/// Why the service did not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Kafka is away, or refuses the topics.
    #[error(transparent)]
    Topics(#[from] admin::Error),
    /// A setting can't be defined: a mistake in the program.
    #[error(transparent)]
    Settings(#[from] DefineError),
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
    builder: Builder,
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
        let bootstrap = config.common.kafka_bootstrap.clone();
        let mut definitions = Definitions::new();
        let window = define_window(&mut definitions, &config)?;
        let mut presence = Presence::begin(&config.common, SERVICE, definitions, &health)?;
        patiently("Kafka", || admin::ensure_topics(&bootstrap, &topics), |_| true).await?;

        let memory = Memory::new(window.count());
        let (candidate, duty) = (presence.candidate().cloned(), presence.stand(&builder::DUTY));
        let source = Source { bootstrap, topics, window };
        let builder = Builder::start(source, candidate, duty, memory.clone(), model);
        let endpoints = Endpoints { memory };
        let http = http::serve(&config.common.http, &health, ApiDescription::openapi(), move |http| {
            endpoints.register(http);
        })?;
        serving.ready();
        presence.serve(http.address());
        tracing::info!(address = %http.address(), instance = config.common.instance, "recommendation service serves");
        Ok(Self { health, presence, http, builder })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.http.address()
    }

    /// Ends it: found no more, the building of the model handed on, no new requests, and those in hand finished.
    pub async fn stop(mut self) {
        self.health.part("serving").not_ready("stopping");
        self.presence.leave().await;
        self.builder.stop().await;
        self.http.stop().await;
    }
}

/// What of this service is set while it runs; what it is configured with holds until then.
fn define_window(definitions: &mut Definitions, config: &Config) -> Result<Setting<i64>, DefineError> {
    let window = Integer { default: config.window, range: WINDOW_RANGE };
    let help = "Newest confirmed orders that the model knows; it is built anew when this changes";
    definitions.define(SERVICE.join("window"), window, "orders", help)
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

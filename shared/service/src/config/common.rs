//! What every service is configured with.

use std::{net::SocketAddr, time::Duration};

use super::{Coordination, Reader, Secret};
use crate::presence;

/// What every service is configured with.
#[derive(Debug, Clone)]
pub struct Common {
    /// Where HTTP is served.
    pub http: Http,
    /// `service.instance.id`.
    pub instance: String,
    /// Kafka's addresses.
    pub kafka_bootstrap: String,
    /// What stands in front of every topic and group name.
    pub topic_prefix: String,
    /// What it shares with others through the coordinators; `None` where it runs alone.
    pub coordination: Option<Coordination>,
}

/// How HTTP is served.
#[derive(Debug, Clone)]
pub struct Http {
    /// Address and port; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Threads that serve.
    pub workers: usize,
    /// How long requests in hand may take when the service stops.
    pub drain: Duration,
    /// What `Authorization: Bearer` must hold for what changes stock or settings by hand.
    pub operator_token: Option<Secret>,
}

impl Common {
    /// Reads the variables that every service has. `port` is the default port, on 127.0.0.1.
    pub fn read(env: &mut Reader, service: &str, port: u16) -> Option<Self> {
        let listen = env.optional(
            "PLUMBLINE_LISTEN",
            SocketAddr::from(([127, 0, 0, 1], port)),
            "address and port to serve HTTP on; port 0 takes a free one",
        );
        let workers = env.within("PLUMBLINE_HTTP_WORKERS", 2, (1, 64), "threads that serve HTTP");
        let drain =
            env.within("PLUMBLINE_DRAIN_SECONDS", 10, (0, 300), "how long requests in hand may take at SIGTERM");
        let operator_token = env.secret("PLUMBLINE_OPERATOR_TOKEN", "bearer token for what changes stock by hand");
        let instance = env.optional(
            "PLUMBLINE_INSTANCE",
            default_instance(service),
            "this instance's name, in telemetry and among the instances of its service",
        );
        let kafka_bootstrap = env.optional(
            "PLUMBLINE_KAFKA_BOOTSTRAP",
            "127.0.0.1:19092".to_owned(),
            "Kafka's addresses, host:port, several separated by commas",
        );
        let topic_prefix =
            env.optional("PLUMBLINE_TOPIC_PREFIX", String::new(), "what stands in front of every topic and group name");
        let coordination = Coordination::read(env, &instance);
        let http = Http { listen, workers, drain: Duration::from_secs(drain), operator_token };
        Some(Self { http, instance, kafka_bootstrap, topic_prefix, coordination })
    }
}

/// In containers all processes have the same number, so the machine's name belongs to it.
fn default_instance(service: &str) -> String {
    let process = std::process::id();
    presence::host().map_or_else(|_| format!("{service}-{process}"), |host| format!("{service}-{host}-{process}"))
}

//! How an instance of a service is started: its program, variables and log.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use super::{config::Config, error::StartError, part::Service};
use crate::{home, process::Spec};

/// What services reach, and how they prove who they are.
#[derive(Debug, Clone)]
pub(super) struct Surroundings {
    pub(super) order_database: String,
    /// The same in PostgreSQL's replica, where there is one.
    pub(super) order_replica: Option<String>,
    pub(super) inventory_database: String,
    pub(super) inventory_replica: Option<String>,
    pub(super) kafka: SocketAddr,
    /// Where memcached listens.
    pub(super) memcached: SocketAddr,
    /// URL of Redis, with its password.
    pub(super) redis: String,
    /// URLs of the other Redis servers, of which Redlock takes most.
    pub(super) redlock: Vec<String>,
    /// Of each coordinator.
    pub(super) coordinators: Vec<String>,
    /// Where spans are sent, if the shop has a place for them.
    pub(super) spans: Option<String>,
    pub(super) secrets: Secrets,
    /// Where logs stand.
    pub(super) logs: PathBuf,
}

/// What this installation has made for its services alone to know.
#[derive(Debug, Clone)]
pub(super) struct Secrets {
    /// What proves that a caller may change stock by hand.
    pub(super) operator_token: String,
    /// What proves that the token of a session is one of theirs.
    pub(super) session_key: String,
}

impl Surroundings {
    /// The variables an instance needs; nothing that it has no use for, secrets least of all.
    fn variables(&self, service: Service, number: u16, address: SocketAddr) -> Vec<(&'static str, String)> {
        let mut variables = vec![
            ("PLUMBLINE_LISTEN", address.to_string()),
            ("PLUMBLINE_INSTANCE", format!("{service}-{number}")),
            ("PLUMBLINE_KAFKA_BOOTSTRAP", self.kafka.to_string()),
        ];
        if !self.coordinators.is_empty() {
            variables.push(("PLUMBLINE_COORDINATORS", self.coordinators.join(",")));
        }
        if let Some(endpoint) = &self.spans {
            // The store takes spans and nothing else.
            variables.push(("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", endpoint.clone()));
            variables.push(("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "grpc".to_owned()));
        }
        match service {
            Service::Order => variables.extend(self.databases(&self.order_database, self.order_replica.as_ref())),
            Service::Inventory => {
                variables.extend(self.databases(&self.inventory_database, self.inventory_replica.as_ref()));
                variables.push(("PLUMBLINE_REDIS_URL", self.redis.clone()));
                if !self.redlock.is_empty() {
                    variables.push(("PLUMBLINE_REDLOCK_URLS", self.redlock.join(",")));
                }
                variables.push(("PLUMBLINE_OPERATOR_TOKEN", self.secrets.operator_token.clone()));
            }
            Service::Recommendation => {}
        }
        variables
    }

    /// What whoever keeps a database needs.
    fn databases(&self, primary: &str, replica: Option<&String>) -> impl Iterator<Item = (&'static str, String)> {
        let of_all = [
            ("PLUMBLINE_DATABASE_URL", primary.to_owned()),
            ("PLUMBLINE_SESSION_KEY", self.secrets.session_key.clone()),
            ("PLUMBLINE_MEMCACHED", self.memcached.to_string()),
        ];
        of_all.into_iter().chain(replica.map(|url| ("PLUMBLINE_DATABASE_REPLICA_URL", url.clone())))
    }
}

/// What an instance is started from: in its first life, and in later ones.
pub(super) fn specs(
    config: &Config,
    programs: &Path,
    surroundings: &Surroundings,
    (service, number): (Service, u16),
    address: SocketAddr,
) -> (Spec, Spec) {
    let name = format!("{service}#{number}");
    let log = surroundings.logs.join(format!("{name}.log"));
    let spec = |first| {
        let mut variables = config.env.clone();
        let set = surroundings.variables(service, number, address);
        variables.extend(set.into_iter().map(|(name, value)| (name.to_owned(), value)));
        variables.extend(overrides(config, service, number, first));
        let mut spec = Spec::new(&name, programs.join(service.program()), &log);
        spec.env = variables.into_iter().collect();
        spec
    };
    (spec(true), spec(false))
}

fn overrides(config: &Config, service: Service, number: u16, first: bool) -> BTreeMap<String, String> {
    let meant = config.instance_env.iter().filter(|env| {
        let lives = first || !env.first_life_only;
        env.service == service && env.instance == number && lives
    });
    meant.map(|env| (env.name.clone(), env.value.clone())).collect()
}

/// The folder of the services' programs, all of which must be there.
pub(super) fn programs(config: &Config) -> Result<PathBuf, StartError> {
    let folder = config.programs.clone().unwrap_or_else(home::programs);
    let missing = Service::ALL.into_iter().map(|service| folder.join(service.program())).find(|file| !file.is_file());
    missing.map_or(Ok(folder), |file| Err(StartError::Program(file)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shop::InstanceEnv;

    fn variable(spec: &Spec, name: &str) -> Option<String> {
        spec.env.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    }

    fn surroundings() -> Surroundings {
        Surroundings {
            order_database: "postgres://order".to_owned(),
            order_replica: None,
            inventory_database: "postgres://inventory".to_owned(),
            inventory_replica: Some("postgres://replica/inventory".to_owned()),
            kafka: "127.0.0.1:19092".parse().unwrap(),
            memcached: "127.0.0.1:21211".parse().unwrap(),
            redis: "redis://127.0.0.1:16379/0".to_owned(),
            redlock: Vec::new(),
            coordinators: vec!["http://127.0.0.1:8091".to_owned(), "http://127.0.0.1:8092".to_owned()],
            spans: None,
            secrets: Secrets { operator_token: "secret".to_owned(), session_key: "of the session".to_owned() },
            logs: PathBuf::from("/data/logs"),
        }
    }

    fn address() -> SocketAddr {
        "127.0.0.1:9181".parse().unwrap()
    }

    #[test]
    fn an_instance_gets_what_it_needs_and_no_more() {
        let mut config = Config::test();
        config.env.insert("PLUMBLINE_LISTEN".to_owned(), "0.0.0.0:80".to_owned());
        config.env.insert("PLUMBLINE_LOG".to_owned(), "debug".to_owned());
        let (order, _) = specs(&config, Path::new("/bin"), &surroundings(), (Service::Order, 2), address());
        assert_eq!(variable(&order, "PLUMBLINE_LISTEN").as_deref(), Some("127.0.0.1:9181"));
        assert_eq!(variable(&order, "PLUMBLINE_DATABASE_URL").as_deref(), Some("postgres://order"));
        assert_eq!(variable(&order, "PLUMBLINE_LOG").as_deref(), Some("debug"));
        assert_eq!(variable(&order, "PLUMBLINE_OPERATOR_TOKEN"), None);
        assert_eq!(variable(&order, "PLUMBLINE_REDIS_URL"), None);
        assert_eq!(variable(&order, "PLUMBLINE_DATABASE_REPLICA_URL"), None);
        assert_eq!(variable(&order, "PLUMBLINE_SESSION_KEY").as_deref(), Some("of the session"));
        assert_eq!(variable(&order, "PLUMBLINE_MEMCACHED").as_deref(), Some("127.0.0.1:21211"));
        let coordinators = variable(&order, "PLUMBLINE_COORDINATORS");
        assert_eq!(coordinators.as_deref(), Some("http://127.0.0.1:8091,http://127.0.0.1:8092"));
        assert_eq!(order.log, Path::new("/data/logs/order#2.log"));

        let (inventory, _) = specs(&config, Path::new("/bin"), &surroundings(), (Service::Inventory, 1), address());
        let replica = variable(&inventory, "PLUMBLINE_DATABASE_REPLICA_URL");
        assert_eq!(replica.as_deref(), Some("postgres://replica/inventory"));
        let (recommendation, _) =
            specs(&config, Path::new("/bin"), &surroundings(), (Service::Recommendation, 1), address());
        assert_eq!(variable(&recommendation, "PLUMBLINE_SESSION_KEY"), None);
        assert_eq!(variable(&recommendation, "PLUMBLINE_MEMCACHED"), None);
    }

    #[test]
    fn a_shop_without_coordinators_uses_those_it_is_told_of() {
        let mut config = Config::test();
        config.env.insert("PLUMBLINE_COORDINATORS".to_owned(), "http://elsewhere:2379".to_owned());
        let none = Surroundings { coordinators: Vec::new(), ..surroundings() };
        let (order, _) = specs(&config, Path::new("/bin"), &none, (Service::Order, 1), address());
        assert_eq!(variable(&order, "PLUMBLINE_COORDINATORS").as_deref(), Some("http://elsewhere:2379"));
    }

    #[test]
    fn spans_go_to_the_shops_own_store_where_there_is_one() {
        let mut config = Config::test();
        config.env.insert("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT".to_owned(), "http://elsewhere:4317".to_owned());
        let endpoint = |spans: Option<String>| {
            let surroundings = Surroundings { spans, ..surroundings() };
            let (order, _) = specs(&config, Path::new("/bin"), &surroundings, (Service::Order, 1), address());
            variable(&order, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT").unwrap()
        };
        assert_eq!(endpoint(None), "http://elsewhere:4317");
        assert_eq!(endpoint(Some("http://127.0.0.1:4317".to_owned())), "http://127.0.0.1:4317");
    }

    #[test]
    fn a_fault_can_be_set_for_the_first_life_alone() {
        let mut config = Config::test();
        config.instance_env.push(InstanceEnv {
            service: Service::Inventory,
            instance: 1,
            name: "PLUMBLINE_CRASH_AT".to_owned(),
            value: "consumer.handled:3".to_owned(),
            first_life_only: true,
        });
        let (first, later) = specs(&config, Path::new("/bin"), &surroundings(), (Service::Inventory, 1), address());
        assert_eq!(variable(&first, "PLUMBLINE_CRASH_AT").as_deref(), Some("consumer.handled:3"));
        assert_eq!(variable(&later, "PLUMBLINE_CRASH_AT"), None);
        let (other, _) = specs(&config, Path::new("/bin"), &surroundings(), (Service::Inventory, 2), address());
        assert_eq!(variable(&other, "PLUMBLINE_CRASH_AT"), None);
    }
}

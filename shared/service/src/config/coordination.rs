//! How a service stands among the others.

use coordination::{Cluster, Config, ConfigError, Name};

use super::Reader;

/// How a service stands among the others.
#[derive(Debug, Clone)]
pub struct Coordination {
    /// The coordinators.
    pub cluster: Cluster,
    /// The instance's name among those of its service.
    pub instance: Name,
    /// Where others reach it, `host:port`; `None` for where it listens.
    pub advertise: Option<String>,
}

impl Coordination {
    /// Reads the variables of it; `None` where no coordinators are named, or one of them is wrong.
    pub(super) fn read(env: &mut Reader, instance: &str) -> Option<Self> {
        let coordinators: String = env.optional(
            "PLUMBLINE_COORDINATORS",
            String::new(),
            "the coordinators' addresses, http://host:port, several separated by commas; without any the service runs \
             alone: others don't find it, settings stay as they are configured, and what one instance does for all is \
             shared out by the database, or done by each for itself",
        );
        let prefix = env.optional(
            "PLUMBLINE_COORDINATION_PREFIX",
            "plumbline".to_owned(),
            "what stands in front of every key at the coordinators: shops with different ones share nothing",
        );
        let advertise: String = env.optional(
            "PLUMBLINE_ADVERTISE",
            String::new(),
            "host:port under which others reach this instance; where it is empty that is where it listens, with the \
             machine's name if it listens on all addresses",
        );
        if !(advertise.is_empty() || is_address(&advertise)) {
            env.fault(format!("PLUMBLINE_ADVERTISE={advertise}: must be host:port"));
        }
        if coordinators.is_empty() {
            return None;
        }
        let config = Config::new(coordinators.split(',').map(str::trim), prefix);
        let cluster = Cluster::new(config).map_err(|error| {
            let variable = match error {
                ConfigError::Prefix(_) => "PLUMBLINE_COORDINATION_PREFIX",
                ConfigError::NoEndpoint | ConfigError::Endpoint(_) => "PLUMBLINE_COORDINATORS",
            };
            env.fault(format!("{variable}: {error}"));
        });
        let instance = instance.parse().map_err(|error| env.fault(format!("PLUMBLINE_INSTANCE: {error}")));
        Some(Self {
            cluster: cluster.ok()?,
            instance: instance.ok()?,
            advertise: Some(advertise).filter(|a| !a.is_empty()),
        })
    }
}

fn is_address(text: &str) -> bool {
    let parts = text.rsplit_once(':');
    parts.is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::{super::Common, *};

    fn reader(pairs: &[(&str, &str)]) -> Reader {
        let pairs: HashMap<_, _> =
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Reader::from_map(pairs)
    }

    #[test]
    fn a_service_without_coordinators_runs_alone() {
        let mut env = reader(&[("PLUMBLINE_COORDINATORS", "")]);
        assert!(Common::read(&mut env, "order", 8081).unwrap().coordination.is_none());
    }

    #[test]
    fn faults_of_the_coordinators_are_told_with_all_others() {
        let mut env = reader(&[
            ("PLUMBLINE_COORDINATORS", "http://a:1, b:2"),
            ("PLUMBLINE_ADVERTISE", "here"),
            ("PLUMBLINE_INSTANCE", "order#1"),
            ("PLUMBLINE_HTTP_WORKERS", "0"),
        ]);
        let config = Common::read(&mut env, "order", 8081);
        let faults = env.finish(config).unwrap_err().0;
        let variables: Vec<_> = faults.iter().map(|fault| fault.split([':', '=']).next().unwrap()).collect();
        let expected =
            ["HTTP_WORKERS", "ADVERTISE", "COORDINATORS", "INSTANCE"].map(|name| format!("PLUMBLINE_{name}"));
        assert_eq!(variables, expected, "{faults:?}");
        let mut env = reader(&[("PLUMBLINE_COORDINATORS", "http://a:1"), ("PLUMBLINE_COORDINATION_PREFIX", "a/")]);
        let config = Common::read(&mut env, "order", 8081);
        assert!(env.finish(config).unwrap_err().0[0].starts_with("PLUMBLINE_COORDINATION_PREFIX: "));
    }
}

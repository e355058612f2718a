//! What kind of shop to start.

use std::{collections::BTreeMap, path::Path, str::FromStr};

use clap::builder::{PossibleValuesParser, TypedValueParser};
use local::{
    shop::{Config, MAX_INSTANCES, Service},
    traces,
};

/// Variables of this process's environment that are about the command itself, not about services.
const OWN_VARIABLES: [&str; 8] = [
    "PLUMBLINE_HOME",
    "PLUMBLINE_DATA_DIR",
    local::coordinators::VARIABLE,
    local::testing::VARIABLE,
    local::testing::COORDINATORS_VARIABLE,
    local::testing::TRACES_VARIABLE,
    local::install::JAEGER_VARIABLE,
    local::install::NO_INSTALL_VARIABLE,
];

/// What kind of shop to start.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ShopOptions {
    /// Instances of a service, one if it isn't named; may be given once for each service
    #[arg(long, value_name = "SERVICE=N", value_delimiter = ',')]
    instances: Vec<Instances>,

    /// How many coordinators: an odd number of them can lose the smaller half; with none, services have their defaults
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = coordinators())]
    coordinators: u16,

    /// Three more Redis servers that share nothing, for the lock strategy `redlock`
    #[arg(long)]
    redlock: bool,

    /// A streaming replica of PostgreSQL, which services read from where a request allows it
    #[arg(long)]
    replica: bool,

    /// Where services send their spans: to a store of this shop's own, to Jaeger on the same ports, or wherever
    /// OTEL_EXPORTER_OTLP_ENDPOINT says
    #[arg(long, value_name = "WHERE", value_enum, default_value_t = Traces::unless_said_elsewhere())]
    traces: Traces,

    /// The same as --traces=jaeger: the `jaeger` on the PATH if it is version 2, else built by Go, which takes minutes once
    #[arg(long, conflicts_with = "traces")]
    jaeger: bool,

    /// Moves every port up by this much, so that several shops run side by side
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u16).range(..=40_000))]
    port_offset: u16,
}

impl ShopOptions {
    /// The shop's configuration. `PLUMBLINE_…` and `OTEL_…` variables of this process reach every service.
    pub(crate) fn config(&self, data_dir: &Path) -> Config {
        Config {
            coordinators: self.coordinators,
            redlock: self.redlock,
            replica: self.replica,
            traces: self.traces() != Traces::Environment,
            trace_store: if self.traces() == Traces::Jaeger { traces::Kind::Jaeger } else { traces::Kind::Embedded },
            instances: self.instances.iter().map(|&Instances(service, count)| (service, count)).collect(),
            env: inherited(std::env::vars()),
            ..Config::installation(data_dir, self.port_offset)
        }
    }

    fn traces(&self) -> Traces {
        if self.jaeger { Traces::Jaeger } else { self.traces }
    }

    /// The same options as arguments for a process of this program.
    pub(crate) fn to_arguments(&self) -> Vec<String> {
        let instances = self.instances.iter().map(|Instances(service, count)| format!("--instances={service}={count}"));
        let numbers = [("coordinators", self.coordinators), ("port-offset", self.port_offset)];
        let traces = std::iter::once(format!("--traces={}", self.traces().name()));
        let flags = [("--redlock", self.redlock), ("--replica", self.replica)];
        let flags = flags.into_iter().filter(|(_, given)| *given).map(|(flag, _)| flag.to_owned());
        instances.chain(traces).chain(flags).chain(numbers.map(|(name, number)| format!("--{name}={number}"))).collect()
    }
}

/// Where spans go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Traces {
    /// To the shop's own store, with its page.
    Embedded,
    /// To Jaeger.
    Jaeger,
    /// To the endpoint that OpenTelemetry's variables name; nowhere, if they name none.
    Environment,
}

impl Traces {
    fn unless_said_elsewhere() -> Self {
        let named = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"];
        let said = named.into_iter().any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()));
        if said { Self::Environment } else { Self::Embedded }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Jaeger => "jaeger",
            Self::Environment => "environment",
        }
    }
}

impl std::fmt::Display for Traces {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// An even number of coordinators can lose no more than the odd one below.
fn coordinators() -> impl TypedValueParser<Value = u16> {
    PossibleValuesParser::new(["0", "1", "3", "5"]).try_map(|number| number.parse::<u16>())
}

fn inherited(variables: impl Iterator<Item = (String, String)>) -> BTreeMap<String, String> {
    let service = |name: &str| {
        let settings = name.starts_with("PLUMBLINE_") && !OWN_VARIABLES.contains(&name);
        settings || name.starts_with("OTEL_") || name == "RUST_BACKTRACE"
    };
    variables.filter(|(name, _)| service(name)).collect()
}

/// How many instances of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Instances(pub(crate) Service, pub(crate) u16);

#[derive(Debug, thiserror::Error)]
pub(crate) enum InvalidInstances {
    #[error("must look like inventory=2")]
    Form,
    #[error("{0:?} is no service: use order, inventory or recommendation")]
    Service(String),
    #[error("a service has 1 to {MAX_INSTANCES} instances, not {0:?}")]
    Count(String),
}

impl FromStr for Instances {
    type Err = InvalidInstances;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, count) = text.split_once('=').ok_or(InvalidInstances::Form)?;
        let service = Service::ALL.into_iter().find(|service| service.name() == name);
        let service = service.ok_or_else(|| InvalidInstances::Service(name.to_owned()))?;
        let valid = count.parse().ok().filter(|count| (1..=MAX_INSTANCES).contains(count));
        Ok(Self(service, valid.ok_or_else(|| InvalidInstances::Count(count.to_owned()))?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instances_are_read_or_refused_with_a_reason() {
        assert_eq!("inventory=2".parse::<Instances>().unwrap(), Instances(Service::Inventory, 2));
        let refused = ["inventory", "kafka=2", "order=0", "order=21", "order=many"];
        let reasons = refused.map(|text| text.parse::<Instances>().unwrap_err().to_string());
        assert_eq!(reasons[0], "must look like inventory=2");
        assert!(reasons[1].contains("no service"), "{}", reasons[1]);
        assert!(reasons[2..].iter().all(|reason| reason.contains("1 to 20")), "{reasons:?}");
    }

    #[test]
    fn jaeger_is_one_flag_or_one_value_and_reaches_the_detached_process() {
        use clap::Parser;
        #[derive(Parser)]
        struct Line {
            #[command(flatten)]
            shop: ShopOptions,
        }
        let read =
            |arguments: &[&str]| Line::try_parse_from(std::iter::once(&"up").chain(arguments)).map(|line| line.shop);
        for arguments in [&["--jaeger"][..], &["--traces", "jaeger"]] {
            let options = read(arguments).unwrap();
            let config = options.config(Path::new("/data"));
            assert!(config.traces && config.trace_store == traces::Kind::Jaeger);
            assert!(options.to_arguments().contains(&"--traces=jaeger".to_owned()));
        }
        assert!(!read(&["--traces=environment"]).unwrap().config(Path::new("/data")).traces);
        assert!(read(&["--jaeger", "--traces=embedded"]).is_err());
    }

    #[test]
    fn settings_of_services_are_inherited_and_nothing_else() {
        let all = ["PLUMBLINE_LOG", "PLUMBLINE_HOME", "OTEL_EXPORTER_OTLP_ENDPOINT", "AWS_SECRET_ACCESS_KEY", "PATH"];
        let kept = inherited(all.into_iter().map(|name| (name.to_owned(), String::new())));
        assert_eq!(kept.into_keys().collect::<Vec<_>>(), ["OTEL_EXPORTER_OTLP_ENDPOINT", "PLUMBLINE_LOG"]);
    }
}

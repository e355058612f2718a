//! Configuration from environment variables: read once into typed structs, all faults reported together.

use std::{collections::HashMap, fmt, fmt::Display, net::SocketAddr, str::FromStr, time::Duration};

/// A text that must not be printed: its `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for the one place that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A variable a program reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// What it holds when it isn't set; `None` where it must be set or may stay empty.
    pub default: Option<String>,
    /// What it is for.
    pub help: &'static str,
}

/// What is wrong with a configuration: every fault, not the first.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct Faults(pub Vec<String>);

/// Looks a variable up by its name.
type Source = Box<dyn Fn(&str) -> Option<String>>;

/// Reads variables, and remembers what was read for `--help` and what was wrong.
pub struct Reader {
    source: Source,
    variables: Vec<Variable>,
    faults: Vec<String>,
}

impl Reader {
    /// Reads the process's environment.
    pub fn from_env() -> Self {
        Self::new(|name| std::env::var(name).ok())
    }

    /// Reads a map, for tests and for `--help`.
    pub fn from_map(map: HashMap<String, String>) -> Self {
        Self::new(move |name| map.get(name).cloned())
    }

    fn new(source: impl Fn(&str) -> Option<String> + 'static) -> Self {
        Self { source: Box::new(source), variables: Vec::new(), faults: Vec::new() }
    }

    /// A variable that must be set. `None` means a fault that [`Reader::finish`] reports.
    pub fn required<T>(&mut self, name: &'static str, help: &'static str) -> Option<T>
    where
        T: FromStr<Err: Display>,
    {
        self.variables.push(Variable { name, default: None, help });
        match self.set(name) {
            Some(text) => self.parse(name, &text),
            None => {
                self.faults.push(format!("{name} is not set: {help}"));
                None
            }
        }
    }

    /// A variable with a default.
    pub fn optional<T>(&mut self, name: &'static str, default: T, help: &'static str) -> T
    where
        T: FromStr<Err: Display> + Display,
    {
        self.variables.push(Variable { name, default: Some(default.to_string()), help });
        self.set(name).and_then(|text| self.parse(name, &text)).unwrap_or(default)
    }

    /// A number within bounds, with a default.
    pub fn within<T>(&mut self, name: &'static str, default: T, bounds: (T, T), help: &'static str) -> T
    where
        T: FromStr<Err: Display> + Display + PartialOrd + Copy,
    {
        let value = self.optional(name, default, help);
        let (least, most) = bounds;
        if value < least || value > most {
            self.faults.push(format!("{name}={value}: must be from {least} to {most}"));
            return default;
        }
        value
    }

    /// A duration in whole milliseconds, with a default.
    pub fn millis(&mut self, name: &'static str, default: Duration, help: &'static str) -> Duration {
        let most = Duration::from_secs(24 * 60 * 60).as_millis() as u64;
        Duration::from_millis(self.within(name, default.as_millis() as u64, (0, most), help))
    }

    /// A secret that may be left out.
    pub fn secret(&mut self, name: &'static str, help: &'static str) -> Option<Secret> {
        self.variables.push(Variable { name, default: None, help });
        self.set(name).map(Secret)
    }

    /// A secret that must be set, such as a URL that holds a password.
    pub fn required_secret(&mut self, name: &'static str, help: &'static str) -> Option<Secret> {
        let secret = self.secret(name, help);
        if secret.is_none() {
            self.faults.push(format!("{name} is not set: {help}"));
        }
        secret
    }

    /// Adds a fault that only the values together show.
    pub fn fault(&mut self, fault: impl Into<String>) {
        self.faults.push(fault.into());
    }

    /// The configuration, or every fault that was found.
    ///
    /// # Errors
    /// [`Faults`], never empty.
    pub fn finish<C>(mut self, config: Option<C>) -> Result<C, Faults> {
        match config {
            Some(config) if self.faults.is_empty() => Ok(config),
            _ => {
                if self.faults.is_empty() {
                    self.faults.push("the configuration is incomplete".to_owned());
                }
                Err(Faults(self.faults))
            }
        }
    }

    /// Every variable that was asked for.
    pub fn variables(&self) -> &[Variable] {
        &self.variables
    }

    /// An empty variable counts as one that isn't set, as compose files have them.
    fn set(&self, name: &str) -> Option<String> {
        (self.source)(name).filter(|text| !text.is_empty())
    }

    fn parse<T: FromStr<Err: Display>>(&mut self, name: &str, text: &str) -> Option<T> {
        text.parse().map_err(|fault| self.faults.push(format!("{name}={text}: {fault}"))).ok()
    }
}

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
            format!("{service}-{}", std::process::id()),
            "this instance's name in telemetry",
        );
        let kafka_bootstrap = env.optional(
            "PLUMBLINE_KAFKA_BOOTSTRAP",
            "127.0.0.1:19092".to_owned(),
            "Kafka's addresses, host:port, several separated by commas",
        );
        let topic_prefix =
            env.optional("PLUMBLINE_TOPIC_PREFIX", String::new(), "what stands in front of every topic and group name");
        let http = Http { listen, workers, drain: Duration::from_secs(drain), operator_token };
        Some(Self { http, instance, kafka_bootstrap, topic_prefix })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(pairs: &[(&str, &str)]) -> Reader {
        Reader::from_map(pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
    }

    #[test]
    fn every_fault_is_reported_with_its_variable() {
        let mut env = reader(&[("A", "x"), ("C", "99")]);
        let a = env.optional("A", 1u16, "a number");
        let b = env.required::<u16>("B", "another");
        let c = env.within("C", 5u16, (1, 10), "a small one");
        let faults = env.finish(b.map(|b| (a, b, c))).unwrap_err();
        assert_eq!(faults.0.len(), 3, "{faults}");
        assert!(faults.0[0].starts_with("A=x: "), "{faults}");
        assert_eq!(faults.0[1], "B is not set: another");
        assert_eq!(faults.0[2], "C=99: must be from 1 to 10");
    }

    #[test]
    fn a_secret_is_never_printed() {
        let mut env = reader(&[("TOKEN", "hush")]);
        let token = env.secret("TOKEN", "a token");
        assert!(!format!("{token:?}").contains("hush"));
        assert_eq!(token.unwrap().expose(), "hush");
    }

    #[test]
    fn an_empty_variable_counts_as_unset() {
        assert_eq!(reader(&[("A", "")]).optional("A", 7u8, ""), 7);
    }
}

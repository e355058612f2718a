//! What a member is told by etcd's flags and variables.

mod duration;
mod faults;
mod flags;
mod restore;
mod table;

use std::{path::PathBuf, time::Duration};

use self::flags::{Asked, Values};
pub use self::{
    faults::{Fault, Faults},
    flags::FlagError,
    restore::Restore,
};
use crate::{engine::Retention, logs::LogSettings, tls::Files, urls::Url};

/// Bytes of the largest request that a frame between members holds, with what is around it.
const LARGEST_REQUEST: u64 = 32 << 20;

/// What a command line comes to.
#[derive(Debug)]
pub enum Command {
    /// Run a member.
    Serve(Box<Config>),
    /// Make a member's data directory of a saved snapshot.
    Restore(Box<Restore>),
    /// Tell what is in a saved snapshot.
    Status(PathBuf),
    /// Print a text and end.
    Print(String),
}

/// How a member runs.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "each is the flag of that name")]
pub struct Config {
    pub name: String,
    pub data_dir: PathBuf,
    pub listen_client_urls: Vec<Url>,
    pub advertise_client_urls: Vec<Url>,
    pub listen_peer_urls: Vec<Url>,
    pub listen_metrics_urls: Vec<Url>,
    pub bootstrap: Bootstrap,
    pub snapshot_count: u64,
    pub snapshot_catchup_entries: u64,
    pub heartbeat_interval: Duration,
    pub election_timeout: Duration,
    pub quota_backend_bytes: u64,
    pub auto_compaction: Option<Retention>,
    pub max_request_bytes: usize,
    pub max_txn_ops: usize,
    pub watch_progress_interval: Duration,
    pub client_tls: Files,
    pub peer_tls: Files,
    pub strict_reconfig_check: bool,
    pub log: LogSettings,
    /// What was given and does nothing, to be said once.
    pub without_effect: Vec<String>,
}

/// How a member that has no data yet gets into a cluster.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "each is the flag of that name")]
pub struct Bootstrap {
    pub initial_advertise_peer_urls: Vec<Url>,
    /// Names with their addresses, in the order they were given.
    pub initial_cluster: Vec<(String, Url)>,
    pub initial_cluster_state: ClusterState,
    pub initial_cluster_token: String,
}

/// Whether there is a cluster already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClusterState {
    /// All members start for the first time.
    New,
    /// This one joins the others.
    Existing,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The command line can't be read.
    #[error("{0}. See 'coordinator --help'.")]
    Flags(#[from] FlagError),
    /// Values don't make sense, all of them together.
    #[error(transparent)]
    Faults(#[from] Faults),
}

impl Command {
    /// Reads a command line, without the program's name, and the environment.
    ///
    /// # Errors
    /// Every fault of the values together; or the first thing that can't be read at all.
    pub fn read(
        arguments: impl IntoIterator<Item = String>,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let mut arguments = arguments.into_iter().peekable();
        if arguments.next_if(|word| word == "snapshot").is_some() {
            return restore::read(arguments);
        }
        match Values::read(table::find, arguments, variables)? {
            Asked::Help => Ok(Self::Print(table::help())),
            Asked::Version => Ok(Self::Print(crate::version::text())),
            Asked::Serve(values) => Ok(Self::Serve(Box::new(Config::new(&values)?))),
        }
    }
}

impl Config {
    fn new(values: &Values) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let name = values.get("name").to_owned();
        let data_dir = match values.get("data-dir") {
            "" => format!("{name}.etcd").into(),
            given => given.into(),
        };
        for (flag, instead) in values.refused() {
            faults.add(flag, format!("is not offered here: {instead}"));
        }
        let advertise_client_urls = faults.urls(values, "advertise-client-urls");
        if values.is_given("listen-client-urls") && !values.is_given("advertise-client-urls") {
            faults.add("advertise-client-urls", "is required when --listen-client-urls is set explicitly");
        }
        let bootstrap = bootstrap(values, &name, &mut faults);
        let (heartbeat_interval, election_timeout) = times(values, &mut faults);
        let without_effect = values.without_effect().map(|flag| format!("--{flag}"));
        let config = Self {
            listen_client_urls: faults.urls(values, "listen-client-urls"),
            listen_peer_urls: faults.urls(values, "listen-peer-urls"),
            listen_metrics_urls: faults.urls(values, "listen-metrics-urls"),
            snapshot_count: faults.number(values, "snapshot-count", 1),
            snapshot_catchup_entries: faults.number(values, "snapshot-catchup-entries", 0),
            quota_backend_bytes: quota(values, &mut faults),
            auto_compaction: auto_compaction(values, &mut faults),
            max_request_bytes: max_request_bytes(values, &mut faults),
            max_txn_ops: faults.number(values, "max-txn-ops", 1) as usize,
            watch_progress_interval: watch_progress_interval(values, &mut faults),
            client_tls: tls(values, ["cert-file", "key-file", "trusted-ca-file", "client-cert-auth"]),
            peer_tls: tls(values, ["peer-cert-file", "peer-key-file", "peer-trusted-ca-file", "peer-client-cert-auth"]),
            strict_reconfig_check: values.is_set("strict-reconfig-check"),
            log: log(values, &mut faults),
            without_effect: without_effect.chain(values.unknown_variables.iter().cloned()).collect(),
            name,
            data_dir,
            advertise_client_urls,
            bootstrap,
            heartbeat_interval,
            election_timeout,
        };
        config.check_tls(&mut faults);
        faults.or(config)
    }

    fn check_tls(&self, faults: &mut Faults) {
        let secure = |urls: &[Url]| urls.iter().any(|url| url.secure);
        if secure(&self.listen_client_urls) && !self.client_tls.has_certificate() {
            faults.add("listen-client-urls", "asks for https: give --cert-file and --key-file");
        }
        if secure(&self.listen_peer_urls) && !self.peer_tls.has_certificate() {
            faults.add("listen-peer-urls", "asks for https: give --peer-cert-file and --peer-key-file");
        }
        let peers = self.bootstrap.initial_cluster.iter().map(|(_, url)| url);
        if self.listen_peer_urls.iter().chain(peers).any(|url| url.secure) && self.peer_tls.authorities.is_none() {
            // Those of the system are not taken: who has a certificate of any of them is no member.
            faults.add("peer-trusted-ca-file", "is missing: it tells whose certificates members with https must show");
        }
        for (flag, tls) in [("client-cert-auth", &self.client_tls), ("peer-client-cert-auth", &self.peer_tls)] {
            if tls.clients_must_show && tls.authorities.is_none() {
                faults.add(flag, "needs to know whom to trust: give the trusted CA file as well");
            }
        }
    }
}

/// As in etcd, whoever names an authority means that certificates of it must be shown.
fn tls(values: &Values, [certificate, key, authorities, must_show]: [&'static str; 4]) -> Files {
    let authorities = path(values, authorities);
    Files {
        certificate: path(values, certificate),
        key: path(values, key),
        clients_must_show: values.is_set(must_show) || authorities.is_some(),
        authorities,
    }
}

fn bootstrap(values: &Values, name: &str, faults: &mut Faults) -> Bootstrap {
    let initial_advertise_peer_urls = faults.urls(values, "initial-advertise-peer-urls");
    let initial_cluster = match values.get("initial-cluster") {
        "" => initial_advertise_peer_urls.iter().map(|url| (name.to_owned(), url.clone())).collect(),
        given => initial_cluster(given, faults),
    };
    let initial_cluster_state = match values.get("initial-cluster-state") {
        "new" => ClusterState::New,
        "existing" => ClusterState::Existing,
        other => {
            faults.add("initial-cluster-state", format!("is {other:?}: give 'new' or 'existing'"));
            ClusterState::New
        }
    };
    let initial_cluster_token = values.get("initial-cluster-token").to_owned();
    Bootstrap { initial_advertise_peer_urls, initial_cluster, initial_cluster_state, initial_cluster_token }
}

fn initial_cluster(text: &str, faults: &mut Faults) -> Vec<(String, Url)> {
    let mut members = Vec::new();
    for entry in text.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
        match entry.split_once('=').map(|(name, url)| (name.trim(), url.parse::<Url>())) {
            Some((name, Ok(url))) if !name.is_empty() => members.push((name.to_owned(), url)),
            Some((_, Err(error))) => faults.add("initial-cluster", error.to_string()),
            _ => faults.add("initial-cluster", format!("has {entry:?}: write name=http://host:port")),
        }
    }
    members
}

fn times(values: &Values, faults: &mut Faults) -> (Duration, Duration) {
    let heartbeat = faults.number(values, "heartbeat-interval", 1);
    let election = faults.number(values, "election-timeout", 1);
    if election < 5 * heartbeat {
        let least = format!("[{election}ms] should be at least as 5 times as --heartbeat-interval[{heartbeat}ms]");
        faults.add("election-timeout", least);
    }
    if election > 50_000 {
        faults.add("election-timeout", format!("[{election}ms] is too long, and should be set less than 50000ms"));
    }
    (Duration::from_millis(heartbeat), Duration::from_millis(election))
}

fn max_request_bytes(values: &Values, faults: &mut Faults) -> usize {
    let bytes = faults.number(values, "max-request-bytes", 1);
    if bytes > LARGEST_REQUEST {
        faults.add(
            "max-request-bytes",
            format!("is more than members can send each other: give at most {LARGEST_REQUEST}"),
        );
    }
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

/// As etcd: 0 is its default, and a negative number lifts the quota.
fn quota(values: &Values, faults: &mut Faults) -> u64 {
    match values.get("quota-backend-bytes").parse::<i64>() {
        Ok(0) => 2 << 30,
        Ok(bytes) => u64::try_from(bytes).unwrap_or(u64::MAX),
        Err(_) => {
            faults.add("quota-backend-bytes", "is no whole number of bytes");
            0
        }
    }
}

/// Shorter ones than a tenth of a second are taken for that, as in etcd.
fn watch_progress_interval(values: &Values, faults: &mut Faults) -> Duration {
    let given = values.get("watch-progress-notify-interval");
    let interval = duration::parse(given);
    if interval.is_none() {
        faults.add("watch-progress-notify-interval", format!("is {given:?}: give a duration as 30s"));
    }
    interval.unwrap_or_default().max(Duration::from_millis(100))
}

fn auto_compaction(values: &Values, faults: &mut Faults) -> Option<Retention> {
    let retention = values.get("auto-compaction-retention");
    let whole = retention.parse::<u32>().ok();
    if whole == Some(0) || retention.is_empty() {
        return None;
    }
    match (values.get("auto-compaction-mode"), whole) {
        ("periodic", Some(hours)) => Some(Retention::Period(Duration::from_secs(u64::from(hours) * 3_600))),
        ("periodic", None) => match duration::parse(retention) {
            Some(period) => (!period.is_zero()).then_some(Retention::Period(period)),
            None => {
                faults.add("auto-compaction-retention", format!("is {retention:?}: give hours, or a duration as 30m"));
                None
            }
        },
        ("revision", Some(revisions)) => Some(Retention::Revisions(revisions.into())),
        ("revision", None) => {
            faults.add("auto-compaction-retention", format!("is {retention:?}: give a number of revisions"));
            None
        }
        (other, _) => {
            faults.add("auto-compaction-mode", format!("is {other:?}: give 'periodic' or 'revision'"));
            None
        }
    }
}

fn log(values: &Values, faults: &mut Faults) -> LogSettings {
    let level = match values.get("log-level") {
        "debug" => tracing::Level::DEBUG,
        "info" => tracing::Level::INFO,
        "warn" => tracing::Level::WARN,
        "error" | "dpanic" | "panic" | "fatal" => tracing::Level::ERROR,
        other => {
            faults.add("log-level", format!("is {other:?}: give debug, info, warn, error, panic or fatal"));
            tracing::Level::INFO
        }
    };
    let json = match values.get("log-format") {
        "json" => true,
        "console" => false,
        other => {
            faults.add("log-format", format!("is {other:?}: give 'json' or 'console'"));
            true
        }
    };
    let outputs = values.get("log-outputs").split(',').map(|output| output.trim().to_owned()).collect();
    LogSettings { level, json, outputs }
}

fn path(values: &Values, flag: &'static str) -> Option<PathBuf> {
    Some(values.get(flag)).filter(|path| !path.is_empty()).map(PathBuf::from)
}

#[cfg(test)]
mod tests;

//! The flags: etcd's names and defaults.

/// One flag.
#[derive(Debug)]
pub(super) struct Flag {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) default: &'static str,
    /// For those who ask for help; empty where the flag has no effect.
    pub(super) help: &'static str,
    /// Whether it changes anything here. The others are accepted because scripts that start etcd give them.
    pub(super) has_effect: bool,
}

/// How a flag is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Value,
    /// True where it is named without a value.
    Boolean,
}

/// The flags that have an effect, under the headings of the help.
pub(super) const SECTIONS: &[(&str, &[Flag])] = &[
    (
        "Member",
        &[
            value("name", "default", "Human-readable name for this member."),
            value("data-dir", "", "Path to the data directory; '${name}.etcd' unless given."),
            value("snapshot-count", "10000", "Number of committed entries to trigger a snapshot."),
            value("heartbeat-interval", "100", "Time (in milliseconds) of a heartbeat interval."),
            value("election-timeout", "1000", "Time (in milliseconds) for an election to timeout."),
            value("listen-peer-urls", "http://localhost:2380", "List of URLs to listen on for peer traffic."),
            value(
                "listen-client-urls",
                "http://localhost:2379",
                "List of URLs to listen on for client traffic, gRPC and HTTP.",
            ),
            value(
                "quota-backend-bytes",
                "0",
                "Bytes the store may hold before it refuses writes; 0 for 2 GiB, negative for no limit.",
            ),
            value("max-txn-ops", "128", "Maximum number of operations permitted in a transaction."),
            value("max-request-bytes", "1572864", "Maximum client request size in bytes the server will accept."),
            value(
                "watch-progress-notify-interval",
                "10m",
                "How long nothing comes before a watcher that asks for it is told of progress.",
            ),
            value("snapshot-catchup-entries", "5000", "Entries kept for slow followers after a snapshot."),
        ],
    ),
    (
        "Clustering",
        &[
            value(
                "initial-advertise-peer-urls",
                "http://localhost:2380",
                "List of this member's peer URLs to advertise to the rest of the cluster.",
            ),
            value("initial-cluster", "", "Initial cluster configuration for bootstrapping: name=url,name=url."),
            value(
                "initial-cluster-state",
                "new",
                "'new' when bootstrapping a new cluster, 'existing' when joining one. Ignored on restarts.",
            ),
            value(
                "initial-cluster-token",
                "etcd-cluster",
                "Tells clusters apart that are bootstrapped with the same addresses.",
            ),
            value(
                "advertise-client-urls",
                "http://localhost:2379",
                "List of this member's client URLs to advertise to the public.",
            ),
            boolean("strict-reconfig-check", "true", "Reject reconfiguration requests that would cause quorum loss."),
            value(
                "auto-compaction-retention",
                "0",
                "Auto compaction retention length. 0 means disable auto compaction.",
            ),
            value(
                "auto-compaction-mode",
                "periodic",
                "'periodic' for a retention in time (hours unless a unit is given), 'revision' for one in revisions.",
            ),
        ],
    ),
    (
        "Security",
        &[
            value("cert-file", "", "Path to the client server TLS cert file."),
            value("key-file", "", "Path to the client server TLS key file."),
            boolean("client-cert-auth", "false", "Enable client cert authentication."),
            value("trusted-ca-file", "", "Path to the client server TLS trusted CA cert file."),
            value("peer-cert-file", "", "Path to the peer server TLS cert file."),
            value("peer-key-file", "", "Path to the peer server TLS key file."),
            boolean("peer-client-cert-auth", "false", "Enable peer client cert authentication."),
            value("peer-trusted-ca-file", "", "Path to the peer server TLS trusted CA file."),
        ],
    ),
    (
        "Monitoring and logging",
        &[
            value("listen-metrics-urls", "", "List of URLs to listen on for the /metrics and /health endpoints."),
            value("log-level", "info", "Only supports debug, info, warn, error, panic, or fatal."),
            value("log-format", "json", "Only supports json, console."),
            value("log-outputs", "default", "'stderr', 'stdout' or files, with commas between them."),
        ],
    ),
];

/// The flags of `snapshot restore`, besides those of a member that name it and its cluster.
const RESTORE: &[Flag] = &[
    value("bump-revision", "0", "How much to add to the revision, so that clients see none twice."),
    boolean(
        "mark-compacted",
        "false",
        "Make what is older than the new revision unreadable, which ends watches there.",
    ),
];

/// What of a member's flags counts for `snapshot restore`.
const RESTORED: [&str; 5] =
    ["name", "data-dir", "initial-cluster", "initial-cluster-token", "initial-advertise-peer-urls"];

/// The flags without an effect.
pub(super) const IGNORED: &[Flag] = &[
    ignored("pre-vote", Kind::Boolean, "true"),
    ignored("enable-v2", Kind::Boolean, "false"),
    ignored("logger", Kind::Value, "zap"),
    ignored("max-snapshots", Kind::Value, "5"),
    ignored("max-wals", Kind::Value, "5"),
    ignored("initial-election-tick-advance", Kind::Boolean, "true"),
    ignored("enable-grpc-gateway", Kind::Boolean, "true"),
    ignored("enable-pprof", Kind::Boolean, "false"),
    ignored("metrics", Kind::Value, "basic"),
    ignored("cors", Kind::Value, "*"),
    ignored("host-whitelist", Kind::Value, "*"),
    ignored("socket-reuse-port", Kind::Boolean, "false"),
    ignored("socket-reuse-address", Kind::Boolean, "false"),
    ignored("backend-batch-interval", Kind::Value, ""),
    ignored("backend-batch-limit", Kind::Value, "0"),
    ignored("backend-bbolt-freelist-type", Kind::Value, "map"),
    ignored("max-concurrent-streams", Kind::Value, "4294967295"),
    ignored("grpc-keepalive-min-time", Kind::Value, "5s"),
    ignored("grpc-keepalive-interval", Kind::Value, "2h"),
    ignored("grpc-keepalive-timeout", Kind::Value, "20s"),
    ignored("raft-read-timeout", Kind::Value, "5s"),
    ignored("raft-write-timeout", Kind::Value, "5s"),
    ignored("memory-mlock", Kind::Boolean, "false"),
    ignored("max-learners", Kind::Value, "1"),
    ignored("v2-deprecation", Kind::Value, "write-only"),
    ignored("enable-log-rotation", Kind::Boolean, "false"),
    ignored("log-rotation-config-json", Kind::Value, ""),
    ignored("warning-apply-duration", Kind::Value, "100ms"),
    ignored("warning-unary-request-duration", Kind::Value, "300ms"),
    ignored("experimental-warning-apply-duration", Kind::Value, "100ms"),
    ignored("experimental-warning-unary-request-duration", Kind::Value, "300ms"),
    ignored("experimental-watch-progress-notify-interval", Kind::Value, "10m"),
    ignored("compaction-batch-limit", Kind::Value, "1000"),
    ignored("experimental-compaction-batch-limit", Kind::Value, "1000"),
    ignored("compaction-sleep-interval", Kind::Value, "10ms"),
    ignored("experimental-initial-corrupt-check", Kind::Boolean, "false"),
    ignored("corrupt-check-time", Kind::Value, "0s"),
    ignored("experimental-corrupt-check-time", Kind::Value, "0s"),
    ignored("compact-hash-check-time", Kind::Value, "1m"),
    ignored("experimental-compact-hash-check-enabled", Kind::Boolean, "false"),
    ignored("experimental-enable-lease-checkpoint", Kind::Boolean, "false"),
    ignored("bootstrap-defrag-threshold-megabytes", Kind::Value, "0"),
    ignored("downgrade-check-time", Kind::Value, "5s"),
    ignored("feature-gates", Kind::Value, ""),
    ignored("auth-token", Kind::Value, "simple"),
    ignored("auth-token-ttl", Kind::Value, "300"),
    ignored("bcrypt-cost", Kind::Value, "10"),
    ignored("proxy", Kind::Value, "off"),
    ignored("enable-distributed-tracing", Kind::Boolean, "false"),
    ignored("experimental-enable-distributed-tracing", Kind::Boolean, "false"),
];

/// Flags of etcd's that a member must not start with as if they had an effect: each with what to do instead.
pub(super) const REFUSED: &[Flag] = &[
    refused("auto-tls", Kind::Boolean, "false", "make certificates, and give --cert-file and --key-file"),
    refused(
        "peer-auto-tls",
        Kind::Boolean,
        "false",
        "make certificates, and give --peer-cert-file, --peer-key-file and --peer-trusted-ca-file",
    ),
    refused("wal-dir", Kind::Value, "", "the log is in --data-dir: put that on the disk meant for the log"),
    refused("client-crl-file", Kind::Value, "", "have certificates of a short life made instead of revoking them"),
    refused("peer-crl-file", Kind::Value, "", "have certificates of a short life made instead of revoking them"),
    refused("client-cert-allowed-hostname", Kind::Value, "", "give clients an authority of their own"),
    refused("peer-cert-allowed-cn", Kind::Value, "", "give members an authority of their own"),
    refused("peer-cert-allowed-hostname", Kind::Value, "", "give members an authority of their own"),
    refused("cipher-suites", Kind::Value, "", "leave it out: none is offered that is known to be weak"),
    refused(
        "tls-min-version",
        Kind::Value,
        "TLS1.2",
        "leave it out: TLS 1.2 and 1.3 are spoken, whichever the client prefers",
    ),
    refused(
        "tls-max-version",
        Kind::Value,
        "",
        "leave it out: TLS 1.2 and 1.3 are spoken, whichever the client prefers",
    ),
    refused("config-file", Kind::Value, "", "give flags, or variables as ETCD_NAME"),
    refused("discovery", Kind::Value, "", "name the members in --initial-cluster"),
    refused("discovery-endpoints", Kind::Value, "", "name the members in --initial-cluster"),
    refused("discovery-srv", Kind::Value, "", "name the members in --initial-cluster"),
    refused(
        "force-new-cluster",
        Kind::Boolean,
        "false",
        "save a snapshot of a member that runs, and make a new cluster of it: coordinator snapshot restore",
    ),
    refused("unsafe-no-fsync", Kind::Boolean, "false", "what is acknowledged is always on the disk"),
];

const fn value(name: &'static str, default: &'static str, help: &'static str) -> Flag {
    Flag { name, kind: Kind::Value, default, help, has_effect: true }
}

const fn boolean(name: &'static str, default: &'static str, help: &'static str) -> Flag {
    Flag { name, kind: Kind::Boolean, default, help, has_effect: true }
}

const fn ignored(name: &'static str, kind: Kind, default: &'static str) -> Flag {
    Flag { name, kind, default, help: "", has_effect: false }
}

const fn refused(name: &'static str, kind: Kind, default: &'static str, instead: &'static str) -> Flag {
    Flag { name, kind, default, help: instead, has_effect: true }
}

pub(super) fn find(name: &str) -> Option<&'static Flag> {
    let sections = SECTIONS.iter().flat_map(|(_, flags)| flags.iter());
    sections.chain(IGNORED).chain(REFUSED).find(|flag| flag.name == name)
}

/// A flag of `snapshot restore`.
pub(super) fn find_restore(name: &str) -> Option<&'static Flag> {
    RESTORE.iter().find(|flag| flag.name == name).or_else(|| find(name).filter(|_| RESTORED.contains(&name)))
}

/// The text of `--help`.
pub(super) fn help() -> String {
    use std::fmt::Write as _;
    let mut text = String::from(
        "Usage:\n\n  coordinator [flags]\n    Start a member of the coordination cluster, which speaks etcd's v3 API.\n\n  \
         coordinator --version\n    Show the version.\n\n  \
         coordinator snapshot status FILE\n    Show what is in a file that `etcdctl snapshot save` wrote from a member.\n\n  \
         coordinator snapshot restore FILE [flags]\n    Make the data directory of one member of a new cluster of it.\n\n\
         Every flag has a variable: ETCD_NAME for --name. Flags count more.\n",
    );
    for (section, flags) in SECTIONS {
        let _written_to_memory = write!(text, "\n{section}:\n");
        for Flag { name, default, help, .. } in *flags {
            let _written_to_memory = write!(text, "  --{name} '{default}'\n    {help}\n");
        }
    }
    let _written_to_memory = write!(text, "\nRestore:\n  --{}\n    As above.\n", RESTORED.join(", --"));
    for Flag { name, default, help, .. } in RESTORE {
        let _written_to_memory = write!(text, "  --{name} '{default}'\n    {help}\n");
    }
    text.push_str("\nAccepted without an effect:\n");
    for flag in IGNORED {
        let _written_to_memory = writeln!(text, "  --{}", flag.name);
    }
    text.push_str("\nNot offered:\n");
    for Flag { name, help, .. } in REFUSED {
        let _written_to_memory = write!(text, "  --{name}\n    {help}\n");
    }
    text
}

use super::*;

fn read(arguments: &[&str]) -> Result<Command, ConfigError> {
    Command::read(arguments.iter().map(|argument| (*argument).to_owned()), [])
}

fn config(arguments: &[&str]) -> Config {
    match read(arguments).unwrap() {
        Command::Serve(config) => *config,
        other => panic!("{other:?}"),
    }
}

#[test]
fn nothing_given_is_a_cluster_of_one() {
    let config = config(&[]);
    assert_eq!((config.name.as_str(), config.data_dir.to_str()), ("default", Some("default.etcd")));
    assert_eq!(config.quota_backend_bytes, 2 << 30);
    let members: Vec<_> = config.bootstrap.initial_cluster.iter().map(|(name, url)| format!("{name}={url}")).collect();
    assert_eq!(members, ["default=http://localhost:2380"]);
}

#[test]
fn faults_come_together_and_name_their_flags() {
    let error = read(&[
        "--heartbeat-interval=500",
        "--initial-cluster-state=old",
        "--listen-peer-urls=localhost:2380",
        "--listen-client-urls=http://localhost:1",
        "--initial-cluster=a",
    ])
    .unwrap_err();
    let text = error.to_string();
    for flag in
        ["election-timeout", "initial-cluster-state", "listen-peer-urls", "advertise-client-urls", "initial-cluster "]
    {
        assert!(text.contains(&format!("--{flag}")), "{flag} in {text}");
    }
    assert!(text.contains("should be at least as 5 times as --heartbeat-interval"), "{text}");
}

#[test]
fn retention_is_in_hours_or_durations_or_revisions() {
    let hours = |hours: u64| Some(Retention::Period(Duration::from_secs(hours * 3_600)));
    assert_eq!(config(&["--auto-compaction-retention=2"]).auto_compaction, hours(2));
    assert_eq!(config(&["--auto-compaction-retention=60m"]).auto_compaction, hours(1));
    assert_eq!(config(&["--auto-compaction-retention=0"]).auto_compaction, None);
    let revisions = config(&["--auto-compaction-mode=revision", "--auto-compaction-retention=1000"]);
    assert_eq!(revisions.auto_compaction, Some(Retention::Revisions(1_000)));
    assert!(read(&["--auto-compaction-mode=revision", "--auto-compaction-retention=5m"]).is_err());
}

#[test]
fn a_snapshots_file_stands_first_or_last() {
    for arguments in [["snapshot", "restore", "f", "--name=a"], ["snapshot", "restore", "--name=a", "f"]] {
        let Command::Restore(asked) = read(&arguments).unwrap() else { panic!("restores") };
        assert_eq!((asked.file.to_str(), asked.name.as_str()), (Some("f"), "a"));
        assert_eq!(asked.data_dir.to_str(), Some("a.etcd"));
    }
    assert!(matches!(read(&["snapshot", "status", "f"]).unwrap(), Command::Status(_)));
    for wrong in [&["snapshot"][..], &["snapshot", "save", "f"], &["snapshot", "restore"], &["snapshot", "status"]] {
        assert!(read(wrong).is_err(), "{wrong:?}");
    }
    assert!(read(&["snapshot", "status", "f", "--name=a"]).is_err(), "no flag of a member's counts for it");
}

#[test]
fn an_authority_alone_asks_for_certificates() {
    let config = config(&["--trusted-ca-file=ca.pem"]);
    assert!(config.client_tls.clients_must_show && !config.peer_tls.clients_must_show);
}

#[test]
fn help_and_version_are_texts() {
    let Command::Print(help) = read(&["--help"]).unwrap() else { panic!("no text") };
    assert!(help.contains("--initial-cluster-token") && help.contains("Accepted without an effect"));
    let Command::Print(version) = read(&["--version"]).unwrap() else { panic!("no text") };
    assert!(version.starts_with("etcd Version: 3.6."), "{version}");
}

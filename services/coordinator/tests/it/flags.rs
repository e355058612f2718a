//! What is said of flags and directories that don't fit.

use std::process::Output;

use crate::member::{Place, READY, coordinator};

fn run(arguments: &[&str]) -> Output {
    coordinator().args(arguments).output().unwrap()
}

#[test]
fn version_and_help_are_etcds() {
    let version = String::from_utf8(run(&["--version"]).stdout).unwrap();
    for line in ["etcd Version: 3.6.16", "Git SHA:", "Go Version:", "Go OS/Arch: linux/"] {
        assert!(version.contains(line), "{version}");
    }
    let help = run(&["--help"]);
    assert!(help.status.success());
    assert!(String::from_utf8(help.stdout).unwrap().contains("--initial-cluster-state"));
}

#[test]
fn wrong_flags_are_named() {
    let unknown = run(&["--data-dirr=x"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(String::from_utf8(unknown.stderr).unwrap().contains("flag provided but not defined: -data-dirr"));
    let several = run(&["--election-timeout=100", "--quota-backend-bytes=much"]);
    assert_eq!(several.status.code(), Some(1));
    let told = String::from_utf8(several.stderr).unwrap();
    assert!(told.contains("--election-timeout") && told.contains("--quota-backend-bytes"), "{told}");
}

#[test]
fn what_is_not_offered_says_what_to_do_instead() {
    let refused = run(&["--auto-tls", "--peer-auto-tls=true", "--wal-dir=/var/wal", "--tls-min-version=TLS1.3"]);
    assert_eq!(refused.status.code(), Some(1));
    let told = String::from_utf8(refused.stderr).unwrap();
    for line in [
        "--auto-tls is not offered here: make certificates, and give --cert-file and --key-file",
        "--peer-auto-tls is not offered here: make certificates",
        "--wal-dir is not offered here: the log is in --data-dir",
        "--tls-min-version is not offered here",
    ] {
        assert!(told.contains(line), "{line} in {told}");
    }
    let variable = coordinator().env("ETCD_UNSAFE_NO_FSYNC", "true").output().unwrap();
    assert!(String::from_utf8(variable.stderr).unwrap().contains("--unsafe-no-fsync is not offered here"));
    // Given as etcd has them they want nothing.
    let as_in_etcd = run(&["--auto-tls=false", "--wal-dir=", "--listen-peer-urls=https://localhost:1"]);
    let told = String::from_utf8(as_in_etcd.stderr).unwrap();
    assert!(!told.contains("auto-tls") && !told.contains("wal-dir"), "{told}");
    assert!(told.contains("--peer-trusted-ca-file is missing"), "{told}");
}

fn refusal(place: &Place, cluster: &[&Place], more: &[&str]) -> String {
    let mut member = place.start(cluster, more);
    assert_eq!(member.wait().code(), Some(1));
    member.wait_for("cannot run")["error"].as_str().unwrap().to_owned()
}

#[test]
fn a_cluster_that_does_not_name_the_member_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (Place::new(&folder, "one"), Place::new(&folder, "two"));
    let error = refusal(&one, &[&two], &[]);
    assert!(error.contains("couldn't find local name \"one\" in the initial cluster configuration"), "{error}");
    let error = refusal(&one, &[&one], &["--initial-advertise-peer-urls=http://127.0.0.1:1"]);
    assert!(error.contains("missing from --initial-advertise-peer-urls"), "{error}");
}

#[test]
fn a_directory_of_another_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (Place::new(&folder, "one"), Place::new(&folder, "two"));
    std::fs::create_dir_all(one.data.join("member/wal")).unwrap();
    let error = refusal(&one, &[&one], &[]);
    assert!(error.contains("was written by etcd itself") && error.contains("--data-dir"), "{error}");
    std::fs::remove_dir_all(&one.data).unwrap();

    let both = [&one, &two];
    let mut members = both.map(|place| place.start(&both, &[]));
    members.iter_mut().for_each(|member| drop(member.wait_for(READY)));
    members.into_iter().for_each(|member| member.kill());
    // Each is started on the other's directory.
    let data = two.data.to_str().unwrap().to_owned();
    let error = refusal(&one, &both, &["--data-dir", &data]);
    assert!(error.contains("give each member its own --data-dir"), "{error}");
    // And a log alone that isn't its own.
    std::fs::remove_dir_all(one.data.join("wal")).unwrap();
    std::fs::rename(two.data.join("wal"), one.data.join("wal")).unwrap();
    let error = refusal(&one, &both, &[]);
    assert!(error.contains("belongs to member"), "{error}");
}

#[test]
fn a_damaged_log_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let one = Place::new(&folder, "one");
    let mut member = one.start(&[&one], &[]);
    member.wait_for(READY);
    member.terminate();
    assert!(member.wait().success());
    let segment = std::fs::read_dir(one.data.join("wal")).unwrap().map(|entry| entry.unwrap().path());
    let segment = segment.filter(|path| path.extension().is_some_and(|kind| kind == "wal")).min().unwrap();
    let mut bytes = std::fs::read(&segment).unwrap();
    // Behind the segment's head and the first frame's: what was synced and is vouched for since.
    bytes[100] ^= 0xff;
    std::fs::write(&segment, bytes).unwrap();
    let error = refusal(&one, &[&one], &[]);
    assert!(error.contains("is damaged at byte") && error.contains("remove it from the cluster"), "{error}");
}

#[test]
fn an_address_that_is_taken_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let one = Place::new(&folder, "one");
    let _taken = std::net::TcpListener::bind(("127.0.0.1", one.client_port)).unwrap();
    let error = refusal(&one, &[&one], &[]);
    assert!(error.contains(&one.client_url()), "{error}");
}

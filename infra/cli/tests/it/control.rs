//! Where no shop runs, that is said.

use std::{fs, os::unix::net::UnixListener};

use crate::installation::{Installation, Outcome, plumbline};

#[test]
fn a_folder_without_a_shop_is_told() {
    let installation = Installation::new();
    for arguments in
        [&["status"][..], &["down"], &["kill", "order"], &["restart", "kafka"], &["order", "A=1"], &["cluster"]]
    {
        let folder = installation.data_dir().to_str().unwrap();
        installation.run(arguments).failure(1, &["no shop runs on", folder, "plumbline up"]);
    }
    installation.run(&["logs"]).failure(1, &["no logs yet", "plumbline up"]);
}

#[test]
fn a_missing_folder_is_told() {
    let missing = plumbline(&["status", "--data-dir", "/nowhere/at/all"]).output().unwrap();
    assert!(String::from_utf8(missing.stderr).unwrap().contains("no shop runs on /nowhere/at/all"));
}

#[test]
fn a_socket_that_a_killed_supervisor_left_is_no_shop() {
    let installation = Installation::new();
    drop(UnixListener::bind(installation.data_dir().join("supervisor.socket")).unwrap());
    installation.run(&["status"]).failure(1, &["no shop runs on"]);
}

#[test]
fn a_folder_that_cannot_be_used_is_told() {
    let installation = Installation::new();
    let file = installation.data_dir().join("file");
    fs::write(&file, "").unwrap();
    let below = file.join("data");
    let mut up = plumbline(&["up", "--data-dir", below.to_str().unwrap()]);
    Outcome::of(&mut up).failure(1, &["can't be used", "--data-dir"]);
}

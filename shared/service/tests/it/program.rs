//! A service as a process: the example `hello`, which cargo builds along with the tests.

use std::{
    path::PathBuf,
    process::{Output, Stdio},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::timeout,
};

use crate::client::Request;

const PATIENCE: Duration = Duration::from_secs(20);

fn hello() -> Command {
    let tests = std::env::current_exe().unwrap();
    let built: PathBuf = tests.parent().unwrap().parent().unwrap().join("examples/hello");
    let mut command = Command::new(built);
    command.env_clear().kill_on_drop(true);
    command
}

async fn run(command: &mut Command) -> (i32, String, String) {
    let Output { status, stdout, stderr } = timeout(PATIENCE, command.output()).await.unwrap().unwrap();
    (status.code().unwrap(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

async fn start() -> (Child, String) {
    let mut child = hello().env("PLUMBLINE_LISTEN", "127.0.0.1:0").stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = timeout(PATIENCE, lines.next_line()).await.unwrap().unwrap().expect("it says where it is");
    (child, line.strip_prefix("http://").unwrap().to_owned())
}

#[tokio::test]
async fn help_lists_every_variable_with_its_default() {
    let (code, out, _) = run(hello().arg("--help")).await;
    assert_eq!(code, 0);
    for expected in ["PLUMBLINE_LISTEN", "127.0.0.1:8089", "PLUMBLINE_DRAIN_SECONDS", "PLUMBLINE_LOG_FORMAT", "OTEL_"] {
        assert!(out.contains(expected), "{expected}: {out}");
    }
}

#[tokio::test]
async fn every_fault_of_the_configuration_is_told_together() {
    let mut wrong = hello();
    wrong.env("PLUMBLINE_LISTEN", "here").env("PLUMBLINE_HTTP_WORKERS", "0").env("PLUMBLINE_LOG_FORMAT", "xml");
    let (code, _, err) = run(&mut wrong).await;
    assert_eq!(code, 2);
    for expected in ["PLUMBLINE_LISTEN=here", "PLUMBLINE_HTTP_WORKERS=0: must be from 1 to 64", "pretty or json"] {
        assert!(err.contains(expected), "{expected}: {err}");
    }
}

#[tokio::test]
async fn an_unknown_argument_is_refused() {
    let (code, _, err) = run(hello().arg("--port")).await;
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("--port"), "{err}");
}

#[tokio::test]
async fn a_taken_port_is_told_with_its_variable() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (code, _, err) = run(hello().env("PLUMBLINE_LISTEN", &address)).await;
    assert_eq!(code, 1);
    assert!(err.contains(&format!("PLUMBLINE_LISTEN={address}")), "{err}");
}

#[tokio::test]
async fn it_serves_until_a_signal_and_ends_well() {
    for signal in ["-TERM", "-INT"] {
        let (mut child, address) = start().await;
        let answer = Request::new("GET", "/hello/you").send(address.parse().unwrap()).await;
        assert_eq!((answer.status, answer.text()), (200, "Hello, you"));
        let pid = child.id().unwrap().to_string();
        let killed = Command::new("kill").args([signal, &pid]).status().await.unwrap();
        assert!(killed.success());
        let ended = timeout(PATIENCE, child.wait()).await.unwrap().unwrap();
        assert_eq!(ended.code(), Some(0), "{signal}");
    }
}

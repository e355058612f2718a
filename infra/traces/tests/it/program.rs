//! The program, on ports of its own.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use reqwest::{Response, StatusCode};
use serde_json::Value;

/// A running program. It is killed when a test is done with it.
pub(crate) struct Program {
    child: Child,
    pub(crate) otlp_grpc: String,
    pub(crate) otlp_http: String,
    pub(crate) query: String,
    client: reqwest::Client,
}

impl Program {
    pub(crate) fn start(flags: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_plumbline-traces"));
        for port in ["--otlp-grpc", "--otlp-http", "--query"] {
            command.args([port, "127.0.0.1:0"]);
        }
        let mut child = command.args(flags).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let addresses: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("it printed {line:?}"));
        let address = |name: &str| addresses[name].as_str().unwrap().to_owned();
        let (otlp_grpc, otlp_http, query) = (address("otlp_grpc"), address("otlp_http"), address("query"));
        Self { child, otlp_grpc, otlp_http, query, client: reqwest::Client::new() }
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.client.get(format!("http://{}{path}", self.query)).send().await.unwrap()
    }

    /// The answer's JSON, and its status.
    pub(crate) async fn ask(&self, path: &str) -> (StatusCode, Value) {
        let response = self.get(path).await;
        (response.status(), serde_json::from_slice(&response.bytes().await.unwrap()).unwrap())
    }

    /// Sends a request to the HTTP port with these headers.
    pub(crate) async fn post(&self, headers: &[(&str, &str)], body: impl Into<reqwest::Body>) -> Response {
        let mut request = self.client.post(format!("http://{}/v1/traces", self.otlp_http)).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.unwrap()
    }

    pub(crate) async fn post_json(&self, body: &Value) -> (StatusCode, Value) {
        let response = self.post(&[("content-type", "application/json")], body.to_string()).await;
        (response.status(), serde_json::from_slice(&response.bytes().await.unwrap()).unwrap())
    }

    pub(crate) async fn post_protobuf(&self, body: Vec<u8>) -> Response {
        self.post(&[("content-type", "application/x-protobuf")], body).await
    }

    /// One of the numbers of `/metrics`.
    pub(crate) async fn metric(&self, name: &str) -> f64 {
        let text = self.get("/metrics").await;
        let text = String::from_utf8(text.bytes().await.unwrap().to_vec()).unwrap();
        let line = text.lines().find(|line| line.starts_with(&format!("plumbline_traces_{name} ")));
        line.unwrap_or_else(|| panic!("no {name} in {text}")).rsplit(' ').next().unwrap().parse().unwrap()
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Tells it to end, and says whether it did so well.
    pub(crate) fn terminate(&mut self) -> bool {
        kill(Pid::from_raw(self.child.id() as i32), Signal::SIGTERM).unwrap();
        self.child.wait().unwrap().success()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have been ended by the test.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

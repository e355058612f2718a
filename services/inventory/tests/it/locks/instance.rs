//! The service as a process, which can be stopped where it stands.

use std::{fs, process::Command};

use contracts::OrderId;
use local::testing::ServiceProcess;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::Value;

use crate::world::{TOKEN, World, answer, reserving, until};

/// An instance as a process of its own; killed when dropped.
pub(crate) struct Instance {
    process: ServiceProcess,
    http: reqwest::Client,
}

impl Instance {
    /// Starts it with a name of its own and these variables besides those of the world, and waits until it serves.
    pub(crate) async fn start(world: &World, name: &str, variables: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_plumbline-inventory"));
        command.envs(world.variables()).env("PLUMBLINE_INSTANCE", name).envs(variables.iter().copied());
        Self { process: ServiceProcess::start(command).await, http: reqwest::Client::new() }
    }

    /// As the operator.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("http://{}{path}", self.process.address())).bearer_auth(TOKEN)
    }

    pub(crate) async fn reserve(&self, id: OrderId, lines: &[(&str, i64)]) -> (StatusCode, Value) {
        answer(reserving(self.request(Method::POST, "/reservations"), id, lines)).await
    }

    /// The sum of a metric's series that have `label`.
    pub(crate) async fn metric(&self, name: &str, label: &str) -> f64 {
        let text = self.request(Method::GET, "/metrics").send().await.unwrap().text().await.unwrap();
        let series = text.lines().filter(|line| line.starts_with(name) && line.contains(label));
        series.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    }

    /// Waits until it stands still at the point it was told to stop at.
    pub(crate) async fn until_it_stands_still(&self) {
        let stat = format!("/proc/{}/stat", self.process.id());
        until("the process to stand still", async || {
            let stat = fs::read_to_string(&stat).unwrap();
            // The state stands behind the name, which is in brackets.
            stat.rsplit_once(") ").unwrap().1.starts_with('T').then_some(())
        })
        .await;
    }

    /// Lets it go on.
    pub(crate) fn go_on(&self) {
        kill(Pid::from_raw(self.process.id().cast_signed()), Signal::SIGCONT).unwrap();
    }
}

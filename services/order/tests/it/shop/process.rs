//! The service as its own process.

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc,
    thread,
};

use super::{Client, Shop, eventually};

/// An instance as a process of its own; killed when dropped.
pub(crate) struct Process {
    child: Child,
    pub(crate) client: Client,
}

impl Process {
    /// Starts it, to crash at a point of `messaging::crash` where one is named, and waits until it takes orders.
    pub(crate) async fn start(shop: &Shop, crash_at: Option<&str>) -> Self {
        let crash_at = crash_at.map(|point| ("PLUMBLINE_CRASH_AT", point));
        Self::start_with(shop, crash_at.as_slice()).await
    }

    /// Starts it with some variables set, and waits until it takes orders.
    pub(crate) async fn start_with(shop: &Shop, variables: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_plumbline-order"));
        command.envs(shop.variables()).stderr(Stdio::piped()).env("PLUMBLINE_LOG", "info");
        command.env("PLUMBLINE_LOG_FORMAT", "json").envs(variables.iter().copied());
        let mut child = command.spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        let (sender, address) = mpsc::channel();
        // Reads on, so that the process never waits for someone to read its log.
        thread::spawn(move || {
            for line in log.lines().map_while(Result::ok) {
                if let Some(address) = address_in(&line) {
                    let _ = sender.send(address);
                }
            }
        });
        let address = tokio::task::spawn_blocking(move || address.recv().unwrap()).await.unwrap();
        let client = Client::new(address);
        client.ready().await;
        Self { child, client }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for its end.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        eventually("the process to end", || {
            let ended = self.child.try_wait().unwrap();
            async move { ended }
        })
        .await
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn address_in(line: &str) -> Option<SocketAddr> {
    let at = line.find("127.0.0.1:")?;
    let text: String = line[at..].chars().take_while(|c| c.is_ascii_digit() || matches!(c, '.' | ':')).collect();
    line.contains("order service serves").then(|| text.parse().ok()).flatten()
}

//! The service as its own process.

use std::process::{Command, ExitStatus};

use local::testing::ServiceProcess;

use super::{Client, Shop, until};

/// An instance as a process of its own; killed when dropped.
pub(crate) struct Process {
    process: ServiceProcess,
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
        command.envs(shop.variables()).envs(variables.iter().copied());
        let process = ServiceProcess::start(command).await;
        let client = Client::new(process.address());
        client.ready().await;
        Self { process, client }
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Waits for its end.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        until("the process to end", || {
            let ended = self.process.ended();
            async move { ended }
        })
        .await
    }
}

//! What `./plumbline test` runs the tests under: one private set of servers for all of them.

use std::process::ExitCode;

use local::{
    servers::{Config, Servers},
    testing,
};
use tokio::process::Command;

use crate::{CommandError, supervisor::Signals};

/// Run a command while private servers for tests are up, and end with its exit code
#[derive(Debug, clap::Args)]
pub(crate) struct WithTestServers {
    /// The command and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<String>,
}

impl WithTestServers {
    pub(crate) async fn run(&self) -> Result<ExitCode, CommandError> {
        let mut signals = Signals::listen()?;
        let servers = tokio::select! {
            servers = Servers::start(Config::test(testing::SET), |_| {}) => servers?,
            () = signals.stop() => return Ok(ExitCode::FAILURE),
        };
        let addresses = serde_json::to_string(servers.addresses())?;
        let (program, arguments) = self.command.split_first().expect("clap requires the command");
        let mut command = Command::new(program);
        let mut child = command.args(arguments).env(testing::VARIABLE, addresses).kill_on_drop(true).spawn()?;
        let status = tokio::select! {
            status = child.wait() => Some(status?),
            // A terminal's Ctrl-C has reached the command as well; any other signal ends it by `kill_on_drop`.
            () = signals.stop() => None,
        };
        servers.stop().await;
        let code = status.and_then(|status| status.code()).and_then(|code| u8::try_from(code).ok());
        Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
    }
}

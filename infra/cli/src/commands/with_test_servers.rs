//! What `./plumbline test` runs the tests under: one private set of servers, and one coordinator, for all of them.

use std::process::ExitCode;

use local::{
    coordinators::{self, Coordinators},
    servers::{Config, Servers},
    testing,
};
use tokio::process::Command;

use crate::{CommandError, output, supervisor::Signals};

/// Run a command while private servers for tests are up, and end with its exit code
#[derive(Debug, clap::Args)]
pub(crate) struct WithTestServers {
    /// First see that there is Jaeger, which may take minutes
    #[arg(long)]
    jaeger: bool,

    /// The command and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<String>,
}

impl WithTestServers {
    pub(crate) async fn run(&self) -> Result<ExitCode, CommandError> {
        let mut signals = Signals::listen()?;
        if self.jaeger {
            tokio::select! {
                found = find_jaeger() => found?,
                () = signals.stop() => return Ok(ExitCode::FAILURE),
            }
        }
        let (servers, coordinators) = tokio::select! {
            started = start() => started?,
            () = signals.stop() => return Ok(ExitCode::FAILURE),
        };
        let addresses = serde_json::to_string(servers.addresses())?;
        let (program, arguments) = self.command.split_first().expect("clap requires the command");
        let mut command = Command::new(program);
        command
            .env(testing::VARIABLE, addresses)
            .env(testing::COORDINATORS_VARIABLE, coordinators.endpoints().join(","));
        let mut child = command.args(arguments).kill_on_drop(true).spawn()?;
        let status = tokio::select! {
            status = child.wait() => Some(status?),
            // A terminal's Ctrl-C has reached the command as well; any other signal ends it by `kill_on_drop`.
            () = signals.stop() => None,
        };
        tokio::join!(servers.stop(), coordinators.stop());
        let code = status.and_then(|status| status.code()).and_then(|code| u8::try_from(code).ok());
        Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
    }
}

/// Before the tests, which have no time to build it.
async fn find_jaeger() -> Result<(), CommandError> {
    let version = local::install::JAEGER_VERSION;
    // Whether or not someone reads along, it is built.
    let building =
        || drop(output::line(format_args!("building Jaeger {version} from its Go module, 4 minutes or more, once")));
    local::install::jaeger(building).await.map_err(local::traces::StartError::from)?;
    Ok(())
}

/// What tests share. Those that lose coordinators have clusters of their own.
async fn start() -> Result<(Servers, Coordinators), CommandError> {
    let cluster = coordinators::Config::test(1).map_err(coordinators::StartError::from)?;
    let servers = async { Ok::<_, CommandError>(Servers::start(Config::test(testing::SET), |_| {}).await?) };
    let coordinators = async { Ok(Coordinators::start(cluster).await?) };
    tokio::try_join!(servers, coordinators)
}

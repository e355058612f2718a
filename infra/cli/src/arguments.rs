//! The command line.

use std::{io, path::PathBuf, process::ExitCode};

use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;

use crate::{
    CommandError,
    commands::{
        audit::Audit, cluster::ShowCluster, consistency::Consistency, demo::Demo, load::Load, locks::Locks, logs::Logs,
        order::PlaceOne, part::Which, replica::Replica, scale::Scale, seed::Seed, settings::Settings,
        simulate::Simulate, status::ShowStatus, up, with_test_servers::WithTestServers,
    },
    options::ShopOptions,
    supervisor::detached,
};

/// A shop made of microservices that can be measured, broken and trusted
#[derive(Debug, Parser)]
#[command(
    name = "plumbline",
    version,
    arg_required_else_help = true,
    after_help = "Examples:
  ./plumbline demo                              everything at once: up, a month of real orders, audit
  ./plumbline up -d && ./plumbline status
  ./plumbline order 85123A=6                    one order and its way through the shop
  ./plumbline kill inventory#1                  break something
  ./plumbline load synthetic --rate 2000        load it
  ./plumbline audit                             is every order right?
  ./plumbline settings list                     what can be changed while it runs
  ./plumbline down"
)]
pub(crate) struct Arguments {
    /// Where this shop keeps its data: /var/lib/plumbline for root, else ~/.local/state/plumbline
    #[arg(long, global = true, value_name = "DIR", env = "PLUMBLINE_DATA_DIR")]
    data_dir: Option<PathBuf>,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(Demo),
    Up(up::Up),
    /// Stop the shop in order; its data stays
    Down,
    Status(ShowStatus),
    Logs(Logs),
    /// Start a part anew: drain and stop it if it runs, and wait until it is ready
    Restart(Which),
    /// Kill a part (SIGKILL); it stays down until it is restarted
    Kill(Which),
    Scale(Scale),
    #[command(subcommand)]
    Replica(Replica),
    Seed(Seed),
    Order(PlaceOne),
    #[command(subcommand)]
    Load(Load),
    Audit(Audit),
    #[command(subcommand)]
    Consistency(Consistency),
    Cluster(ShowCluster),
    #[command(subcommand)]
    Settings(Settings),
    #[command(subcommand)]
    Locks(Locks),
    Simulate(Simulate),
    /// Run all tests (by the script ./plumbline); arguments go to `cargo test --workspace`
    Test {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Print completions for a shell, to be sourced: source <(plumbline completions bash)
    Completions {
        shell: Shell,
    },
    /// What `up --detach` starts.
    #[command(name = detached::COMMAND, hide = true)]
    Supervise(ShopOptions),
    /// What `./plumbline test` runs the tests under.
    #[command(hide = true)]
    WithTestServers(WithTestServers),
}

impl Arguments {
    /// Does what was asked for; the exit code is 1 where the answer is no.
    pub(crate) async fn run(self) -> Result<ExitCode, CommandError> {
        let data_dir = self.data_dir.unwrap_or_else(local::home::data_dir);
        let data_dir = std::path::absolute(data_dir)?;
        match self.command {
            Command::Demo(demo) => return demo.run(&data_dir).await,
            Command::Audit(audit) => return audit.run(&data_dir).await,
            Command::Cluster(cluster) => return cluster.run(&data_dir).await,
            Command::Simulate(simulate) => return simulate.run(),
            Command::Consistency(consistency) => return consistency.run(&data_dir).await,
            Command::Load(load) => return load.run(&data_dir).await,
            Command::Up(up) => up.run(&data_dir).await?,
            Command::Down => up::down(&data_dir).await?,
            Command::Status(status) => status.run(&data_dir).await?,
            Command::Logs(logs) => logs.run(&data_dir).await?,
            Command::Restart(which) => which.restart(&data_dir).await?,
            Command::Kill(which) => which.kill(&data_dir).await?,
            Command::Scale(scale) => scale.run(&data_dir).await?,
            Command::Replica(replica) => replica.run(&data_dir).await?,
            Command::Seed(seed) => seed.run(&data_dir).await?,
            Command::Order(order) => order.run(&data_dir).await?,
            Command::Locks(locks) => locks.run(&data_dir).await?,
            Command::Settings(settings) => settings.run(&data_dir).await?,
            Command::Test { .. } => return Err(CommandError::TestsAreTheScripts),
            Command::Completions { shell } => {
                clap_complete::generate(shell, &mut Self::command(), "plumbline", &mut io::stdout().lock());
            }
            Command::WithTestServers(command) => return command.run().await,
            Command::Supervise(options) => detached::supervise(&data_dir, &options).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }
}

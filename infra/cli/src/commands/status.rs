//! `./plumbline status`.

use std::{fs, path::Path};

use local::shop::{State, Status};

use crate::{
    CommandError,
    control::{self, Overview, Reply, Request},
    output::{self, Tone},
    table::{Cell, Table},
    units,
};

/// Show what runs, where, since when, and how often it ended by itself
#[derive(Debug, clap::Args)]
pub(crate) struct ShowStatus {
    /// As JSON, without passwords
    #[arg(long)]
    json: bool,
}

impl ShowStatus {
    pub(crate) async fn run(&self, data_dir: &Path) -> Result<(), CommandError> {
        let overview = overview(data_dir).await?;
        if self.json {
            output::line(serde_json::to_string_pretty(&overview.parts)?)?;
            return Ok(());
        }
        let up_for = units::time(overview.up_for);
        output::line(table(&overview.parts).render(output::colour()))?;
        output::line(format_args!("\nup for {up_for}, supervisor process {}", overview.supervisor))?;
        Ok(())
    }
}

/// Asks the supervisor what runs.
pub(crate) async fn overview(data_dir: &Path) -> Result<Overview, CommandError> {
    match control::ask(data_dir, &Request::Status, drop).await? {
        Reply::Status(overview) => Ok(*overview),
        other => Err(CommandError::Unexpected(format!("{other:?}"))),
    }
}

fn table(parts: &[Status]) -> Table {
    let mut table = Table::new([
        Cell::text("PART"),
        Cell::text("STATE"),
        Cell::text("ADDRESS"),
        Cell::number("PID"),
        Cell::number("MEMORY"),
        Cell::number("SINCE"),
        Cell::number("CRASHES"),
        Cell::text(""),
    ]);
    for part in parts {
        table.row([
            Cell::text(part.part),
            Cell::text(part.state).toned(tone(part.state)),
            Cell::text(part.address),
            Cell::number(part.pid.map(|pid| pid.to_string()).unwrap_or_default()),
            Cell::number(part.pid.and_then(resident).map(units::bytes).unwrap_or_default()),
            Cell::number(units::time(part.since)),
            Cell::number(part.crashes),
            Cell::text(&part.detail).toned(Tone::Faint),
        ]);
    }
    table
}

fn tone(state: State) -> Tone {
    match state {
        State::Ready => Tone::Good,
        State::Running | State::Paused => Tone::Pending,
        State::Killed | State::Waiting | State::Stopped => Tone::Bad,
    }
}

/// Resident memory of a process alone, in bytes (`VmRSS` in proc_pid_status(5)).
fn resident(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_of_this_process_is_known() {
        assert!(resident(std::process::id()).unwrap() > 100_000);
        assert_eq!(resident(u32::MAX), None);
    }
}

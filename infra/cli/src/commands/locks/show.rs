//! `./plumbline locks show`.

use std::{
    path::Path,
    time::{Duration, SystemTime},
};

use coordination::Cluster;
use locks::inspect::{self, Held, Inspected};
use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{
    LocksError,
    servers::{Places, Servers},
};
use crate::{
    CommandError,
    output::{self, Tone},
    table::{Cell, Table},
    units,
};

/// Show who holds which lock, since when, for how long, and who waits
#[derive(Debug, clap::Args)]
#[command(
    after_help = "It takes nothing, and keeps nobody waiting. With the strategy `database` rows are locked, which PostgreSQL knows alone. \
Of an instance's own tasks that wait, one stands for all.

Examples:
  ./plumbline locks show
  ./plumbline locks show --json | jq '.held[] | {key, holder, left_ms}'"
)]
pub(crate) struct Show {
    /// As JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    servers: Servers,
}

impl Show {
    pub(super) async fn run(&self, data_dir: &Path) -> Result<(), CommandError> {
        let Places { redis, redlock, coordinators, prefix } = self.servers.places(data_dir).await?;
        let cluster = match &coordinators[..] {
            [] => None,
            endpoints => {
                let config = coordination::Config::new(endpoints, &prefix);
                Some(Cluster::new(config).map_err(LocksError::from)?)
            }
        };
        let config = locks::Config { redlock, prefix: format!("{prefix}:locks:"), ..locks::Config::new(redis) };
        let mut found = inspect::held(&config, cluster.as_ref()).await.map_err(LocksError::from)?;
        found.held.sort_by(|a, b| (&a.key, &a.place).cmp(&(&b.key, &b.place)));
        if self.json {
            output::line(serde_json::to_string_pretty(&object(&found))?)?;
        } else {
            text(&found)?;
        }
        Ok(())
    }
}

fn text(found: &Inspected) -> Result<(), CommandError> {
    if found.held.is_empty() {
        output::line("no lock is held")?;
    } else {
        output::line(table(&found.held, SystemTime::now()).render(output::colour()))?;
    }
    for (place, fault) in &found.silent {
        let told = format!("{place} can't be asked: {fault}");
        output::line(Tone::Bad.paint(&told, output::colour()))?;
    }
    Ok(())
}

fn table(held: &[Held], now: SystemTime) -> Table {
    let text = ["KEY", "HOLDER", "STRATEGY", "AT"].map(Cell::text);
    let numbers = ["SINCE", "LEFT"].map(Cell::number);
    let mut table = Table::new(text.into_iter().chain(numbers).chain(["TOKEN", "WAITING"].map(Cell::text)));
    for Held { strategy, place, key, holder, since, left, token, waiting } in held {
        // Another machine's clock may be ahead.
        let since = since.map(|since| units::time(now.duration_since(since).unwrap_or_default()));
        table.row([
            Cell::text(key),
            Cell::text(holder),
            Cell::text(strategy),
            Cell::text(place).toned(Tone::Faint),
            Cell::number(since.unwrap_or_default()),
            Cell::number(left.map(units::time).unwrap_or_default()),
            Cell::text(token.map(|token| token.to_string()).unwrap_or_default()),
            Cell::text(waiting.join(", ")).toned(Tone::Pending),
        ]);
    }
    table
}

fn object(found: &Inspected) -> Value {
    let held = |held: &Held| {
        json!({
            "key": held.key,
            "holder": held.holder,
            "strategy": held.strategy.word(),
            "at": held.place,
            "since": held.since.and_then(|since| OffsetDateTime::from(since).format(&Rfc3339).ok()),
            "left_ms": held.left.map(|left: Duration| left.as_millis() as u64),
            "token": held.token.map(|token| token.to_string()),
            "waiting": held.waiting,
        })
    };
    let silent = |(place, fault): &(String, locks::Fault)| json!({ "at": place, "reason": fault.to_string() });
    json!({
        "held": found.held.iter().map(held).collect::<Vec<_>>(),
        "silent": found.silent.iter().map(silent).collect::<Vec<_>>(),
    })
}

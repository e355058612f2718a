//! `./plumbline cluster`.

use std::{path::Path, process::ExitCode};

use coordination::members::{self, Member, Role};
use serde_json::{Value, json};

use crate::{
    CommandError,
    coordinators::Coordinators,
    output::{self, Tone},
    table::{Cell, Table},
    units,
};

/// Show the coordinators: who leads, who is how far behind, who is down
#[derive(Debug, clap::Args)]
#[command(after_help = "The exit code is 1 while there is no leader.

Examples:
  ./plumbline cluster
  ./plumbline kill coordinator#2 && ./plumbline cluster
  ./plumbline cluster --json | jq '.[] | {name, role, lag}'")]
pub(crate) struct ShowCluster {
    /// As JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    coordinators: Coordinators,
}

impl ShowCluster {
    pub(crate) async fn run(&self, data_dir: &Path) -> Result<ExitCode, CommandError> {
        let all = members::members(&self.coordinators.cluster(data_dir).await?).await;
        if self.json {
            let objects: Vec<_> = all.iter().map(|member| object(member, &all)).collect();
            output::line(serde_json::to_string_pretty(&objects)?)?;
        } else {
            output::line(table(&all).render(output::colour()))?;
        }
        let led = all.iter().any(|member| member.role() == Role::Leader);
        Ok(if led { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// A member's number as etcd's own tools write it.
fn id(member: &Member) -> String {
    member.id.map(|id| format!("{id:x}")).unwrap_or_default()
}

fn object(member: &Member, all: &[Member]) -> Value {
    let mut object = json!({
        "name": member.name,
        "id": id(member),
        "endpoint": member.endpoint,
        "role": member.role().as_str(),
        "lag": members::lag(all, member),
    });
    let said = match &member.report {
        Ok(report) => json!({
            "version": report.version,
            "term": report.term,
            "revision": report.revision,
            "raft_index": report.raft_index,
            "applied_index": report.applied_index,
            "size_bytes": report.size,
            "size_in_use_bytes": report.size_in_use,
            "errors": report.errors,
        }),
        Err(silence) => json!({ "errors": [silence.to_string()] }),
    };
    if let (Value::Object(object), Value::Object(said)) = (&mut object, said) {
        object.extend(said);
    }
    object
}

fn table(all: &[Member]) -> Table {
    let text = ["NAME", "ID", "ENDPOINT", "ROLE"].map(Cell::text);
    let numbers = ["TERM", "REVISION", "INDEX", "APPLIED", "LAG", "SIZE"].map(Cell::number);
    let mut table = Table::new(text.into_iter().chain(numbers).chain([Cell::text("")]));
    for member in all {
        let report = member.report.as_ref().ok();
        let number = |number: Option<u64>| Cell::number(number.map(|number| number.to_string()).unwrap_or_default());
        let trouble = match &member.report {
            Ok(report) => report.errors.join(", "),
            Err(silence) => silence.to_string(),
        };
        table.row([
            Cell::text(&member.name),
            Cell::text(id(member)),
            Cell::text(&member.endpoint),
            Cell::text(member.role().as_str()).toned(tone(member.role())),
            number(report.map(|report| report.term)),
            Cell::number(report.map(|report| report.revision.to_string()).unwrap_or_default()),
            number(report.map(|report| report.raft_index)),
            number(report.map(|report| report.applied_index)),
            number(members::lag(all, member)),
            Cell::number(report.map(|report| units::bytes(report.size)).unwrap_or_default()),
            Cell::text(trouble).toned(Tone::Faint),
        ]);
    }
    table
}

fn tone(role: Role) -> Tone {
    match role {
        Role::Leader | Role::Follower => Tone::Good,
        Role::Learner => Tone::Pending,
        Role::Down => Tone::Bad,
    }
}

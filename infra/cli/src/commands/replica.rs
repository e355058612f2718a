//! `./plumbline replica`.

use std::path::Path;

use local::servers::Standing;

use crate::{
    CommandError,
    control::{self, Reply, Request, Wish},
    output, units,
};

/// See how far PostgreSQL's replica is, and hold it back
#[derive(Debug, clap::Subcommand)]
#[command(
    after_help = "What a replica that is held back shows, and to whom, is up to the header Plumbline-Consistency of each read.
`./plumbline kill replica` and `restart replica` work on it as on any part.

Examples:
  ./plumbline up -d --replica
  ./plumbline replica pause
  curl -i -H 'Plumbline-Consistency: eventual' localhost:8082/stock/85123A    answered by the replica, as it was
  ./plumbline replica show
  ./plumbline replica resume"
)]
pub(crate) enum Replica {
    /// How far it is: bytes of the log and seconds behind the primary, and both positions
    Show(Show),
    /// Have it replay nothing until `resume`, or until it is restarted; it keeps what it is sent
    Pause,
    /// Let it replay on
    Resume,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Show {
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl Replica {
    pub(crate) async fn run(&self, data_dir: &Path) -> Result<(), CommandError> {
        let wish = match self {
            Self::Show(_) => Wish::Show,
            Self::Pause => Wish::Pause,
            Self::Resume => Wish::Resume,
        };
        let standing = match control::ask(data_dir, &Request::Replica { wish }, drop).await? {
            Reply::Replica(standing) => standing,
            other => return Err(CommandError::Unexpected(format!("{other:?}"))),
        };
        match self {
            Self::Show(Show { json: true }) => output::line(serde_json::to_string_pretty(&standing)?)?,
            Self::Show(_) | Self::Pause | Self::Resume => output::line(told(&standing))?,
        }
        Ok(())
    }
}

fn told(standing: &Standing) -> String {
    let state = match (standing.paused, standing.streaming) {
        (true, true) => "replays nothing until `./plumbline replica resume`, and is sent what is written",
        (true, false) => "replays nothing until `./plumbline replica resume`, and is sent nothing",
        (false, true) => "replays what it is sent",
        (false, false) => "is sent nothing: the primary is away, or it has only just begun",
    };
    let bytes = standing.behind_bytes.map_or_else(|| "an unknown number of bytes".to_owned(), units::bytes);
    let written = standing.written.as_deref().unwrap_or("unknown, as the primary does not answer");
    let seconds = units::time(standing.behind);
    format!(
        "{:<12}{state}\n{:<12}{bytes}, {seconds}\n{:<12}{written}\n{:<12}{}",
        "replica", "behind", "written", "replayed", standing.replayed
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_replica_that_is_held_back_is_told_with_both_positions() {
        let standing = Standing {
            streaming: true,
            paused: true,
            written: Some("0/3000148".to_owned()),
            replayed: "0/3000000".to_owned(),
            behind_bytes: Some(328),
            behind: Duration::from_millis(2_500),
        };
        let told = told(&standing);
        for words in ["replays nothing", "328 B", "2.50 s", "0/3000148", "0/3000000"] {
            assert!(told.contains(words), "{words}: {told}");
        }
        let alone = super::told(&Standing { written: None, behind_bytes: None, streaming: false, ..standing });
        assert!(alone.contains("the primary does not answer") && alone.contains("unknown number"), "{alone}");
    }
}

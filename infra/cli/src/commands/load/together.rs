//! Drivers that begin together: they wait for each other at a barrier in the coordination cluster.

use std::{path::Path, str::FromStr, time::Duration};

use coordination::{Cluster, Name, barrier::Barrier};
use driver::{Gate, NotBegun};

use crate::{CommandError, coordinators::Coordinators};

/// How long a driver waits for the others.
const PATIENCE: Duration = Duration::from_secs(10 * 60);
/// The only use of a name: whoever begins again takes another.
const GENERATION: u64 = 0;

/// With whom a run begins.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Together {
    /// Wait at a barrier of this name in the coordination cluster until so many drivers are there, then begin with them.
    /// A name is used once
    #[arg(long, value_name = "NAME:COUNT", help_heading = "The run")]
    start_with: Option<Meeting>,

    #[command(flatten)]
    coordinators: Coordinators,
}

/// `NAME:COUNT`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Meeting {
    name: Name,
    drivers: usize,
}

/// What names no meeting.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("give a name and how many drivers there are, as evening:2 (got {0:?})")]
struct InvalidMeeting(String);

impl FromStr for Meeting {
    type Err = InvalidMeeting;

    fn from_str(text: &str) -> Result<Self, InvalidMeeting> {
        let parsed = || {
            let (name, drivers) = text.rsplit_once(':')?;
            Some(Self { name: name.parse().ok()?, drivers: drivers.parse().ok().filter(|drivers| *drivers > 0)? })
        };
        parsed().ok_or_else(|| InvalidMeeting(text.to_owned()))
    }
}

impl Together {
    /// What the run waits for, if anything.
    pub(crate) async fn gate(&self, data_dir: &Path) -> Result<Option<Gate>, CommandError> {
        let Some(Meeting { name, drivers }) = self.start_with.clone() else { return Ok(None) };
        let cluster = self.coordinators.cluster(data_dir).await?;
        let barrier = Barrier { name, generation: GENERATION, parties: drivers };
        if barrier.is_open(&cluster).await? {
            return Err(NotBegun::new(format_args!(
                "others have begun together as {:?} already; take a name that is new",
                barrier.name.as_str()
            ))
            .into());
        }
        Ok(Some(Gate::new(meet(barrier, cluster))))
    }
}

async fn meet(barrier: Barrier, cluster: Cluster) -> Result<(), NotBegun> {
    eprintln!("waiting at {:?} until {} drivers are there", barrier.name.as_str(), barrier.parties);
    barrier.wait(&cluster, PATIENCE).await.map_err(NotBegun::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_meeting_has_a_name_and_a_number() {
        let meeting: Meeting = "evening:2".parse().unwrap();
        assert_eq!((meeting.name.as_str(), meeting.drivers), ("evening", 2));
        for wrong in ["evening", "evening:", "evening:0", ":2", "evening:two", "a b:2"] {
            assert!(wrong.parse::<Meeting>().is_err(), "{wrong}");
        }
    }
}

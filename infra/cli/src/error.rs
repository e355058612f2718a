//! Why a command failed. Each message says what would mend it, where that is known.

use std::{io, path::PathBuf};

use crate::{
    control::ControlError,
    coordinators::CoordinatorsError,
    endpoints::HttpError,
    reach::ReachError,
    supervisor::{SupervisorError, detached::DetachError},
};

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    /// The supervisor did not do what it was asked for.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// The shop did not come up in the foreground.
    #[error(transparent)]
    Supervisor(#[from] SupervisorError),
    /// The shop did not come up in the background.
    #[error(transparent)]
    Detach(#[from] DetachError),
    /// The servers for tests did not start.
    #[error(transparent)]
    Servers(#[from] local::servers::StartError),
    /// The coordinators for tests did not start.
    #[error(transparent)]
    Coordinators(#[from] local::coordinators::StartError),
    /// Tests are to have Jaeger, and there is none.
    #[error(transparent)]
    Traces(#[from] local::traces::StartError),
    /// A service did not give what it was asked for.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The shop can't be reached.
    #[error(transparent)]
    Reach(#[from] ReachError),
    /// There are no coordinators to reach for.
    #[error(transparent)]
    NoCoordinators(#[from] CoordinatorsError),
    /// The coordinators do not answer.
    #[error(transparent)]
    Coordination(#[from] coordination::CallError),
    /// A setting was not set.
    #[error(transparent)]
    Setting(#[from] coordination::settings::SetError),
    /// The file of real orders can't be read.
    #[error(transparent)]
    Read(#[from] driver::retail::ReadError),
    /// The shop could not be filled.
    #[error(transparent)]
    Seed(#[from] driver::seed::SeedError),
    /// The replay could not be made.
    #[error(transparent)]
    Replay(#[from] driver::replay::ReplayError),
    /// Those with whom a run was to begin have begun before.
    #[error(transparent)]
    NotBegun(#[from] driver::NotBegun),
    /// The synthetic load could not be made.
    #[error(transparent)]
    Load(#[from] driver::synthetic::LoadError),
    /// The sale could not be held.
    #[error(transparent)]
    Sale(#[from] driver::flash_sale::SaleError),
    /// The sale was not even begun.
    #[error(transparent)]
    NoSale(#[from] crate::commands::load::flash_sale::NoSale),
    /// Consistency could not be checked.
    #[error(transparent)]
    Consistency(#[from] crate::commands::consistency::ConsistencyError),
    /// Nobody could look at products.
    #[error(transparent)]
    Browse(#[from] driver::browse::BrowseError),
    /// A stampede could not be made.
    #[error(transparent)]
    Stampede(#[from] driver::stampede::StampedeError),
    /// What was asked for can't be had of this shop.
    #[error(transparent)]
    NoCache(#[from] crate::commands::load::caching::NoCache),
    /// Ctrl-C.
    #[error("interrupted; what was set and broken is as it was before")]
    Interrupted,
    /// Who holds which lock can't be asked, or ways to lock not be compared.
    #[error(transparent)]
    Locks(#[from] crate::commands::locks::LocksError),
    /// The databases could not be audited.
    #[error(transparent)]
    Audit(#[from] audit::AuditError),
    /// What the load driver wrote down can't be read.
    #[error(transparent)]
    Ledger(#[from] driver::ledger::LedgerError),
    /// Standard output, or a file of the data folder.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Something can't be written as JSON.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// The supervisor answered a request with the answer to another.
    #[error("the shop runs with another version of plumbline, whose answer means nothing here: {0}")]
    Unexpected(String),
    /// The supervisor has stopped everything, but does not end.
    #[error("everything was told to stop, but process {pid} is still there; {} tells why", .log.display())]
    StillThere {
        /// The supervisor.
        pid: u32,
        /// Its log.
        log: PathBuf,
    },
    /// The shop has never been up.
    #[error("there are no logs yet: {} is missing. `./plumbline up` starts a shop.", .0.display())]
    NoLogs(PathBuf),
    /// A part without a log.
    #[error("{wanted} has no log; those that have one: {names}")]
    NoSuchLog {
        /// What was asked for.
        wanted: String,
        /// Those that there are.
        names: String,
    },
    /// `./plumbline test` without the script.
    #[error("tests are run by the script at the root of the checkout: ./plumbline test")]
    TestsAreTheScripts,
}

impl CommandError {
    /// Whether only the reader of the output has gone.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Io(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}

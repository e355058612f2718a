//! Where things are: the checkout, and the data folder of an installation.

use std::path::{Path, PathBuf};

/// A month of real orders, in the checkout.
const DEMO_ORDERS: &str = "data/online-retail-2010-12.csv.gz";

/// The checkout: what `./plumbline` says, else the one this program was built in, else the current folder.
pub(crate) fn checkout() -> PathBuf {
    let told = std::env::var_os("PLUMBLINE_HOME").map(PathBuf::from);
    let built_in = || {
        let program = std::env::current_exe().ok()?;
        program.ancestors().find(|folder| folder.join(DEMO_ORDERS).is_file()).map(Path::to_owned)
    };
    told.or_else(built_in).unwrap_or_else(|| PathBuf::from("."))
}

/// The orders that the demonstration replays.
pub(crate) fn demo_orders() -> PathBuf {
    checkout().join(DEMO_ORDERS)
}

/// Where the logs of an installation stand.
pub(crate) fn logs(data_dir: &Path) -> PathBuf {
    data_dir.join("logs")
}

/// What a detached supervisor writes.
pub(crate) fn supervisor_log(data_dir: &Path) -> PathBuf {
    logs(data_dir).join("supervisor.log")
}

/// Where the ledgers of load runs stand, for the audit.
pub(crate) fn runs(data_dir: &Path) -> PathBuf {
    data_dir.join("runs")
}

/// Where those of runs against a shop elsewhere stand: they mean nothing to the one on this data folder.
pub(crate) fn runs_elsewhere(data_dir: &Path) -> PathBuf {
    runs(data_dir).join("elsewhere")
}

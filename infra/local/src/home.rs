//! Default places, after the XDG Base Directory Specification.

use std::{
    env,
    path::{Path, PathBuf},
};

use nix::unistd::Uid;

/// Where an installation keeps its data unless it is told otherwise: for root `/var/lib/plumbline`, which the account
/// that the servers run as can reach; else `plumbline` in `XDG_STATE_HOME` or in `~/.local/state`.
pub fn data_dir() -> PathBuf {
    if Uid::effective().is_root() { "/var/lib/plumbline".into() } else { xdg("XDG_STATE_HOME", ".local/state") }
}

/// `plumbline` in the folder that a variable names (relative ones don't count), or in a folder of the home.
pub(crate) fn xdg(variable: &str, below_home: &str) -> PathBuf {
    let named = env::var_os(variable).map(PathBuf::from).filter(|folder| folder.is_absolute());
    let home = || env::home_dir().unwrap_or_else(|| Path::new("/").to_owned()).join(below_home);
    named.unwrap_or_else(home).join("plumbline")
}

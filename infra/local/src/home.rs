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

/// Where the programs of this build are: beside the running one, or above it where that is a test in `deps/`.
pub(crate) fn programs() -> PathBuf {
    beside(&env::current_exe().unwrap_or_default())
}

fn beside(program: &Path) -> PathBuf {
    let folder = program.parent().unwrap_or(program);
    let above = folder.parent().filter(|_| folder.ends_with("deps"));
    above.unwrap_or(folder).to_owned()
}

/// `plumbline` in the folder that a variable names (relative ones don't count), or in a folder of the home.
pub(crate) fn xdg(variable: &str, below_home: &str) -> PathBuf {
    let named = env::var_os(variable).map(PathBuf::from).filter(|folder| folder.is_absolute());
    let home = || env::home_dir().unwrap_or_else(|| Path::new("/").to_owned()).join(below_home);
    named.unwrap_or_else(home).join("plumbline")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_from_programs_and_from_tests() {
        let release = Path::new("/x/target/release");
        assert_eq!(beside(&release.join("plumbline")), release);
        assert_eq!(beside(&release.join("deps/it-0123abcd")), release);
    }
}

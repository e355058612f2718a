//! An empty database cluster, made once and copied for each installation: initdb takes ten times as long as a copy.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::{cache, error::InstallError};
use crate::{account::Account, folder, secrets::Secrets};

/// The role that owns every cluster.
pub(crate) const SUPERUSER: &str = "plumbline";
/// A cluster is 39 MB.
const SPACE: u64 = 100 << 20;

/// A database cluster to copy.
#[derive(Debug, Clone)]
pub(crate) struct Template {
    pub(crate) cluster: PathBuf,
}

impl Template {
    /// The template for the PostgreSQL in `bin`, made when it is missing, belonging to `account`.
    pub(crate) fn prepare(bin: &Path, account: Option<&Account>) -> Result<Self, InstallError> {
        let failed = |source| InstallError::Prepare { what: "PostgreSQL's template", source };
        let mut version = Command::new(bin.join("postgres"));
        version.arg("--version");
        let version = folder::run(version, None, "").map_err(failed)?;
        // "postgres (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)"
        let version = version.split(' ').nth(2).unwrap_or("unknown");
        let owner = account.map_or("own", |account| account.name.as_str());
        let made = cache::entry(&format!("postgres-{version}-{owner}"), |staging| {
            cache::require_space(SPACE)?;
            initdb(bin, staging, account).map_err(failed)
        })?;
        Ok(Self { cluster: made.join("cluster") })
    }
}

fn initdb(bin: &Path, staging: &Path, account: Option<&Account>) -> std::io::Result<()> {
    let user = account.map(|account| account.user);
    let (cluster, password) = (staging.join("cluster"), staging.join("password"));
    folder::make(staging, 0o755, None)?;
    folder::make(&cluster, 0o700, user)?;
    // Nobody ever uses it: each copy gets passwords of its own before its first start.
    folder::write(&password, &Secrets::generate().password("template"), 0o600, user)?;
    let mut command = Command::new(bin.join("initdb"));
    command.args(["--username", SUPERUSER, "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]);
    command.arg("--pwfile").arg(&password).arg("--pgdata").arg(&cluster).current_dir("/");
    folder::run(command, user, "")?;
    fs::remove_file(password)
}

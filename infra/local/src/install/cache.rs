//! The folder for what is made once for all installations of a user.

use std::{
    env,
    fs::{self, File},
    path::{Path, PathBuf},
};

use nix::unistd::Uid;

use super::error::InstallError;
use crate::folder;

/// Where Kafka and the template of a database cluster are kept: `PLUMBLINE_CACHE`, or for root `/var/cache/plumbline`,
/// because the account that the servers run as must reach it, or `plumbline` in `XDG_CACHE_HOME`, or in `~/.cache`.
pub fn cache_dir() -> PathBuf {
    if let Some(folder) = env::var_os("PLUMBLINE_CACHE").filter(|folder| !folder.is_empty()) {
        return folder.into();
    }
    if Uid::effective().is_root() {
        return "/var/cache/plumbline".into();
    }
    crate::home::xdg("XDG_CACHE_HOME", ".cache")
}

/// An entry of the cache, made when it is missing: whole, or not at all, and by one process at a time.
///
/// `make` gets the path of a folder that it has to make; it is renamed to its place when all is done.
pub(super) fn entry(name: &str, make: impl FnOnce(&Path) -> Result<(), InstallError>) -> Result<PathBuf, InstallError> {
    let cache = cache_dir();
    let path = cache.join(name);
    if path.exists() {
        return Ok(path);
    }
    let _lock = lock(&cache, name)?;
    if path.exists() {
        return Ok(path); // Another process made it meanwhile.
    }
    let staging = cache.join(format!("{name}.new"));
    // What an interrupted attempt left.
    folder::remove(&staging).map_err(|source| InstallError::folder(&staging, source))?;
    make(&staging)?;
    fs::rename(&staging, &path).map_err(|source| InstallError::folder(&path, source))?;
    Ok(path)
}

/// Holds others off while one process makes something; free again when the file is dropped.
pub(super) fn lock(cache: &Path, name: &str) -> Result<File, InstallError> {
    let take = || {
        fs::create_dir_all(cache)?;
        let lock = File::create(cache.join(format!("{name}.lock")))?;
        lock.lock()?;
        Ok(lock)
    };
    take().map_err(|source| InstallError::folder(cache, source))
}

/// Fails unless so many bytes are free where the cache is.
pub(super) fn require_space(needed: u64) -> Result<(), InstallError> {
    let cache = cache_dir();
    let check = || {
        fs::create_dir_all(&cache)?;
        folder::free_bytes(&cache)
    };
    let free = check().map_err(|source| InstallError::folder(&cache, source))?;
    if free < needed { Err(InstallError::NoSpace { folder: cache, free, needed }) } else { Ok(()) }
}

//! Jaeger: one that is there, else one that Go builds from its module, once a machine.

mod go;

use std::{
    env,
    fs::{self, TryLockError},
    io,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::{process::Command, time};

use self::go::Go;
use super::{cache, error::InstallError, programs::search};
use crate::folder;

/// The version of Jaeger that is built.
pub const JAEGER_VERSION: &str = "2.13.0";
/// The environment variable that names a Jaeger to use: the file of its program.
pub const JAEGER_VARIABLE: &str = "PLUMBLINE_JAEGER";
/// The environment variable that, where it isn't empty, forbids to build what is missing.
pub const NO_INSTALL_VARIABLE: &str = "PLUMBLINE_NO_INSTALL";

const PROGRAM: &str = "jaeger";
/// What the module's build is called, and where its version is written into it.
const PACKAGE: &str = "github.com/jaegertracing/jaeger/cmd/jaeger";
const VERSION_SYMBOL: &str = "github.com/jaegertracing/jaeger/internal/version.latestVersion";
/// These two pin every byte of it.
const GO_MOD: &str = include_str!("../../../jaeger/go.mod");
const GO_SUM: &str = include_str!("../../../jaeger/go.sum");
/// Sources, compiled packages and the program while it is built come to 3.1 GB, an old Go's newer one included.
const SPACE: u64 = 4 << 30;
/// How often it is looked whether another process has finished building it.
const LOOK: Duration = Duration::from_millis(250);

/// A Jaeger of version 2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Jaeger {
    /// Its program.
    pub program: PathBuf,
    /// Whether it was built here, and so has no page for people: that is no part of its module.
    pub built: bool,
}

/// There is no Jaeger, and none could be built.
#[derive(Debug, thiserror::Error)]
pub enum JaegerError {
    /// What was named is not Jaeger 2.
    #[error("{} is no Jaeger of version 2: `{JAEGER_VARIABLE}` names it", .0.display())]
    NotJaeger(PathBuf),
    /// Nothing may be installed.
    #[error(
        "Jaeger is missing, and is not built with --no-install: put `jaeger` of version 2 on the PATH, or name it in \
         {JAEGER_VARIABLE}"
    )]
    NotInstalled,
    /// No Go builds it.
    #[error(
        "Jaeger is missing, and so is Go, which builds it. To install Go: apt-get install golang-go, or see \
         https://go.dev/dl. Else put `jaeger` of version 2 on the PATH, or name it in {JAEGER_VARIABLE}"
    )]
    NoGo,
    /// Go is too old, and could not get a newer one.
    #[error("{} is version {found}, and did not get version {}, which needs the Internet once: {source}", .program.display(), go::TOOLCHAIN)]
    Toolchain {
        /// Which Go.
        program: PathBuf,
        /// Its version.
        found: String,
        /// Why.
        source: io::Error,
    },
    /// Go did not build it.
    #[error("Jaeger {JAEGER_VERSION} can't be built, which needs the Internet once: {0}")]
    Build(#[source] io::Error),
    /// The cache can't be used.
    #[error(transparent)]
    Cache(Box<InstallError>),
}

impl From<InstallError> for JaegerError {
    fn from(error: InstallError) -> Self {
        Self::Cache(Box::new(error))
    }
}

/// Where Jaeger is: what `PLUMBLINE_JAEGER` names, else `jaeger` on the `PATH` if it is of version 2, else the one that is
/// in [`cache_dir`](super::cache_dir), which Go builds there when it is missing; `building` is called before that.
///
/// Of several processes that do this at once, one builds and the others wait.
///
/// # Errors
/// What is named is no Jaeger 2; or there is none, and Go is missing, or fails, or nothing may be installed.
pub async fn jaeger(building: impl FnOnce()) -> Result<Jaeger, JaegerError> {
    if let Some(named) = variable(JAEGER_VARIABLE) {
        let program = PathBuf::from(named);
        return if is_version_2(&program).await { Ok(found(program)) } else { Err(JaegerError::NotJaeger(program)) };
    }
    if let Some(program) = search(PROGRAM)
        && is_version_2(&program).await
    {
        return Ok(found(program));
    }
    let cached = cache::cache_dir().join(name());
    if !cached.exists() {
        if variable(NO_INSTALL_VARIABLE).is_some() {
            return Err(JaegerError::NotInstalled);
        }
        let go = Go::find().await.ok_or(JaegerError::NoGo)?;
        building();
        make(&go, &cached).await?;
    }
    Ok(Jaeger { program: cached.join(PROGRAM), built: true })
}

fn variable(name: &str) -> Option<std::ffi::OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

/// A program from the cache may be named, too.
fn found(program: PathBuf) -> Jaeger {
    let built = program.canonicalize().is_ok_and(|file| file == cache::cache_dir().join(name()).join(PROGRAM));
    Jaeger { program, built }
}

fn name() -> String {
    format!("jaeger-{JAEGER_VERSION}")
}

/// Whether a program says of itself that it is Jaeger 2. Version 1 had no program of that name that serves.
async fn is_version_2(program: &Path) -> bool {
    let output = Command::new(program).arg("version").stdin(Stdio::null()).kill_on_drop(true).output();
    let Ok(Ok(output)) = time::timeout(Duration::from_secs(10), output).await else { return false };
    says_version_2(&String::from_utf8_lossy(&output.stdout))
}

fn says_version_2(said: &str) -> bool {
    said.contains(r#""gitVersion":"v2."#)
}

/// Builds it into its place in the cache: whole, or not at all. Ends with this future.
async fn make(go: &Go, place: &Path) -> Result<(), JaegerError> {
    let cache = cache::cache_dir();
    let failed = |source| JaegerError::from(InstallError::folder(place, source));
    fs::create_dir_all(&cache).map_err(failed)?;
    let lock = fs::File::create(cache.join(format!("{}.lock", name()))).map_err(failed)?;
    // Not awaited in a thread, which would hold up this process's end for as long as another one builds.
    while let Err(error) = lock.try_lock() {
        match error {
            TryLockError::WouldBlock => time::sleep(LOOK).await,
            TryLockError::Error(source) => return Err(failed(source)),
        }
    }
    if place.exists() {
        return Ok(()); // Another process made it meanwhile.
    }
    cache::require_space(SPACE)?;
    let staging = cache.join(format!("{}.new", name()));
    // What an interrupted attempt left.
    folder::remove(&staging).map_err(failed)?;
    let built = build(go, &staging).await;
    let put = built.and_then(|finished| fs::rename(finished, place).map_err(failed));
    folder::remove(&staging).map_err(failed)?;
    put
}

/// Builds it below `staging`, and answers the folder that holds it alone.
async fn build(go: &Go, staging: &Path) -> Result<PathBuf, JaegerError> {
    let failed = |source| JaegerError::from(InstallError::folder(staging, source));
    let finished = staging.join("finished");
    fs::create_dir_all(&finished).map_err(failed)?;
    fs::write(staging.join("go.mod"), GO_MOD).map_err(failed)?;
    fs::write(staging.join("go.sum"), GO_SUM).map_err(failed)?;
    let mut build = go.command(staging).await?;
    let version = format!("-s -w -X {VERSION_SYMBOL}=v{JAEGER_VERSION}");
    build.args(["build", "-trimpath", "-modcacherw", "-buildvcs=false", "-ldflags", &version, "-o"]);
    go::run(build.arg(finished.join(PROGRAM)).arg(PACKAGE)).await.map_err(JaegerError::Build)?;
    Ok(finished)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_version_2_will_do() {
        assert!(says_version_2(r#"{"gitCommit":"","gitVersion":"v2.13.0","buildDate":""}"#));
        assert!(!says_version_2(r#"{"gitCommit":"","gitVersion":"v1.57.0","buildDate":""}"#));
        assert!(!says_version_2(""));
    }

    #[tokio::test]
    async fn what_is_no_jaeger_is_not_taken_for_one() {
        assert!(!is_version_2(Path::new("/bin/true")).await);
        assert!(!is_version_2(Path::new("/nowhere/jaeger")).await);
    }

    #[test]
    fn the_module_asks_for_no_newer_go_than_is_looked_for() {
        let asked = GO_MOD.lines().find_map(|line| line.strip_prefix("go ")).unwrap();
        assert_eq!(asked, go::NEEDED.to_string());
    }
}

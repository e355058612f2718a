//! A Go that is new enough: the one that is there, or one that it fetches as it fetches modules.

use std::{
    fmt, fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Stdio,
};

use serde::Deserialize;
use tokio::process::Command;

use super::JaegerError;
use crate::install::programs::search;

/// The oldest Go that Jaeger's module is content with.
pub(super) const NEEDED: Version = Version(1, 24, 6);
/// The Go that an older one fetches: the one that Jaeger's makers build with.
pub(super) const TOOLCHAIN: &str = "1.25.4";
/// Since this one Go fetches another version by itself when told to.
const FETCHES: Version = Version(1, 21, 0);
/// Where Go's own archive is unpacked.
const USUAL: &str = "/usr/local/go/bin/go";
/// The module that Go's versions are fetched as (<https://go.dev/doc/toolchain>).
const MODULE: &str = "golang.org/toolchain";

/// A version of Go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version(u32, u32, u32);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(major, minor, patch) = self;
        write!(f, "{major}.{minor}.{patch}")
    }
}

/// A Go, of any version.
#[derive(Debug)]
pub(super) struct Go {
    program: PathBuf,
    version: Version,
}

impl Go {
    /// The Go on the `PATH`, or where its archive is usually unpacked: the newer one, where there are two.
    pub(super) async fn find() -> Option<Self> {
        let mut newest: Option<Self> = None;
        for program in search("go").into_iter().chain([PathBuf::from(USUAL)]) {
            let Some(version) = version_of(&program).await else { continue };
            if newest.as_ref().is_none_or(|other| other.version < version) {
                newest = Some(Self { program, version });
            }
        }
        newest
    }

    /// A command of a Go that is new enough, run in `folder`, in which it also keeps what it fetches and compiles.
    pub(super) async fn command(&self, folder: &Path) -> Result<Command, JaegerError> {
        if self.version >= NEEDED {
            return Ok(command(&self.program, folder, "local"));
        }
        if self.version >= FETCHES {
            return Ok(command(&self.program, folder, &format!("go{TOOLCHAIN}")));
        }
        let fetched = fetch(&self.program, folder).await;
        let failed =
            |source| JaegerError::Toolchain { program: self.program.clone(), found: self.version.to_string(), source };
        Ok(command(&fetched.map_err(failed)?, folder, "local"))
    }
}

fn command(go: &Path, folder: &Path, toolchain: &str) -> Command {
    let mut command = Command::new(go);
    command.current_dir(folder).env("GOTOOLCHAIN", toolchain).env("CGO_ENABLED", "0").env("GOWORK", "off");
    // Whatever the user's settings are, what is pinned is what is built.
    command.env("GOFLAGS", "-mod=readonly");
    // Not into the user's own caches, who may never use Go; a cache that is named on purpose is used.
    for (name, place) in [("GOPATH", "path"), ("GOMODCACHE", "modules"), ("GOCACHE", "compiled")] {
        if std::env::var_os(name).is_none() {
            command.env(name, folder.join(place));
        }
    }
    command
}

/// Runs a command to its end; what it wrote, or an error that holds it. Killed when the future is dropped.
pub(super) async fn run(command: &mut Command) -> io::Result<String> {
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output().await?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    // What it has fetched comes first, why it failed last.
    let lines: Vec<&str> = said.lines().collect();
    Err(io::Error::other(format!("{}:\n{}", output.status, lines[lines.len().saturating_sub(10)..].join("\n"))))
}

async fn version_of(program: &Path) -> Option<Version> {
    // It is this very program that is asked, not one that it would fetch.
    let said = run(Command::new(program).arg("version").env("GOTOOLCHAIN", "local")).await.ok()?;
    read_version(&said)
}

/// What stands in `go version go1.19.8 linux/amd64`.
fn read_version(said: &str) -> Option<Version> {
    let version = said.split_whitespace().nth(2)?.strip_prefix("go")?;
    // A candidate, 1.27rc1, counts as the version that it is for.
    let version = version.split(|c: char| !c.is_ascii_digit() && c != '.').next()?;
    let mut numbers = version.split('.').map(|number| number.parse().unwrap_or(0));
    Some(Version(numbers.next()?, numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)))
}

/// Where `go mod download -json` has put a module.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Downloaded {
    dir: PathBuf,
}

/// Fetches a new enough Go as a module, checked against the checksum database like any other, and makes it what newer
/// Gos make of it: modules' files can't be run, and a module's `go.mod` can't be below that of another.
async fn fetch(go: &Path, folder: &Path) -> io::Result<PathBuf> {
    let platform = match std::env::consts::ARCH {
        "x86_64" => "linux-amd64",
        "aarch64" => "linux-arm64",
        other => return Err(io::Error::other(format!("there is no Go to fetch for {other}"))),
    };
    // Under a module of its own: an old Go can't read the one that is built, and would look at it from below.
    let beside = folder.join("toolchain");
    fs::create_dir_all(&beside)?;
    fs::write(beside.join("go.mod"), "module toolchain\n")?;
    let module = format!("{MODULE}@v0.0.1-go{TOOLCHAIN}.{platform}");
    let mut download = command(go, &beside, "local");
    // In the same folder as what is built later, so that it is removed with it, which its modes must allow.
    download.args(["mod", "download", "-modcacherw", "-json", &module]).env("GOMODCACHE", beside.join("modules"));
    let Downloaded { dir } = serde_json::from_str(&run(&mut download).await?)?;
    for programs in [dir.join("pkg/tool").join(platform.replace('-', "_")), dir.join("bin")] {
        for entry in fs::read_dir(programs)? {
            fs::set_permissions(entry?.path(), fs::Permissions::from_mode(0o755))?;
        }
    }
    fs::copy(dir.join("src/_go.mod"), dir.join("src/go.mod"))?;
    Ok(dir.join("bin/go"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_and_compared() {
        let read = |version: &str| read_version(&format!("go version {version} linux/amd64\n")).unwrap();
        assert_eq!(read("go1.19.8"), Version(1, 19, 8));
        assert_eq!(read("go1.22"), Version(1, 22, 0));
        assert_eq!(read("go1.27rc1"), Version(1, 27, 0));
        assert!(read("go1.26.0") > NEEDED && read("go1.24.4") < NEEDED && read("go1.19.8") < FETCHES);
        assert_eq!(read_version("gccgo (Debian) 12"), None);
    }
}

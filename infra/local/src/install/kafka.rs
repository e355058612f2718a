//! Kafka from its Maven artifacts, with what makes it start in under a second.

use std::{
    fs::{self, Permissions},
    io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use super::{Programs, cache, error::InstallError, java::Java};
use crate::{
    account::{self, Account},
    folder,
    ports::Lease,
    process::Process,
    servers::{
        Server,
        broker::{self, Broker, ClassData},
        ready,
        site::Site,
    },
};

/// The version of Kafka that is installed.
pub const KAFKA_VERSION: &str = "4.3.1";

const POM: &str = include_str!("../../kafka/pom.xml");
/// The cluster's identifier: 16 bytes in Base64. The same everywhere, so that the formatted folder can be copied.
const CLUSTER: &str = "UGx1bWJsaW5lLWxvY2FsLQ";
/// The jars are 45 MB, the class-data archive 48 MB, and Maven downloads 67 MB.
const SPACE: u64 = 250 << 20;
/// What Kafka's first run may take on a loaded machine.
const FIRST_RUN: Duration = Duration::from_secs(90);

/// An installed Kafka.
#[derive(Debug, Clone)]
pub struct Kafka {
    folder: PathBuf,
    java: String,
}

impl Kafka {
    /// The folder of its jars.
    pub fn lib(&self) -> PathBuf {
        self.folder.join("lib")
    }

    /// A log folder as `kafka-storage format` makes it, to copy.
    pub(crate) fn formatted(&self) -> PathBuf {
        self.folder.join("formatted")
    }

    /// The classes of a broker as the JVM maps them: made by and for one version of Java, and for these very jars.
    pub(crate) fn class_data(&self) -> PathBuf {
        self.folder.join(format!("classes-{}.jsa", self.java))
    }
}

/// Whether the jars are there.
pub(super) fn is_gathered() -> bool {
    cache::cache_dir().join(name()).exists()
}

fn name() -> String {
    format!("kafka-{KAFKA_VERSION}")
}

/// Installs Kafka in [`cache_dir`](super::cache_dir), unless it is there: gathers its jars with Maven (67 MB from the
/// Internet when Maven has none of them), formats a log folder to copy, and runs a broker once to archive its classes.
/// [`Servers::start`](crate::servers::Servers::start) does it by itself.
///
/// Of several processes that do this at once, one works and the others wait.
///
/// # Errors
/// Java or Maven is missing or too old, Maven fails, the cache can't be written, or the broker does not start.
pub async fn kafka() -> Result<Kafka, InstallError> {
    let programs = Programs::find(&[Server::Kafka].into()).map_err(InstallError::Missing)?;
    install(&programs, account::unprivileged()?.as_ref()).await
}

pub(crate) async fn install(programs: &Programs, account: Option<&Account>) -> Result<Kafka, InstallError> {
    let (maven, java) = (programs.maven.clone(), programs.java.clone());
    let gather = move || cache::entry(&name(), |staging| gather(&maven, &java, staging));
    let folder = tokio::task::spawn_blocking(gather).await.map_err(|_| InstallError::Interrupted)??;
    let kafka = Kafka { folder, java: programs.java.version.clone() };
    archive(&kafka, &programs.java, account).await?;
    Ok(kafka)
}

fn gather(maven: &Path, java: &Java, staging: &Path) -> Result<(), InstallError> {
    let failed = |source| InstallError::folder(staging, source);
    cache::require_space(SPACE)?;
    folder::make(staging, 0o755, None).map_err(failed)?;
    folder::write(&staging.join("pom.xml"), POM, 0o644, None).map_err(failed)?;
    let mut package = Command::new(maven);
    package.args(["-q", "-B", "package"]).current_dir(staging);
    folder::run(package, None, "").map_err(InstallError::Maven)?;
    format(java, staging).map_err(|source| InstallError::Prepare { what: "Kafka's log folder", source })?;
    open_to_all(staging).map_err(failed)
}

fn format(java: &Java, staging: &Path) -> io::Result<()> {
    let formatted = staging.join("formatted");
    let settings = staging.join("format.properties");
    fs::write(&settings, broker::settings(&formatted, 9092, 9093))?;
    let mut command = Command::new(&java.program);
    command.args(["-XX:TieredStopAtLevel=1", "-XX:-UsePerfData", "-cp", "lib/*", "kafka.tools.StorageTool", "format"]);
    command.args(["-t", CLUSTER, "-c"]).arg(&settings).current_dir(staging);
    folder::run(command, None, "")?;
    fs::remove_file(settings)
}

/// Root's umask may hide what the servers' account has to read.
fn open_to_all(staging: &Path) -> io::Result<()> {
    let mut command = Command::new("chmod");
    command.args(["-R", "a+rX"]).arg(staging);
    folder::run(command, None, "").map(drop)
}

/// Runs a broker once, in a folder that is thrown away, so that the JVM archives the classes it has loaded.
async fn archive(kafka: &Kafka, java: &Java, account: Option<&Account>) -> Result<(), InstallError> {
    let archive = kafka.class_data();
    if archive.exists() {
        return Ok(());
    }
    let wait = || cache::lock(&cache::cache_dir(), &name());
    let _lock = tokio::task::spawn_blocking(wait).await.map_err(|_| InstallError::Interrupted)??;
    if archive.exists() {
        return Ok(());
    }
    let failed = |source| InstallError::Prepare { what: "Kafka's class data", source };
    let site = Site::temporary(account).map_err(failed)?;
    let fresh = site.of(Server::Kafka).join("classes.jsa");
    let broker = Broker {
        java: java.program.clone(),
        kafka: kafka.clone(),
        port: Lease::take_any().map_err(InstallError::Port)?,
        controller_port: Lease::take_any().map_err(InstallError::Port)?,
        class_data: ClassData::Make(fresh.clone()),
        quick: true,
    };
    broker.prepare(&site).map_err(failed)?;
    let process = Process::spawn(broker.spec(&site), &site.lifeline)?;
    ready::wait(&process, FIRST_RUN, || broker.answers()).await?;
    process.stop(FIRST_RUN).await;
    put(&fresh, &archive).map_err(failed)
}

/// Moves the archive to its place, whole or not at all; it belongs to whoever installs, not to the servers' account.
fn put(fresh: &Path, archive: &Path) -> io::Result<()> {
    let staging = archive.with_extension("new");
    fs::copy(fresh, &staging)?;
    fs::set_permissions(&staging, Permissions::from_mode(0o644))?;
    fs::rename(staging, archive)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_one_that_maven_gathers() {
        assert!(POM.contains(&format!("<kafka.version>{KAFKA_VERSION}</kafka.version>")));
    }
}

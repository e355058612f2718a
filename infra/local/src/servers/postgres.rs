//! PostgreSQL.

use std::{
    fs, io,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use sqlx::{ConnectOptions, Connection, Executor};

use super::{
    config::Server,
    handles::{self, AUDITOR},
    replication::{self, Kept, REPLICATOR},
    site::Site,
};
use crate::{
    folder,
    install::{SUPERUSER, Template},
    ports::Lease,
    process::{Signal, Spec},
    secrets::Secrets,
};

/// The longest path of a Unix socket, in bytes, without the zero at its end (unix(7)).
const LONGEST_SOCKET: usize = 107;

/// Between two looks whether the primary is there.
const PAUSE: Duration = Duration::from_millis(20);

/// A PostgreSQL to start.
#[derive(Debug)]
pub(super) struct Postgres {
    /// The folder of its programs.
    pub(super) programs: PathBuf,
    pub(super) origin: Origin,
    pub(super) port: Lease,
    pub(super) secrets: Secrets,
    pub(super) durable: bool,
}

/// What its cluster is a copy of.
#[derive(Debug)]
pub(super) enum Origin {
    /// An empty one: it is a primary.
    Template(Template),
    /// One that runs, and that it follows: it is a replica.
    Primary(handles::Postgres),
}

impl Postgres {
    pub(super) fn server(&self) -> Server {
        match self.origin {
            Origin::Template(_) => Server::Postgres,
            Origin::Primary(_) => Server::Replica,
        }
    }

    /// Makes its cluster ready: a copy of what it comes of, with passwords of its own, the settings written anew.
    pub(super) fn prepare(&self, site: &Site) -> io::Result<()> {
        let data = self.data(site);
        if !data.exists() {
            // Under another name until it is whole.
            let staging = site.of(self.server()).join("data.new");
            folder::remove(&staging)?;
            match &self.origin {
                Origin::Template(template) => {
                    folder::copy(&template.cluster, &staging, site.user)?;
                    self.set_passwords(&staging, site)?;
                }
                Origin::Primary(primary) => replication::copy(&self.programs, primary, &staging, site.user)?,
            }
            if self.durable {
                let mut sync = Command::new(self.programs.join("initdb"));
                sync.args(["--sync-only", "--pgdata"]).arg(&staging).current_dir("/");
                folder::run(sync, site.user, "")?;
            }
            fs::rename(&staging, &data)?;
        }
        forget_dead_postmaster(&data)?;
        if matches!(self.origin, Origin::Primary(_)) {
            folder::write(&data.join(replication::SIGNAL), "", 0o600, site.user)?;
        }
        folder::write(&data.join("postgresql.conf"), &self.settings(site), 0o600, site.user)?;
        folder::write(&data.join("pg_hba.conf"), &host_based_authentication(), 0o600, site.user)
    }

    /// Sets passwords before anything can connect, in single-user mode: it takes statements on its standard input.
    fn set_passwords(&self, data: &Path, site: &Site) -> io::Result<()> {
        let handle = self.handle(site);
        // One statement a line.
        let statements = format!(
            "ALTER ROLE {SUPERUSER} PASSWORD '{}'
CREATE ROLE {AUDITOR} LOGIN PASSWORD '{}' IN ROLE pg_read_all_data
ALTER ROLE {AUDITOR} SET default_transaction_read_only = on
",
            handle.verifier(SUPERUSER),
            handle.verifier(AUDITOR),
        );
        let mut single = Command::new(self.programs.join("postgres"));
        single.arg("--single").arg("-D").arg(data).current_dir("/");
        // A statement that fails ends it, and is not quoted.
        single.args(["-c", "exit_on_error=on", "-c", "log_min_error_statement=panic", "-c", "fsync=off", "postgres"]);
        folder::run(single, site.user, &statements).map(drop)
    }

    fn settings(&self, site: &Site) -> String {
        let on = if self.durable { "on" } else { "off" };
        let buffers = if self.durable { "256MB" } else { "64MB" };
        // One set serves all tests of a run, and as many of them run at a time as the machine has cores.
        let connections = if self.durable { 200 } else { 1_000 };
        // So often a worker looks at each database, and each test has some.
        let vacuumed = if self.durable { "5s" } else { "5min" };
        // Files below the data folder go with it; POSIX segments would outlive a killed server that isn't restarted.
        let shared_memory = if self.durable { "posix" } else { "mmap" };
        let replication = match &self.origin {
            Origin::Template(_) => replication::OF_A_PRIMARY.to_owned(),
            Origin::Primary(primary) => replication::of_a_replica(primary),
        };
        let sockets = self.socket_folder(site).unwrap_or_default().display().to_string().replace('\'', "''");
        format!(
            "listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = '{sockets}'
max_connections = {connections}
password_encryption = 'scram-sha-256'

shared_buffers = {buffers}
dynamic_shared_memory_type = {shared_memory}
jit = off
wal_level = replica
max_wal_size = 4GB
checkpoint_timeout = 15min
autovacuum_naptime = {vacuumed}
# Whatever else is off: a commit that was acknowledged is the kernel's, and survives the death of the server.
synchronous_commit = on
fsync = {on}
full_page_writes = {on}

log_line_prefix = '%m [%p] %q%u@%d '
log_min_duration_statement = 1s
log_lock_waits = on
log_timezone = 'UTC'
timezone = 'UTC'

{replication}",
            port = self.port.port(),
        )
    }

    pub(super) fn spec(&self, site: &Site) -> Spec {
        let args = vec!["-D".to_owned(), self.data(site).display().to_string()];
        let env = vec![("LC_ALL".to_owned(), "C.UTF-8".to_owned())];
        let server = self.server();
        let spec = Spec::new(server.name(), self.programs.join("postgres"), site.log(server));
        Spec {
            args,
            env,
            dir: site.of(server),
            user: site.user,
            // The fast shutdown: sessions are cut, data are checkpointed. SIGTERM would wait for the clients to leave.
            stop_signal: Signal::SIGINT,
            // The immediate shutdown: it gives back its System V shared memory, of which a system has few segments.
            ..spec
        }
    }

    pub(super) fn handle(&self, site: &Site) -> handles::Postgres {
        let socket = self.socket_folder(site);
        handles::Postgres::new(self.port.address(), socket, self.secrets.clone())
    }

    /// Whether it answers a query.
    pub(super) async fn answers(&self, site: &Site) -> io::Result<()> {
        let ask = async {
            let mut connection = self.handle(site).options(SUPERUSER, "postgres").connect().await?;
            connection.execute("SELECT 1").await?;
            connection.close().await
        };
        ask.await.map_err(io::Error::other)
    }

    /// Of a replica: sees to it that what it follows keeps its log for it, and waits `patience` for that. What a copy lacks
    /// may be gone by now, if it was away for long: then it is made anew.
    ///
    /// # Errors
    /// There is no copy yet, and the primary does not answer. A copy runs also while its primary does not.
    pub(super) async fn follow(&self, site: &Site, patience: Duration) -> io::Result<()> {
        let Origin::Primary(primary) = &self.origin else { return Ok(()) };
        let (data, begun) = (self.data(site), Instant::now());
        loop {
            match replication::keep(primary).await {
                Ok(Kept::All) => return Ok(()),
                Ok(Kept::Lost) => return tokio::task::spawn_blocking(move || folder::remove(&data)).await?,
                Err(_) if begun.elapsed() < patience => tokio::time::sleep(PAUSE).await,
                Err(_) if data.exists() => return Ok(()),
                Err(error) => return Err(io::Error::other(error)),
            }
        }
    }

    fn data(&self, site: &Site) -> PathBuf {
        site.of(self.server()).join("data")
    }

    /// Where its Unix socket is; `None` where the path would be too long for one.
    fn socket_folder(&self, site: &Site) -> Option<PathBuf> {
        let folder = site.of(self.server());
        let socket = folder.join(format!(".s.PGSQL.{}", self.port.port()));
        (socket.as_os_str().as_bytes().len() <= LONGEST_SOCKET).then_some(folder)
    }
}

/// Who may connect, from where, and how they prove it.
fn host_based_authentication() -> String {
    format!(
        "\
local all         all          scram-sha-256
host  all         all          127.0.0.1/32 scram-sha-256
host  replication {REPLICATOR} 127.0.0.1/32 scram-sha-256
"
    )
}

/// Removes the `postmaster.pid` of a server that was killed, when its number belongs to another process by now:
/// PostgreSQL would take that one for a server that still uses the folder. That none does is what the folder's lock says.
fn forget_dead_postmaster(data: &Path) -> io::Result<()> {
    let file = data.join("postmaster.pid");
    let Ok(text) = fs::read_to_string(&file) else { return Ok(()) };
    let pid = text.lines().next().unwrap_or_default().trim();
    match fs::read_to_string(format!("/proc/{pid}/comm")) {
        Ok(command) if command.trim() != "postgres" => fs::remove_file(file),
        _ => Ok(()),
    }
}

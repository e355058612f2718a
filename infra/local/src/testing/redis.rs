//! A Redis server that a test may treat badly.

use std::{
    fs, io,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    install::{InstallError, Programs},
    ports::Lease,
    process::{Process, Spec},
    servers::{Server, StartError, ready, site::Site},
};

/// How long it may take to answer.
const BOUND: Duration = Duration::from_secs(60);
/// How often it is asked whether it is in step with another.
const POLL: Duration = Duration::from_millis(10);
/// How long it may take to stop before it is killed.
const STOP: Duration = Duration::from_secs(10);

/// A Redis server without a password, always on the same port. It writes nothing to its disk but where it is told to
/// (SAVE), and loads at its start what was saved last.
#[derive(Debug)]
pub struct PrivateRedis {
    // In this order, so that the process ends before the site does, which waits for it.
    process: Mutex<Arc<Process>>,
    program: PathBuf,
    port: Lease,
    site: Site,
}

impl PrivateRedis {
    pub(super) async fn start() -> Result<Self, StartError> {
        let programs = Programs::find(&[Server::Redis].into()).map_err(InstallError::Missing)?;
        let site = Site::temporary(None).map_err(|source| StartError::folder(&std::env::temp_dir(), source))?;
        let port = Lease::take_any().map_err(StartError::NoPort)?;
        let spawned = Process::spawn(spec(&programs.redis, &port, &site), &site.lifeline);
        let process = Mutex::new(Arc::new(spawned.map_err(crate::servers::ServerError::from)?));
        let redis = Self { process, program: programs.redis, port, site };
        redis.ready().await;
        Ok(redis)
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("redis://{}/0", self.port.address())
    }

    /// Its port on the loopback interface, for another to replicate from.
    pub fn port(&self) -> u16 {
        self.port.port()
    }

    /// Kills (SIGKILL) it, as a crash would; returns when it is gone.
    pub async fn kill(&self) {
        let process = self.process();
        process.kill();
        process.wait_exit().await;
    }

    /// Stops (SIGSTOP) it where it stands: connections stay open, nothing is answered.
    pub fn pause(&self) {
        self.process().pause();
    }

    /// Lets it run on after a pause.
    pub fn resume(&self) {
        self.process().resume();
    }

    /// Starts it again, with what was saved last; stops it first if it runs.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn restart(&self) {
        self.process().stop(STOP).await;
        let spawned = Process::spawn(spec(&self.program, &self.port, &self.site), &self.site.lifeline);
        let process = spawned.unwrap_or_else(|error| panic!("the tests' Redis did not start again: {error}"));
        *self.process.lock().expect("nothing panics while it holds the lock") = Arc::new(process);
        self.ready().await;
    }

    /// Runs a command of a few words, none of them quoted, and returns the answer as it stands on the wire (RESP 2).
    ///
    /// # Panics
    /// When it can't be asked, or refuses.
    pub async fn command(&self, words: &str) -> String {
        let answer = self.ask(words).await.unwrap_or_else(|error| panic!("the tests' Redis on {words:?}: {error}"));
        assert!(!answer.starts_with('-'), "the tests' Redis on {words:?}: {answer}");
        answer
    }

    /// Makes it a replica of another, and waits until it has all of its data.
    ///
    /// # Panics
    /// When it is not in step within a minute.
    pub async fn follow(&self, master: &Self) {
        self.command(&format!("REPLICAOF 127.0.0.1 {}", master.port())).await;
        let in_step = async {
            let mut ticks = tokio::time::interval(POLL);
            loop {
                ticks.tick().await;
                let info = self.command("INFO replication").await;
                if info.contains("master_link_status:up") && info.contains("master_sync_in_progress:0") {
                    return;
                }
            }
        };
        tokio::time::timeout(BOUND, in_step).await.expect("a replica is in step within a minute");
    }

    /// Makes it a master again, with the data that it has.
    ///
    /// # Panics
    /// When it can't be asked.
    pub async fn lead(&self) {
        self.command("REPLICAOF NO ONE").await;
    }

    /// What was saved last, to be put back later.
    ///
    /// # Errors
    /// Nothing was.
    pub fn saved(&self) -> io::Result<Vec<u8>> {
        fs::read(self.dump())
    }

    /// Makes this what was saved last, or nothing.
    ///
    /// # Errors
    /// The file can't be written.
    pub fn put_back(&self, saved: Option<&[u8]>) -> io::Result<()> {
        match (saved, fs::exists(self.dump())?) {
            (Some(saved), _) => fs::write(self.dump(), saved),
            (None, true) => fs::remove_file(self.dump()),
            (None, false) => Ok(()),
        }
    }

    fn dump(&self) -> PathBuf {
        self.site.of(Server::Redis).join("dump.rdb")
    }

    fn process(&self) -> Arc<Process> {
        Arc::clone(&self.process.lock().expect("nothing panics while it holds the lock"))
    }

    async fn ready(&self) {
        let waited = ready::wait(&self.process(), BOUND, || self.answers()).await;
        waited.unwrap_or_else(|error| panic!("the tests' Redis is not ready: {error}"));
    }

    async fn answers(&self) -> io::Result<()> {
        let answer = self.ask("PING").await?;
        if answer == "+PONG" { Ok(()) } else { Err(io::Error::other(answer)) }
    }

    /// What it answers to an inline command, as it stands on the wire (RESP 2).
    async fn ask(&self, words: &str) -> io::Result<String> {
        let mut stream = TcpStream::connect(self.port.address()).await?;
        stream.write_all(format!("{words}\r\nQUIT\r\n").as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        let farewell = answer.strip_suffix("+OK\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
        Ok(farewell.trim_end().to_owned())
    }
}

fn spec(program: &std::path::Path, port: &Lease, site: &Site) -> Spec {
    let dir = site.of(Server::Redis);
    let number = port.port().to_string();
    let args = ["--bind", "127.0.0.1", "--port", &number, "--save", "", "--repl-diskless-sync-delay", "0"];
    let args = args.into_iter().map(str::to_owned).collect();
    Spec { args, dir, ..Spec::new("redis", program, site.log(Server::Redis)) }
}

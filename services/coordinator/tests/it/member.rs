//! One member as a process, its log as events to wait for, and clients for it.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        atomic::{AtomicU16, Ordering},
        mpsc,
    },
    time::{Duration, Instant},
};

use consensus::api::etcdserverpb::{PutRequest, RangeRequest, StatusRequest, StatusResponse};
use coordinator::proto::etcdserverpb::{
    cluster_client::ClusterClient, kv_client::KvClient, maintenance_client::MaintenanceClient,
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;
use tonic::transport::{Channel, Endpoint};

/// Longer than anything here takes on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) const READY: &str = "ready to serve client requests";

/// Addresses and a directory of a member, whether it runs or not.
pub(crate) struct Place {
    pub(crate) name: String,
    pub(crate) data: PathBuf,
    pub(crate) client_port: u16,
    pub(crate) peer_port: u16,
}

impl Place {
    pub(crate) fn new(folder: &tempfile::TempDir, name: &str) -> Self {
        let (client_port, peer_port) = (free_port(), free_port());
        Self { name: name.to_owned(), data: folder.path().join(name), client_port, peer_port }
    }

    pub(crate) fn client_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.client_port)
    }

    pub(crate) fn peer_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.peer_port)
    }

    pub(crate) fn start(&self, cluster: &[&Self], more: &[&str]) -> Member {
        let entry = |place: &&Self| format!("{}={}", place.name, place.peer_url());
        let cluster = cluster.iter().map(entry).collect::<Vec<_>>().join(",");
        let mut command = coordinator();
        command.args(["--name", &self.name, "--data-dir"]).arg(&self.data);
        command.args(["--listen-client-urls", &self.client_url(), "--advertise-client-urls", &self.client_url()]);
        command.args(["--listen-peer-urls", &self.peer_url(), "--initial-advertise-peer-urls", &self.peer_url()]);
        command.args(["--initial-cluster", &cluster]).args(more);
        Member::spawn(command)
    }

    pub(crate) async fn kv(&self) -> KvClient<Channel> {
        KvClient::new(self.channel().await)
    }

    pub(crate) async fn members(&self) -> ClusterClient<Channel> {
        ClusterClient::new(self.channel().await)
    }

    async fn channel(&self) -> Channel {
        let endpoint = Endpoint::from_shared(self.client_url()).unwrap();
        endpoint.connect_timeout(PATIENCE).timeout(PATIENCE).connect().await.unwrap()
    }

    pub(crate) async fn status(&self) -> StatusResponse {
        let mut maintenance = MaintenanceClient::new(self.channel().await);
        maintenance.status(StatusRequest::default()).await.unwrap().into_inner()
    }

    pub(crate) async fn put(&self, key: &'static str, value: &'static str) {
        let request = PutRequest { key: key.into(), value: value.into(), ..PutRequest::default() };
        self.kv().await.put(request).await.unwrap();
    }

    pub(crate) async fn get(&self, key: &'static str) -> Option<String> {
        let request = RangeRequest { key: key.into(), ..RangeRequest::default() };
        let response = self.kv().await.range(request).await.unwrap().into_inner();
        response.kvs.first().map(|pair| String::from_utf8(pair.value.to_vec()).unwrap())
    }

    /// The status line and the body of a plain HTTP request.
    pub(crate) fn http(&self, path: &str) -> (String, String) {
        http(self.client_port, path)
    }
}

pub(crate) fn http(port: u16, path: &str) -> (String, String) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.lines().next().unwrap().to_owned(), body.to_owned())
}

pub(crate) fn coordinator() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plumbline-coordinator"));
    command.env_clear().stdin(Stdio::null());
    command
}

/// A port of no other member of these tests, below those that the kernel gives to outgoing connections: it stays free while
/// its member is away.
fn free_port() -> u16 {
    static TAKEN: AtomicU16 = AtomicU16::new(0);
    // Processes begin at different places.
    let begin = std::process::id() as u16 % 100 * 100;
    let ports = std::iter::repeat_with(|| 10_000 + (begin + TAKEN.fetch_add(1, Ordering::Relaxed)) % 10_000);
    ports.take(1_000).find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).unwrap()
}

/// A process, killed when the test ends.
pub(crate) struct Member {
    process: Child,
    events: mpsc::Receiver<Value>,
    seen: Vec<Value>,
}

impl Member {
    pub(crate) fn spawn(mut command: Command) -> Self {
        let mut process = command.stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let (sender, events) = mpsc::channel();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                // What is no event is a panic: it is shown with the test's own output.
                match serde_json::from_str(&line) {
                    Ok(event) => drop(sender.send(event)),
                    Err(_) => eprintln!("{line}"),
                }
            }
        });
        Self { process, events, seen: Vec::new() }
    }

    /// Waits for an event whose message contains this, from now on or before.
    pub(crate) fn wait_for(&mut self, message: &str) -> Value {
        self.wait_until(message, |event| event["msg"].as_str().is_some_and(|told| told.contains(message)))
    }

    pub(crate) fn wait_until(&mut self, what: &str, found: impl Fn(&Value) -> bool) -> Value {
        if let Some(event) = self.seen.iter().find(|event| found(event)) {
            return event.clone();
        }
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(event) = self.events.recv_timeout(left) else {
                panic!("no event: {what}; there were: {:#?}", self.seen)
            };
            self.seen.push(event.clone());
            if found(&event) {
                return event;
            }
        }
    }

    /// The last of its events so far.
    pub(crate) fn last_events(&mut self, count: usize) -> &[Value] {
        self.seen.extend(self.events.try_iter());
        &self.seen[self.seen.len().saturating_sub(count)..]
    }

    pub(crate) fn terminate(&self) {
        self.signal(Signal::SIGTERM);
    }

    /// Stops it where it stands: connections stay open, nothing is answered.
    pub(crate) fn pause(&self) {
        self.signal(Signal::SIGSTOP);
    }

    /// Lets it run on.
    pub(crate) fn resume(&self) {
        self.signal(Signal::SIGCONT);
    }

    /// Lets none of its files grow beyond so many bytes, or any, by a limit that a disk without room is like.
    pub(crate) fn limit_files(&self, bytes: Option<u64>) {
        let limit = bytes.map_or("unlimited".to_owned(), |bytes| bytes.to_string());
        let arguments = [format!("--pid={}", self.process.id()), format!("--fsize={limit}:")];
        assert!(Command::new("prlimit").args(arguments).status().unwrap().success());
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.process.id().try_into().unwrap()), signal).unwrap();
    }

    pub(crate) fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Waits for its end; its last events can be waited for after that.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.process.wait().unwrap()
    }

    /// Bytes of memory it has.
    pub(crate) fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/statm", self.process.id())).unwrap();
        status.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4_096
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        // It may have ended.
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

//! A service of a test's own, as its program is.

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    process::{Child, Command, ExitStatus, Stdio},
    thread,
};

use tokio::sync::oneshot;

/// What a service's log says before it takes requests, beside its address.
const SERVES: &str = "service serves";

/// An instance of a service as a process of its own, killed when this is dropped.
#[derive(Debug)]
pub struct ServiceProcess {
    child: Child,
    address: SocketAddr,
}

impl ServiceProcess {
    /// Starts a service's program with the variables that the command has, and waits until it serves.
    ///
    /// # Panics
    /// When it does not start, or ends before it serves.
    pub async fn start(mut command: Command) -> Self {
        command.env("PLUMBLINE_LOG", "info").env("PLUMBLINE_LOG_FORMAT", "json").stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?} did not start: {error}"));
        let log = BufReader::new(child.stderr.take().expect("it is piped"));
        let (found, address) = oneshot::channel();
        // Reads on, so that the process never waits for someone to read its log.
        thread::spawn(move || {
            let mut found = Some(found);
            for line in log.lines().map_while(Result::ok) {
                if let Some(address) = address_in(&line)
                    && let Some(found) = found.take()
                {
                    let _ = found.send(address);
                }
            }
        });
        let address = address.await.unwrap_or_else(|_| panic!("{command:?} has ended before it served"));
        Self { child, address }
    }

    /// Where it serves.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// How it has ended; `None` while it runs.
    ///
    /// # Panics
    /// When the system can't tell.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap_or_else(|error| panic!("whether process {} runs: {error}", self.child.id()))
    }
}

impl Drop for ServiceProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn address_in(line: &str) -> Option<SocketAddr> {
    let at = line.find("127.0.0.1:").filter(|_| line.contains(SERVES))?;
    let text: String = line[at..].chars().take_while(|c| c.is_ascii_digit() || matches!(c, '.' | ':')).collect();
    text.parse().ok()
}

//! Which process listens on a port, from `/proc/net/tcp` and `/proc/PID/fd` (proc(5)).

use std::{fmt, fs, path::Path};

/// The state of a listening socket in `/proc/net/tcp`.
const LISTEN: &str = "0A";

/// Who listens on a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holder {
    /// A process that this user may look at.
    Process {
        /// Its number.
        pid: u32,
        /// Its command line, or its name where that is hidden.
        command: String,
    },
    /// A process of another user.
    User(u32),
    /// Nobody listens: another installation is about to, or it was just closed.
    Unknown,
}

impl Holder {
    /// Looks for the process that listens on a port, of any address of this machine.
    pub fn of(port: u16) -> Self {
        let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|table| fs::read_to_string(table).unwrap_or_default());
        let Some(socket) = tables.iter().flat_map(|table| table.lines()).find_map(|line| Socket::parse(line, port))
        else {
            return Self::Unknown;
        };
        owner(&socket.inode).map_or(Self::User(socket.uid), |pid| Self::Process { pid, command: command(pid) })
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Process { pid, command } => write!(f, "process {pid} ({command})"),
            Self::User(uid) => write!(f, "a process of user {uid}, which only that user and root may look at"),
            Self::Unknown => f.write_str("another installation that is starting"),
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Socket {
    uid: u32,
    inode: String,
}

impl Socket {
    /// The socket of this line, if it listens on this port.
    fn parse(line: &str, port: u16) -> Option<Self> {
        // sl local_address rem_address st tx_queue:rx_queue tr:tm->when retrnsmt uid timeout inode
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (_, local_port) = fields.get(1)?.rsplit_once(':')?;
        let listens = *fields.get(3)? == LISTEN && u16::from_str_radix(local_port, 16).ok()? == port;
        let socket = Self { uid: fields.get(7)?.parse().ok()?, inode: (*fields.get(9)?).to_owned() };
        listens.then_some(socket)
    }
}

fn owner(inode: &str) -> Option<u32> {
    let target = format!("socket:[{inode}]");
    let holds = |folder: &Path| {
        let files = fs::read_dir(folder.join("fd")).into_iter().flatten().flatten();
        files.filter_map(|file| fs::read_link(file.path()).ok()).any(|link| link.as_os_str() == target.as_str())
    };
    let processes = fs::read_dir("/proc").ok()?.flatten();
    let mut numbered =
        processes.filter_map(|entry| Some((entry.path(), entry.file_name().to_str()?.parse::<u32>().ok()?)));
    numbered.find(|(folder, _)| holds(folder)).map(|(_, pid)| pid)
}

fn command(pid: u32) -> String {
    let read = |file: &str| fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
    let line = read("cmdline").replace('\0', " ");
    let shown: String = line.trim().chars().take(80).collect();
    if shown.is_empty() { read("comm").trim().to_owned() } else { shown }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "   1: 0100007F:3C88 00000000:0000 0A 00000000:00000000 00:00000000 00000000   101        0 4242 1 00 100 0 0 10 0";

    #[test]
    fn a_listening_socket_is_read() {
        let socket = Socket { uid: 101, inode: "4242".to_owned() };
        assert_eq!(Socket::parse(LINE, 0x3C88), Some(socket));
    }

    #[test]
    fn other_ports_states_and_the_heading_are_passed_over() {
        assert_eq!(Socket::parse(LINE, 80), None);
        assert_eq!(Socket::parse(&LINE.replace(" 0A ", " 01 "), 0x3C88), None);
        let heading =
            "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode";
        assert_eq!(Socket::parse(heading, 0x3C88), None);
    }
}

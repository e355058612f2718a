//! One coordinator.

use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use super::{config::Config, error::StartError};
use crate::{
    folder,
    ports::Lease,
    process::Spec,
    readiness::{self, Readiness},
    servers::{Ports, site::Site},
};

/// The first member's fixed port for clients; the next two members' follow.
const CLIENTS: u16 = 8091;
/// The fixed ports for peers are this far above those for clients.
const PEERS_ABOVE: u16 = 3;
/// Members of one cluster know each other by it, their names and their addresses.
const TOKEN: &str = "plumbline";
/// The path that answers 200 when a member follows a leader, or leads.
pub(crate) const HEALTH: &str = "/health";

/// A member to start, any number of times, always on the same data and ports.
#[derive(Debug)]
pub(crate) struct Member {
    /// From 1.
    number: u16,
    program: PathBuf,
    folder: PathBuf,
    log: PathBuf,
    clients: Lease,
    peers: Lease,
    /// All members: `name=http://address,…`.
    cluster: String,
}

/// The fixed ports of a member, numbered from 1: for clients, and for peers.
pub(crate) fn fixed_ports(number: u16) -> [u16; 2] {
    let (three, place) = ((number - 1) / PEERS_ABOVE, (number - 1) % PEERS_ABOVE);
    let clients = CLIENTS + 2 * PEERS_ABOVE * three + place;
    [clients, clients + PEERS_ABOVE]
}

impl Member {
    /// Takes the ports and makes the folders of all members.
    pub(crate) fn all(config: &Config, site: &Site) -> Result<Vec<Self>, StartError> {
        let mut members =
            (1..=config.members).map(|number| Self::one(number, config, site)).collect::<Result<Vec<_>, _>>()?;
        let address = |member: &Self| format!("{}={}", name(member.number), url(&member.peers));
        let cluster = members.iter().map(address).collect::<Vec<_>>().join(",");
        members.iter_mut().for_each(|member| member.cluster.clone_from(&cluster));
        Ok(members)
    }

    fn one(number: u16, config: &Config, site: &Site) -> Result<Self, StartError> {
        let folder = site.coordinators().join(name(number));
        folder::make(&folder, 0o700, None).map_err(|source| StartError::Folder { folder: folder.clone(), source })?;
        let [clients, peers] = fixed_ports(number).map(|port| lease(number, port, config.ports));
        let log = site.log_named(&part(number));
        let (program, cluster) = (config.program.clone(), String::new());
        Ok(Self { number, program, folder, log, clients: clients?, peers: peers?, cluster })
    }

    pub(crate) fn number(&self) -> u16 {
        self.number
    }

    /// Where clients reach it.
    pub(crate) fn address(&self) -> SocketAddr {
        self.clients.address()
    }

    /// The same as a URL.
    pub(crate) fn endpoint(&self) -> String {
        url(&self.clients)
    }

    pub(crate) fn log(&self) -> &Path {
        &self.log
    }

    /// Its ports, to keep for as long as it may be started again.
    pub(crate) fn into_ports(self) -> Vec<Lease> {
        vec![self.clients, self.peers]
    }

    /// etcd's own flags, which are also the coordinator's.
    pub(crate) fn spec(&self) -> Spec {
        let (clients, peers) = (url(&self.clients), url(&self.peers));
        let flags = [
            ("--name", name(self.number).as_str()),
            ("--data-dir", &self.folder.to_string_lossy()),
            ("--listen-client-urls", &clients),
            ("--advertise-client-urls", &clients),
            ("--listen-peer-urls", &peers),
            ("--initial-advertise-peer-urls", &peers),
            ("--initial-cluster", &self.cluster),
            // A member that has data takes no notice.
            ("--initial-cluster-state", "new"),
            ("--initial-cluster-token", TOKEN),
        ]
        .map(|(flag, value)| [flag.to_owned(), value.to_owned()]);
        let spec = Spec::new(part(self.number), &self.program, &self.log);
        Spec { args: flags.into_iter().flatten().collect(), dir: self.folder.clone(), ..spec }
    }

    /// Whether it is healthy.
    pub(crate) async fn answers(&self) -> io::Result<()> {
        match readiness::ask(self.address(), HEALTH).await {
            Readiness::Ready => Ok(()),
            Readiness::NotReady(reason) | Readiness::Silent(reason) => Err(io::Error::other(reason)),
        }
    }
}

fn lease(number: u16, port: u16, ports: Ports) -> Result<Lease, StartError> {
    match ports {
        Ports::Free => Lease::take_any().map_err(StartError::NoPort),
        Ports::Fixed { offset } => {
            let port = port.checked_add(offset).ok_or_else(|| StartError::Offset { part: part(number), offset })?;
            Lease::take(port).map_err(|taken| StartError::Port { part: part(number), taken })
        }
    }
}

/// What the members call it.
fn name(number: u16) -> String {
    format!("coordinator-{number}")
}

/// What people call it.
fn part(number: u16) -> String {
    format!("coordinator#{number}")
}

fn url(port: &Lease) -> String {
    format!("http://{}", port.address())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixed_ports_are_as_documented_and_never_meet() {
        assert_eq!([1, 2, 3].map(fixed_ports), [[8091, 8094], [8092, 8095], [8093, 8096]]);
        assert_eq!([4, 5].map(fixed_ports), [[8097, 8100], [8098, 8101]]);
    }
}

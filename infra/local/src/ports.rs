//! Ports on the loopback interface that nobody else gets.

mod holder;

use std::{
    fs, io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    os::{
        linux::net::SocketAddrExt,
        unix::net::{SocketAddr as LocalAddress, UnixListener},
    },
};

use rand::Rng;

pub use self::holder::Holder;

/// Where free ports are looked for: below the range from which the kernel takes ports for outgoing connections and for
/// listeners on port 0, so that none of these takes a server's port while it is being restarted.
const FREE: std::ops::Range<u16> = 20_000..30_000;

/// A port is in use.
#[derive(Debug, thiserror::Error)]
#[error("port {port} is taken by {holder}")]
pub struct Taken {
    /// The port.
    pub port: u16,
    /// Who has it.
    pub holder: Holder,
}

/// A port of ours, held also while no server listens on it.
///
/// Among processes that use this crate it is held by an abstract Unix socket (unix(7)) of the same number: it needs no
/// file, lives in the network namespace as the port itself does, and ends with the process.
#[derive(Debug)]
pub(crate) struct Lease {
    port: u16,
    _hold: UnixListener,
}

impl Lease {
    /// Takes a certain port.
    pub(crate) fn take(port: u16) -> Result<Self, Taken> {
        Self::attempt(port).map_err(|_| Taken { port, holder: Holder::of(port) })
    }

    /// Takes any free port.
    pub(crate) fn take_any() -> io::Result<Self> {
        let range = FREE.start..FREE.end.min(first_ephemeral().unwrap_or(FREE.end)).max(FREE.start + 1_000);
        let mut random = rand::rng();
        let attempts = (0..1_000).map(|_| Self::attempt(random.random_range(range.clone())));
        attempts.filter_map(Result::ok).next().ok_or_else(|| io::Error::other("a thousand ports tried, none is free"))
    }

    fn attempt(port: u16) -> io::Result<Self> {
        let name = LocalAddress::from_abstract_name(format!("plumbline-port-{port}"))?;
        let hold = UnixListener::bind_addr(&name)?;
        TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        Ok(Self { port, _hold: hold })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }
}

fn first_ephemeral() -> Option<u16> {
    fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok()?.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::{
        thread,
        time::{Duration, Instant},
    };

    use super::*;

    #[test]
    fn a_leased_port_is_taken_until_it_is_dropped() {
        let lease = Lease::take_any().unwrap();
        let port = lease.port();
        let taken = Lease::take(port).unwrap_err();
        assert_eq!(taken.port, port);
        drop(lease);
        // A child that another thread starts right now has all that is open here until it becomes its program.
        let begun = Instant::now();
        while let Err(taken) = Lease::take(port) {
            assert!(begun.elapsed() < Duration::from_secs(10), "{taken}");
            thread::yield_now();
        }
    }

    #[test]
    fn the_holder_of_a_port_is_named() {
        let lease = Lease::take_any().unwrap();
        let port = lease.port();
        let _listener = TcpListener::bind(lease.address()).unwrap();
        drop(lease);
        let taken = Lease::take(port).unwrap_err();
        let text = taken.to_string();
        assert!(text.contains(&format!("process {}", std::process::id())), "{text}");
    }

    #[test]
    fn free_ports_are_not_the_kernels() {
        let lease = Lease::take_any().unwrap();
        assert!(FREE.contains(&lease.port()));
    }
}

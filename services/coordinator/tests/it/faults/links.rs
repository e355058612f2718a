//! What lies between the members: a proxy before each, which can be told to let nothing through.

use std::{collections::HashSet, io};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::JoinSet,
};

use crate::member::Place;

/// From which member to which, by their identifiers.
type Way = (u64, u64);

/// The ways between members on which nothing moves.
type Cuts = HashSet<Way>;

/// All ways between the members.
pub(super) struct Links {
    urls: Vec<String>,
    cuts: watch::Sender<Cuts>,
    _proxies: JoinSet<()>,
}

impl Links {
    pub(super) async fn open(places: &[Place]) -> Self {
        let (cuts, _) = watch::channel(Cuts::new());
        let (mut urls, mut proxies) = (Vec::new(), JoinSet::new());
        for place in places {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            urls.push(format!("http://{}", listener.local_addr().unwrap()));
            proxies.spawn(serve(listener, place.peer_port, cuts.clone()));
        }
        Self { urls, cuts, _proxies: proxies }
    }

    /// What the other members are told to be a member's address.
    pub(super) fn url(&self, member: usize) -> &str {
        &self.urls[member]
    }

    /// Lets nothing through from one member to another. As in a network that loses everything, connections stay open, and
    /// what was sent arrives late, when the way is open again.
    pub(super) fn cut(&self, from: u64, to: u64) {
        self.cuts.send_if_modified(|cuts| cuts.insert((from, to)));
    }

    pub(super) fn heal(&self) {
        self.cuts.send_modify(Cuts::clear);
    }
}

async fn serve(listener: TcpListener, port: u16, cuts: watch::Sender<Cuts>) {
    // Its connections end with it.
    let mut connections = JoinSet::new();
    loop {
        let (dialer, _) = listener.accept().await.unwrap();
        connections.spawn(relay(dialer, port, cuts.subscribe()));
        while connections.try_join_next().is_some() {}
    }
}

/// Ends with either side's end, or where nobody listens.
async fn relay(mut dialer: TcpStream, port: u16, cuts: watch::Receiver<Cuts>) -> io::Result<()> {
    // A connection begins with a preamble that says who calls whom: magic:8 version:4 purpose:4 cluster:8 from:8 to:8.
    let mut head = [0; 40];
    dialer.read_exact(&mut head).await?;
    let number = |at: usize| u64::from_le_bytes(head[at..at + 8].try_into().unwrap());
    let (from, to) = (number(24), number(32));
    wait_open(&mut cuts.clone(), (from, to)).await;
    let mut listener = TcpStream::connect(("127.0.0.1", port)).await?;
    dialer.set_nodelay(true)?;
    listener.set_nodelay(true)?;
    listener.write_all(&head).await?;
    let (dialer_says, dialer_hears) = dialer.into_split();
    let (listener_says, listener_hears) = listener.into_split();
    tokio::select! {
        ended = pump(dialer_says, listener_hears, (from, to), cuts.clone()) => ended,
        ended = pump(listener_says, dialer_hears, (to, from), cuts) => ended,
    }
}

async fn pump(
    mut speaker: OwnedReadHalf,
    mut hearer: OwnedWriteHalf,
    way: Way,
    mut cuts: watch::Receiver<Cuts>,
) -> io::Result<()> {
    let mut buffer = vec![0; 64 << 10];
    loop {
        let read = speaker.read(&mut buffer).await?;
        if read == 0 {
            return Ok(());
        }
        wait_open(&mut cuts, way).await;
        hearer.write_all(&buffer[..read]).await?;
    }
}

async fn wait_open(cuts: &mut watch::Receiver<Cuts>, way: Way) {
    // The sender is gone when the test has ended.
    cuts.wait_for(|cuts| !cuts.contains(&way)).await.ok();
}

//! A TCP proxy in front of a coordinator, which can stop forwarding while connections stay open.

use std::{net::SocketAddr, sync::Arc};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::{AbortHandle, JoinSet},
};

pub(crate) struct Proxy {
    address: SocketAddr,
    state: Arc<watch::Sender<State>>,
    task: AbortHandle,
}

#[derive(Debug, Default)]
struct State {
    is_frozen: bool,
    cuts: u32,
}

impl Proxy {
    /// In front of `http://host:port`.
    pub(crate) async fn start(endpoint: &str) -> Self {
        let target: SocketAddr = endpoint.strip_prefix("http://").unwrap().parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(watch::channel(State::default()).0);
        let task = tokio::spawn(accept(listener, target, Arc::clone(&state))).abort_handle();
        Self { address, state, task }
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Forwards nothing more, in either direction.
    pub(crate) fn freeze(&self) {
        self.state.send_modify(|state| state.is_frozen = true);
    }

    /// Forwards again, beginning with what was held back.
    pub(crate) fn thaw(&self) {
        self.state.send_modify(|state| state.is_frozen = false);
    }

    /// Cuts every connection there is, and loses what was held back; new ones are forwarded.
    pub(crate) fn cut(&self) {
        self.state.send_modify(|state| *state = State { is_frozen: false, cuts: state.cuts + 1 });
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, target: SocketAddr, state: Arc<watch::Sender<State>>) {
    let mut connections = JoinSet::new();
    while let Ok((near, _)) = listener.accept().await {
        let state = state.subscribe();
        let cuts = state.borrow().cuts;
        connections.spawn(async move {
            let Ok(far) = TcpStream::connect(target).await else { return };
            let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
            let mut cut = state.clone();
            tokio::select! {
                _ = cut.wait_for(|state| state.cuts > cuts) => {}
                _ = forward(near_in, far_out, state.clone(), cuts) => {}
                _ = forward(far_in, near_out, state, cuts) => {}
            }
        });
    }
}

async fn forward(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut state: watch::Receiver<State>,
    cuts: u32,
) -> std::io::Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let read = from.read(&mut buffer).await?;
        if read == 0 {
            return Ok(());
        }
        // What a cut finds held back is lost, whoever sees the cut first.
        let flows = state.wait_for(|state| !state.is_frozen).await.is_ok_and(|state| state.cuts == cuts);
        if !flows {
            return Ok(());
        }
        to.write_all(&buffer[..read]).await?;
    }
}

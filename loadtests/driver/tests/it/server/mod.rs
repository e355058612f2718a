//! A small shop over real HTTP: what the driver is tried on. It keeps everything in memory and can misbehave.

mod books;
mod routes;

use std::{
    net::{SocketAddr, TcpListener},
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::Instant,
};

use actix_web::{App, HttpServer, dev::ServerHandle, rt::System, web};
use driver::{OperatorToken, Targets};

pub(crate) use books::Books;

pub(crate) const TOKEN: &str = "let me in";

/// What the server does to one request for an order.
#[derive(Clone, Copy)]
pub(crate) enum Fate {
    /// Places it and answers.
    Answer,
    /// Does so at this time, or now where it is past.
    AnswerAt(Instant),
    /// Places it, and cuts the connection in the middle of the answer.
    Cut,
    /// Answers with this status and places nothing.
    Status(u16),
}

/// The fate of the nth request for an order, counted from 0.
pub(crate) type Gate = dyn Fn(u64) -> Fate + Send + Sync;

/// What the server does, and what it has seen.
pub(crate) struct State {
    pub(crate) books: Books,
    gate: Box<Gate>,
    requests: AtomicU64,
    under_way: AtomicUsize,
    /// The most requests for orders that were under way at a time.
    pub(crate) most_under_way: AtomicUsize,
}

impl State {
    /// Requests for orders so far.
    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Ordering::SeqCst)
    }
}

/// A running server; it stops when it is dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) state: Arc<State>,
    handle: ServerHandle,
}

impl Server {
    pub(crate) fn start(gate: impl Fn(u64) -> Fate + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        Self::on(listener, Books::default(), gate)
    }

    /// A server that always answers.
    pub(crate) fn well() -> Self {
        Self::start(|_| Fate::Answer)
    }

    pub(crate) fn on(listener: TcpListener, books: Books, gate: impl Fn(u64) -> Fate + Send + Sync + 'static) -> Self {
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            books,
            gate: Box::new(gate),
            requests: AtomicU64::new(0),
            under_way: AtomicUsize::new(0),
            most_under_way: AtomicUsize::new(0),
        });
        let shared = web::Data::from(state.clone());
        let (started, handle) = mpsc::channel();
        thread::spawn(move || {
            System::new().block_on(async move {
                let app = move || App::new().app_data(shared.clone()).configure(routes::configure);
                let server = HttpServer::new(app).workers(1).disable_signals().listen(listener).unwrap().run();
                started.send(server.handle()).unwrap();
                server.await.unwrap();
            });
        });
        Self { address, state, handle: handle.recv().unwrap() }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn targets(&self) -> Targets {
        Targets::parse([self.url()]).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The command is on its way with the call; waiting for the end is not needed.
        drop(self.handle.stop(false));
    }
}

pub(crate) fn token() -> OperatorToken {
    OperatorToken::new(TOKEN).unwrap()
}

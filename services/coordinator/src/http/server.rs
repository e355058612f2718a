//! Connections of clients: HTTP/2 for gRPC, and HTTP/1.1 beside it, on one port.

use std::{convert::Infallible, future::Future, io, pin::Pin, sync::Arc, time::Duration};

use futures::future::Either;
use hyper::{Request, Response, body::Incoming};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::conn::auto::Builder,
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;
use tonic::body::Body;
use tonic::codegen::Service;

use super::{Endpoints, turns::Streams};
use crate::{grpc::Routes, urls::Url};

/// Protocols offered under TLS, the preferred first.
pub const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// Bytes a client may send on one stream, and on one connection, before they are taken.
const WINDOWS: (u32, u32) = (1 << 20, 4 << 20);
/// How long a client may stay silent before it is asked whether it is there, and how long it may take to answer: etcd's.
const KEEP_ALIVE: (Duration, Duration) = (Duration::from_secs(2 * 3_600), Duration::from_secs(20));
/// How long a client may take to agree on TLS.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// The pause after the system refused a connection, for want of file descriptors most likely.
const AFTER_REFUSAL: Duration = Duration::from_millis(100);

/// An address that clients connect to.
pub struct Listener {
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
}

/// Listens at an address.
///
/// # Errors
/// When its host has no address, or the port is taken.
pub async fn bind(url: &Url) -> io::Result<TcpListener> {
    let host = if url.host.is_empty() { "::" } else { url.host.as_str() };
    let mut addresses: Vec<_> = tokio::net::lookup_host((host, url.port)).await?.collect();
    // `localhost` is two addresses; clients that know one try this one.
    addresses.sort_by_key(std::net::SocketAddr::is_ipv6);
    TcpListener::bind(&addresses[..]).await
}

impl std::fmt::Debug for Listener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Listener").field("listener", &self.listener).field("tls", &self.tls.is_some()).finish()
    }
}

impl Listener {
    /// Of an address that is bound.
    #[must_use]
    pub fn new(listener: TcpListener, tls: Option<Arc<rustls::ServerConfig>>) -> Self {
        Self { listener, tls: tls.map(Into::into) }
    }

    /// Serves until `stopping` ends; then lets what is on its way come to its end.
    pub async fn serve(
        self,
        grpc: Option<Routes>,
        endpoints: Arc<Endpoints>,
        stopping: impl Future<Output = ()> + Clone + Send + 'static,
    ) {
        let handler = Handler { grpc, endpoints };
        let mut connections = JoinSet::new();
        let mut stop = std::pin::pin!(stopping.clone());
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                // Ended ones need not be kept.
                Some(_) = connections.join_next() => continue,
                () = &mut stop => break,
            };
            match accepted {
                Ok((stream, _)) => {
                    let serving = serve_one(stream, self.tls.clone(), handler.clone(), stopping.clone());
                    connections.spawn(serving);
                }
                Err(error) => {
                    tracing::warn!(%error, "could not accept a client's connection");
                    tokio::time::sleep(AFTER_REFUSAL).await;
                }
            }
        }
        drop(self.listener);
        while connections.join_next().await.is_some() {}
    }
}

async fn serve_one(
    stream: TcpStream,
    tls: Option<TlsAcceptor>,
    handler: Handler,
    stopping: impl Future<Output = ()> + Send + 'static,
) {
    // It only costs time if it can't be set.
    stream.set_nodelay(true).ok();
    let outcome = match tls {
        None => talk(TokioIo::new(stream), handler, stopping).await,
        Some(acceptor) => match tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => talk(TokioIo::new(stream), handler, stopping).await,
            Ok(Err(error)) => Err(error.into()),
            Err(late) => Err(late.into()),
        },
    };
    if let Err(error) = outcome {
        // Clients come and go: of interest to those who look for one that goes too early.
        tracing::debug!(%error, "a client's connection ended with an error");
    }
}

async fn talk<I>(
    io: I,
    handler: Handler,
    stopping: impl Future<Output = ()>,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>>
where
    I: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
{
    let streams = Streams::default();
    let mut builder = Builder::new(streams.clone());
    builder.http1().timer(TokioTimer::new());
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(u32::MAX)
        .initial_stream_window_size(WINDOWS.0)
        .initial_connection_window_size(WINDOWS.1)
        .keep_alive_interval(KEEP_ALIVE.0)
        .keep_alive_timeout(KEEP_ALIVE.1);
    let mut connection = std::pin::pin!(builder.serve_connection(io, handler));
    tokio::select! {
        ended = streams.last_in_turn(connection.as_mut()) => return ended,
        () = stopping => connection.as_mut().graceful_shutdown(),
    }
    connection.await
}

/// Tells requests apart.
#[derive(Clone)]
struct Handler {
    grpc: Option<Routes>,
    endpoints: Arc<Endpoints>,
}

type Answer = Result<Response<Body>, Infallible>;

impl hyper::service::Service<Request<Incoming>> for Handler {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Either<GrpcFuture, Pin<Box<dyn Future<Output = Answer> + Send>>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let is_grpc = |request: &Request<Incoming>| {
            let kind = request.headers().get(hyper::header::CONTENT_TYPE);
            kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"))
        };
        match &self.grpc {
            // Services are ready at any time.
            Some(grpc) if is_grpc(&request) => Either::Left(grpc.clone().call(request)),
            _ => {
                let endpoints = Arc::clone(&self.endpoints);
                Either::Right(Box::pin(async move { Ok(endpoints.answer(&request.into_parts().0).await) }))
            }
        }
    }
}

type GrpcFuture = <Routes as Service<Request<Incoming>>>::Future;

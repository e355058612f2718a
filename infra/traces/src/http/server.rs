//! Connections: HTTP/1.1 and HTTP/2 on each port, as many at once as are allowed.

use std::{convert::Infallible, future::Future, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::{
    Request, Response, Version,
    body::{Body as _, Incoming},
    header::EXPECT,
    service::service_fn,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    task::JoinSet,
};

use super::Body;

/// Bytes a client may send on a stream, and on a connection, before they are taken.
const WINDOW: u32 = 1 << 20;
/// Requests at once on one connection.
const STREAMS: u32 = 128;
/// How long a client may take for the head of a request.
const HEAD: Duration = Duration::from_secs(10);
/// How long a client may stay silent before it is asked whether it is there, and how long it may take to answer.
const KEEP_ALIVE: (Duration, Duration) = (Duration::from_secs(120), Duration::from_secs(20));
/// The pause after the system refused a connection, for want of file descriptors most likely.
const AFTER_REFUSAL: Duration = Duration::from_millis(100);
/// How much of a request that was answered before its end is read, and for how long, to be thrown away.
const REMAINDER: (usize, Duration) = (64 << 20, Duration::from_secs(10));

/// Answers requests.
pub(crate) trait Answer: Clone + Send + 'static {
    /// Answers one. Its body need not be read to the end.
    fn answer(&self, request: Request<&mut Incoming>) -> impl Future<Output = Response<Body>> + Send;
}

/// A port.
#[derive(Debug)]
pub(crate) struct Server {
    listener: TcpListener,
    connections: usize,
}

impl Server {
    /// Of a port that is listened at.
    #[must_use]
    pub(crate) fn new(listener: TcpListener, connections: usize) -> Self {
        Self { listener, connections }
    }

    /// Serves until `stopping` says so; then lets requests come to their end.
    pub(crate) async fn serve(self, answering: impl Answer, mut stopping: watch::Receiver<bool>) {
        let places = Arc::new(Semaphore::new(self.connections));
        let mut connections = JoinSet::new();
        loop {
            // Who finds no place waits in the system's queue.
            let accepted = async {
                let place = Arc::clone(&places).acquire_owned().await;
                (self.listener.accept().await, place)
            };
            let (accepted, place) = tokio::select! {
                accepted = accepted => accepted,
                // Ended ones need not be kept.
                Some(_) = connections.join_next() => continue,
                _ = stopping.wait_for(|stopping| *stopping) => break,
            };
            match accepted {
                Ok((stream, _)) => {
                    let serving = talk(stream, answering.clone(), stopping.clone());
                    connections.spawn(async move {
                        serving.await;
                        drop(place);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "could not accept a connection");
                    tokio::time::sleep(AFTER_REFUSAL).await;
                }
            }
        }
        drop(self.listener);
        while connections.join_next().await.is_some() {}
    }
}

async fn talk(stream: TcpStream, answering: impl Answer, mut stopping: watch::Receiver<bool>) {
    // It only costs time if it can't be set.
    stream.set_nodelay(true).ok();
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(WINDOW)
        .max_frame_size(128 << 10)
        .keep_alive_interval(KEEP_ALIVE.0)
        .keep_alive_timeout(KEEP_ALIVE.1);
    let service = service_fn(move |request| {
        let answering = answering.clone();
        async move { Ok::<_, Infallible>(respond(answering, request).await) }
    });
    let mut connection = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service));
    let stopped = async { _ = stopping.wait_for(|stopping| *stopping).await };
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        () = stopped => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        None => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        // Clients come and go: of interest to those who look for one that goes too early.
        tracing::debug!(%error, "a connection ended with an error");
    }
}

/// Has a request answered. Closing a connection on bytes that wait there resets it, and a client that is still sending
/// would find the reset in place of the answer (RFC 9112, 9.6): what the answer left of the body is read behind it.
/// HTTP/2 has a way to say so; and who waits to be asked for the body is not asked for it.
async fn respond(answering: impl Answer, request: Request<Incoming>) -> Response<Body> {
    let (head, mut body) = request.into_parts();
    let sends_on = head.version < Version::HTTP_2 && !head.headers.contains_key(EXPECT);
    let response = answering.answer(Request::from_parts(head, &mut body)).await;
    if sends_on && !body.is_end_stream() {
        tokio::spawn(tokio::time::timeout(REMAINDER.1, skip(body)));
    }
    response
}

/// Reads a body, and keeps nothing of it.
async fn skip(mut body: Incoming) {
    let mut skipped = 0;
    while let Some(Ok(frame)) = body.frame().await {
        skipped += frame.data_ref().map_or(0, Bytes::len);
        if skipped > REMAINDER.0 {
            break;
        }
    }
}

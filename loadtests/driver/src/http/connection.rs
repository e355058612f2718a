//! One connection of HTTP/1.1, made when it is needed.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, client::conn::http1};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::{Answer, Call, Failure, Targets};

/// A connection to one of a service's instances; after a failure, to the next.
pub(crate) struct Connection {
    targets: Targets,
    current: usize,
    sender: Option<http1::SendRequest<Full<Bytes>>>,
}

/// An attempt that brought no answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unanswered {
    pub(super) failure: Failure,
    /// Whether the service may have got the request.
    pub(super) possibly_applied: bool,
}

impl Connection {
    /// The `n`th connection of a pool: it begins with the `n`th target, so that a pool spreads over all.
    pub(crate) fn new(targets: Targets, n: usize) -> Self {
        Self { targets, current: n, sender: None }
    }

    /// Which instance the next request goes to, as the targets number them.
    pub(crate) fn instance(&self) -> usize {
        self.current % self.targets.count()
    }

    /// How many instances there are to try.
    pub(super) fn choices(&self) -> usize {
        self.targets.count()
    }

    /// Closes the connection; the next request goes to the next target.
    pub(super) fn move_on(&mut self) {
        self.sender = None;
        self.current += 1;
    }

    /// Sends the request once and reads the answer.
    pub(super) async fn attempt(&mut self, call: &Call, within: Duration) -> Result<Answer, Unanswered> {
        let mut handed_over = false;
        let outcome = tokio::time::timeout(within, self.exchange(call, &mut handed_over)).await;
        let result = outcome.unwrap_or(Err(Failure::TimedOut));
        if result.is_err() {
            self.sender = None;
        }
        result.map_err(|failure| Unanswered { failure, possibly_applied: handed_over })
    }

    async fn exchange(&mut self, call: &Call, handed_over: &mut bool) -> Result<Answer, Failure> {
        let request = call.request(self.targets.nth(self.current));
        let sender = self.ready().await?;
        *handed_over = true;
        let response = send(sender, request, handed_over).await?;
        let (head, body) = response.into_parts();
        let body = body.collect().await.map_err(|_| Failure::Closed)?.to_bytes();
        Ok(Answer { status: head.status, headers: head.headers, body })
    }

    /// The open connection, or a new one: a service may close one that was idle.
    async fn ready(&mut self) -> Result<&mut http1::SendRequest<Full<Bytes>>, Failure> {
        if let Some(mut open) = self.sender.take()
            && open.ready().await.is_ok()
        {
            return Ok(self.sender.insert(open));
        }
        let stream =
            TcpStream::connect(self.targets.nth(self.current).address()).await.map_err(|_| Failure::Connect)?;
        stream.set_nodelay(true).map_err(|_| Failure::Connect)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|_| Failure::Connect)?;
        // It ends when the sender is dropped or the service closes; a fault of it reaches the sender too.
        tokio::spawn(connection);
        Ok(self.sender.insert(sender))
    }
}

async fn send(
    sender: &mut http1::SendRequest<Full<Bytes>>,
    request: Request<Full<Bytes>>,
    handed_over: &mut bool,
) -> Result<hyper::Response<hyper::body::Incoming>, Failure> {
    sender.try_send_request(request).await.map_err(|error| {
        // Given back by the connection unsent: the service has certainly not seen it.
        *handed_over = error.message().is_none();
        Failure::Closed
    })
}

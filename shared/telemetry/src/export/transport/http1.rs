//! OTLP/HTTP with protobuf bodies, over one connection that is kept.

use std::{collections::VecDeque, convert::Infallible, io::Write as _, sync::Arc, time::Duration};

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Limited, StreamBody, combinators::BoxBody};
use hyper::{
    body::{Frame, Incoming},
    client::conn::http1::{self, SendRequest},
};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{ClientConfig, pki_types::ServerName},
};

use super::{Answer, Failure};
use crate::export::{Signal, settings::Destination};

type Body = BoxBody<Bytes, Infallible>;

/// An answer says a few words; what is longer isn't read.
const ANSWER: usize = 64 * 1024;

pub(super) struct Client {
    signal: Signal,
    endpoint: Uri,
    headers: HeaderMap,
    gzip: bool,
    tls: Option<Arc<ClientConfig>>,
    /// The connection to the collector, where there is one.
    connection: Option<SendRequest<Body>>,
}

impl Client {
    pub(super) fn new(to: &Destination) -> Self {
        let mut headers = to.headers.clone();
        let host = to.endpoint.authority().and_then(|authority| authority.as_str().parse().ok());
        headers.insert(header::HOST, host.unwrap_or(HeaderValue::from_static("localhost")));
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
        if to.gzip {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        let tls = to.tls.as_ref().map(|tls| Arc::clone(&tls.config));
        let (signal, endpoint, gzip) = (to.signal, to.endpoint.clone(), to.gzip);
        Self { signal, endpoint, headers, gzip, tls, connection: None }
    }

    /// Gives up the connection, on which an answer may still come.
    pub(super) fn hang_up(&mut self) {
        self.connection = None;
    }

    /// Posts a body in parts; answers how many items were rejected.
    pub(super) async fn send(&mut self, body: [Bytes; 2]) -> Result<u64, Failure> {
        let request = self.request(body).map_err(|e| lost(&e))?;
        let response = self.connected().await?.send_request(request).await.map_err(|e| lost(&e))?;
        let (status, pause) = (response.status(), retry_after(&response));
        let answer = Limited::new(response.into_body(), ANSWER).collect().await;
        if status.is_success() {
            return Ok(answer.map_or(0, |body| Answer::rejected(body.to_bytes(), self.signal)));
        }
        let may_pass = matches!(
            status,
            StatusCode::TOO_MANY_REQUESTS
                | StatusCode::BAD_GATEWAY
                | StatusCode::SERVICE_UNAVAILABLE
                | StatusCode::GATEWAY_TIMEOUT
        );
        Err(Failure { fault: format!("{} answers {status}", self.endpoint), may_pass, pause })
    }

    async fn connected(&mut self) -> Result<&mut SendRequest<Body>, Failure> {
        let mut open = self.connection.take().filter(|connection| !connection.is_closed());
        if open.is_none() {
            open = Some(self.connect().await?);
        }
        let connection = self.connection.insert(open.expect("was opened above where there was none"));
        connection.ready().await.map_err(|e| lost(&e))?;
        Ok(connection)
    }

    async fn connect(&self) -> Result<SendRequest<Body>, Failure> {
        let host = self.endpoint.host().unwrap_or_default().trim_matches(['[', ']']);
        let port = self.endpoint.port_u16().unwrap_or(if self.tls.is_some() { 443 } else { 80 });
        let stream = TcpStream::connect((host, port)).await.map_err(|e| lost(&e))?;
        let Some(config) = &self.tls else { return speak(stream).await };
        let name = ServerName::try_from(host.to_owned()).map_err(|e| lost(&e))?;
        speak(TlsConnector::from(Arc::clone(config)).connect(name, stream).await.map_err(|e| lost(&e))?).await
    }

    fn request(&self, body: [Bytes; 2]) -> Result<Request<Body>, std::io::Error> {
        let parts = if self.gzip { VecDeque::from([compressed(&body)?]) } else { VecDeque::from(body) };
        let length = parts.iter().map(Bytes::len).sum::<usize>();
        let parts: VecDeque<_> = parts.into_iter().map(|part| Ok(Frame::data(part))).collect();
        let mut request = Request::new(StreamBody::new(futures::stream::iter(parts)).boxed());
        *request.method_mut() = http::Method::POST;
        let path = self.endpoint.path_and_query().map_or("/", |path| path.as_str());
        *request.uri_mut() = path.parse().unwrap_or_default();
        *request.headers_mut() = self.headers.clone();
        request.headers_mut().insert(header::CONTENT_LENGTH, length.into());
        Ok(request)
    }
}

async fn speak(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Result<SendRequest<Body>, Failure> {
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|e| lost(&e))?;
    // Its end is seen by the next request.
    tokio::spawn(connection);
    Ok(sender)
}

fn compressed(parts: &[Bytes]) -> Result<Bytes, std::io::Error> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    parts.iter().try_for_each(|part| encoder.write_all(part))?;
    encoder.finish().map(Bytes::from)
}

fn retry_after(response: &Response<Incoming>) -> Option<Duration> {
    let seconds = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

fn lost(fault: &dyn std::fmt::Display) -> Failure {
    Failure { fault: fault.to_string(), may_pass: true, pause: None }
}

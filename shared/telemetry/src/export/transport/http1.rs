//! OTLP/HTTP with protobuf bodies, over one connection that is kept.

use std::{collections::VecDeque, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Limited, StreamBody, combinators::BoxBody};
use hyper::{
    body::{Frame, Incoming},
    client::conn::http1::{self, SendRequest},
};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::{Answer, Failure};

type Body = BoxBody<Bytes, std::convert::Infallible>;

/// An answer says a few words; what is longer isn't read.
const ANSWER: usize = 64 * 1024;

/// The connection to the collector, where there is one.
#[derive(Debug, Default)]
pub(super) struct Connection(Option<SendRequest<Body>>);

impl Connection {
    async fn open(&mut self, endpoint: &Uri) -> Result<&mut SendRequest<Body>, Failure> {
        let mut open = self.0.take().filter(|connection| !connection.is_closed());
        if open.is_none() {
            let host = endpoint.host().unwrap_or_default().trim_matches(['[', ']']);
            let stream = TcpStream::connect((host, endpoint.port_u16().unwrap_or(80))).await.map_err(|e| lost(&e))?;
            let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|e| lost(&e))?;
            // Its end is seen by the next request.
            tokio::spawn(connection);
            open = Some(sender);
        }
        let connection = self.0.insert(open.expect("was opened above where there was none"));
        connection.ready().await.map_err(|e| lost(&e))?;
        Ok(connection)
    }
}

/// Posts a body in parts; answers how many spans were rejected.
pub(super) async fn post(
    connection: &mut Connection,
    endpoint: &Uri,
    headers: &HeaderMap,
    body: [Bytes; 2],
) -> Result<i64, Failure> {
    let request = request(endpoint, headers, body);
    let response = connection.open(endpoint).await?.send_request(request).await.map_err(|e| lost(&e))?;
    let (status, pause) = (response.status(), retry_after(&response));
    let answer = Limited::new(response.into_body(), ANSWER).collect().await;
    if status.is_success() {
        return Ok(answer.map_or(0, |body| Answer::rejected(body.to_bytes())));
    }
    let may_pass = matches!(
        status,
        StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT
    );
    Err(Failure { fault: format!("{endpoint} answers {status}"), may_pass, pause })
}

fn request(endpoint: &Uri, headers: &HeaderMap, body: [Bytes; 2]) -> Request<Body> {
    let length = body.iter().map(Bytes::len).sum::<usize>();
    let parts: VecDeque<_> = body.into_iter().map(|part| Ok(Frame::data(part))).collect();
    let body = StreamBody::new(futures::stream::iter(parts)).boxed();
    let mut request = Request::new(body);
    *request.method_mut() = http::Method::POST;
    *request.uri_mut() = endpoint.path_and_query().map_or("/", |path| path.as_str()).parse().unwrap_or_default();
    let to = request.headers_mut();
    to.extend(headers.clone());
    let host = endpoint.authority().and_then(|authority| authority.as_str().parse().ok());
    to.insert(header::HOST, host.unwrap_or(header::HeaderValue::from_static("localhost")));
    to.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/x-protobuf"));
    to.insert(header::CONTENT_LENGTH, length.into());
    request
}

fn retry_after(response: &Response<Incoming>) -> Option<Duration> {
    let seconds = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

fn lost(fault: &dyn std::fmt::Display) -> Failure {
    Failure { fault: fault.to_string(), may_pass: true, pause: None }
}

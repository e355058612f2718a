//! A collector of spans that a test reads.

use std::{io, net::SocketAddr, time::Duration};

use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest, common::v1::any_value::Value, trace::v1::Span,
};
use prost::Message;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::JoinHandle,
    time::timeout,
};

/// How long a span may be on its way.
const BOUND: Duration = Duration::from_secs(60);

/// Takes what is posted, as a collector does over HTTP, until it is dropped.
#[derive(Debug)]
pub struct SpanCollector {
    address: SocketAddr,
    spans: mpsc::UnboundedReceiver<Span>,
    accepting: JoinHandle<()>,
}

impl SpanCollector {
    /// Starts one on a free port.
    ///
    /// # Panics
    /// When it can't listen.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.unwrap_or_else(|error| panic!("a test's collector: {error}"));
        let address = listener.local_addr().unwrap_or_else(|error| panic!("a test's collector: {error}"));
        let (send, spans) = mpsc::unbounded_channel();
        Self { address, spans, accepting: tokio::spawn(accept(listener, send)) }
    }

    /// The variables by which a process sends its spans here.
    pub fn variables(&self) -> [(&'static str, String); 2] {
        [
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", format!("http://{}/v1/traces", self.address)),
            ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/protobuf".to_owned()),
        ]
    }

    /// The next so many spans.
    ///
    /// # Panics
    /// When one does not come within a minute.
    pub async fn next(&mut self, count: usize) -> Vec<Span> {
        let mut spans = Vec::new();
        while spans.len() < count {
            let next = timeout(BOUND, self.spans.recv()).await.ok().flatten();
            let next = next.unwrap_or_else(|| panic!("{count} spans were to come, and have not: {spans:#?}"));
            spans.push(next);
        }
        spans
    }
}

impl Drop for SpanCollector {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// An attribute's text; numbers as they are written.
pub fn attribute(span: &Span, name: &str) -> String {
    let found = span.attributes.iter().find(|attribute| attribute.key == name);
    match found.and_then(|attribute| attribute.value.clone()?.value) {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        Some(Value::DoubleValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    }
}

async fn accept(listener: TcpListener, found: mpsc::UnboundedSender<Span>) {
    while let Ok((stream, _)) = listener.accept().await {
        let found = found.clone();
        // A sender that goes away, or sends what is none of this, is seen by the spans that don't come.
        tokio::spawn(async move { take_posts(stream, &found).await });
    }
}

async fn take_posts(stream: TcpStream, found: &mpsc::UnboundedSender<Span>) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let (mut line, mut length) = (String::new(), 0);
        while stream.read_line(&mut line).await? > 0 && line != "\r\n" {
            if let Some(given) = line.to_lowercase().strip_prefix("content-length:") {
                length = given.trim().parse().map_err(io::Error::other)?;
            }
            line.clear();
        }
        if length == 0 {
            return Ok(());
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await?;
        let answer = "HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n";
        stream.write_all(answer.as_bytes()).await?;
        let request = ExportTraceServiceRequest::decode(body.as_slice()).map_err(io::Error::other)?;
        let scopes = request.resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
        // Whoever has what it wanted reads no more.
        scopes.flat_map(|scope| scope.spans).for_each(|span| drop(found.send(span)));
    }
}

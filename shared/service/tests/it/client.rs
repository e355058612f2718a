//! The least of an HTTP/1.1 client: it sends what it is given, octet for octet.

use std::net::SocketAddr;

use contracts::problem::{MEDIA_TYPE, Problem};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// A request as it will be sent.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    head: String,
    body: Vec<u8>,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn new(method: &str, path: &str) -> Self {
        Self { head: format!("{method} {path} HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n"), body: Vec::new() }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.head.push_str(&format!("{name}: {value}\r\n"));
        self
    }

    /// A body with its length.
    pub(crate) fn body(self, body: impl AsRef<[u8]>) -> Self {
        let length = body.as_ref().len().to_string();
        Self { body: body.as_ref().to_vec(), ..self.header("Content-Length", &length) }
    }

    pub(crate) fn json(self, body: impl AsRef<[u8]>) -> Self {
        self.header("Content-Type", "application/json").body(body)
    }

    /// A body in chunks, whose length nobody knows before its end.
    pub(crate) fn chunks(self, chunk: &[u8], count: usize) -> Self {
        let mut body = Vec::new();
        for _ in 0..count {
            body.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            body.extend_from_slice(chunk);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"0\r\n\r\n");
        Self { body, ..self.header("Transfer-Encoding", "chunked") }
    }

    pub(crate) async fn send(&self, to: SocketAddr) -> Answer {
        let mut octets = format!("{}\r\n", self.head).into_bytes();
        octets.extend_from_slice(&self.body);
        send(to, &octets).await
    }
}

/// Sends octets, and reads until the server closes the connection.
pub(crate) async fn send(to: SocketAddr, octets: &[u8]) -> Answer {
    let stream = TcpStream::connect(to).await.unwrap();
    let (mut reader, mut writer) = stream.into_split();
    let octets = octets.to_vec();
    // A server that refuses a body answers before it has read all of it, so the writing may fail.
    let writing = tokio::spawn(async move {
        let _ = writer.write_all(&octets).await;
        writer
    });
    let mut answer = Vec::new();
    let ended = reader.read_to_end(&mut answer).await;
    assert!(ended.is_ok() || !answer.is_empty(), "no answer: {ended:?}");
    drop(writing.await.unwrap());
    Answer::read(&answer)
}

impl Answer {
    pub(crate) fn read(octets: &[u8]) -> Self {
        let end = octets.windows(4).position(|four| four == b"\r\n\r\n").expect("an answer has a head");
        let head = std::str::from_utf8(&octets[..end]).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines.map(|line| line.split_once(": ").unwrap()).map(|(n, v)| (n.to_lowercase(), v.to_owned()));
        let mut answer = Self { status, headers: headers.collect(), body: octets[end + 4..].to_vec() };
        if answer.header("transfer-encoding") == Some("chunked") {
            answer.body = unchunked(&answer.body);
        }
        answer
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|fault| panic!("{fault}: {}", self.text()))
    }

    /// The problem that it is, which says the same as the status line.
    pub(crate) fn problem(&self) -> Problem {
        assert_eq!(self.header("content-type"), Some(MEDIA_TYPE), "{} {}", self.status, self.text());
        let problem: Problem = serde_json::from_slice(&self.body).unwrap();
        assert_eq!(problem.status, self.status);
        assert!(problem.kind.starts_with("urn:plumbline:problem:"), "{problem:?}");
        assert!(!problem.title.is_empty() && !problem.detail.is_empty(), "{problem:?}");
        problem
    }
}

fn unchunked(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let line = rest.windows(2).position(|two| two == b"\r\n").expect("a chunk has a size");
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..line]).unwrap(), 16).unwrap();
        if size == 0 {
            return body;
        }
        body.extend_from_slice(&rest[line + 2..line + 2 + size]);
        rest = &rest[line + 2 + size + 2..];
    }
}

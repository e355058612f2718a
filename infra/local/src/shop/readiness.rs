//! Asking a service whether it is ready.

use std::{collections::BTreeMap, io, net::SocketAddr, time::Duration};

use serde::Deserialize;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// How long a service may take to answer.
const PATIENCE: Duration = Duration::from_secs(1);
/// The most of an answer that is read, in bytes.
const LIMIT: u64 = 64 * 1024;

/// What a service says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Readiness {
    /// `/readyz` answered 200.
    Ready,
    /// `/readyz` answered otherwise; this is why.
    NotReady(String),
    /// Nothing answered; this is why.
    Silent(String),
}

/// Asks `GET /readyz` once, over a connection of its own.
///
/// HTTP/1.0, so that the answer ends where the connection does: no client library is needed for that.
pub(super) async fn ask(address: SocketAddr) -> Readiness {
    match timeout(PATIENCE, answer(address)).await {
        Ok(Ok(answer)) => read(&answer),
        Ok(Err(error)) => Readiness::Silent(error.to_string()),
        Err(_) => Readiness::Silent(format!("no answer within {PATIENCE:?}")),
    }
}

async fn answer(address: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET /readyz HTTP/1.0\r\nHost: {address}\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut bytes = Vec::new();
    stream.take(LIMIT).read_to_end(&mut bytes).await?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn read(answer: &str) -> Readiness {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((answer, ""));
    match head.split(' ').nth(1) {
        Some("200") => Readiness::Ready,
        Some(status) => Readiness::NotReady(reasons(body).unwrap_or_else(|| format!("/readyz answers {status}"))),
        None => Readiness::Silent("what answers speaks no HTTP".to_owned()),
    }
}

/// What `GET /readyz` answers.
#[derive(Deserialize)]
struct Body {
    /// Each part of the service: `ready`, or why it is not.
    parts: BTreeMap<String, String>,
}

/// The parts that are not ready, and why.
fn reasons(body: &str) -> Option<String> {
    let Body { parts } = serde_json::from_str(body).ok()?;
    let waiting = parts.iter().filter(|(_, state)| *state != "ready").map(|(part, state)| format!("{part}: {state}"));
    let text = waiting.collect::<Vec<_>>().join(", ");
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_by_its_status() {
        assert_eq!(read("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"), Readiness::Ready);
        let body = r#"{"ready":false,"parts":{"database":"ready","kafka":"starting"}}"#;
        let starting = read(&format!("HTTP/1.1 503 Service Unavailable\r\n\r\n{body}"));
        assert_eq!(starting, Readiness::NotReady("kafka: starting".to_owned()));
        assert_eq!(read("HTTP/1.1 503 x\r\n\r\n"), Readiness::NotReady("/readyz answers 503".to_owned()));
        assert!(matches!(read(""), Readiness::Silent(_)));
    }

    #[tokio::test]
    async fn a_closed_port_is_silent() {
        let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        assert!(matches!(ask(closed).await, Readiness::Silent(_)));
    }
}

//! Asking a service or a coordinator whether it is ready.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use serde::Deserialize;
use tokio::time::timeout;

use crate::http;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(1);

/// What it says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Readiness {
    /// The answer was 200.
    Ready,
    /// The answer was another; this is why.
    NotReady(String),
    /// Nothing answered; this is why.
    Silent(String),
}

/// Asks `GET path` once, over a connection of its own.
pub(crate) async fn ask(address: SocketAddr, path: &str) -> Readiness {
    match timeout(PATIENCE, http::get(address, path)).await {
        Ok(Ok(answer)) => read(path, &answer),
        Ok(Err(error)) => Readiness::Silent(error.to_string()),
        Err(_) => Readiness::Silent(format!("no answer within {PATIENCE:?}")),
    }
}

fn read(path: &str, answer: &str) -> Readiness {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((answer, ""));
    match http::status(head) {
        Some("200") => Readiness::Ready,
        Some(status) => Readiness::NotReady(reasons(body).unwrap_or_else(|| format!("{path} answers {status}"))),
        None => Readiness::Silent("what answers speaks no HTTP".to_owned()),
    }
}

/// What `GET /readyz` of a service or `GET /health` of a coordinator answers.
#[derive(Deserialize)]
struct Body {
    /// Each part of a service: `ready`, or why it is not.
    #[serde(default)]
    parts: BTreeMap<String, String>,
    /// What a coordinator says is wrong: `RAFT NO LEADER`.
    #[serde(default)]
    reason: String,
}

/// What is not ready, and why.
fn reasons(body: &str) -> Option<String> {
    let Body { parts, reason } = serde_json::from_str(body).ok()?;
    if !reason.is_empty() {
        return Some(reason);
    }
    let waiting = parts.iter().filter(|(_, state)| *state != "ready").map(|(part, state)| format!("{part}: {state}"));
    let text = waiting.collect::<Vec<_>>().join(", ");
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_by_its_status() {
        let read = |answer: &str| read("/readyz", answer);
        assert_eq!(read("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"), Readiness::Ready);
        let body = r#"{"ready":false,"parts":{"database":"ready","kafka":"starting"}}"#;
        let starting = read(&format!("HTTP/1.1 503 Service Unavailable\r\n\r\n{body}"));
        assert_eq!(starting, Readiness::NotReady("kafka: starting".to_owned()));
        assert_eq!(read("HTTP/1.1 503 x\r\n\r\n"), Readiness::NotReady("/readyz answers 503".to_owned()));
        let leaderless = read("HTTP/1.1 503 x\r\n\r\n{\"health\":\"false\",\"reason\":\"RAFT NO LEADER\"}");
        assert_eq!(leaderless, Readiness::NotReady("RAFT NO LEADER".to_owned()));
        assert!(matches!(read(""), Readiness::Silent(_)));
    }

    #[tokio::test]
    async fn a_closed_port_is_silent() {
        let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        assert!(matches!(ask(closed, "/readyz").await, Readiness::Silent(_)));
    }
}

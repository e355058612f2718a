//! One question over HTTP.

use std::{io, net::SocketAddr};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// The most of an answer that is read, in bytes.
const LIMIT: u64 = 64 * 1024;

/// Asks `GET path` over a connection of its own; the whole answer, head and body.
///
/// HTTP/1.0, so that the answer ends where the connection does: no client library is needed for that.
pub(crate) async fn get(address: SocketAddr, path: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut bytes = Vec::new();
    stream.take(LIMIT).read_to_end(&mut bytes).await?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The status of an answer, as it stands there; `None` of what is no HTTP.
pub(crate) fn status(answer: &str) -> Option<&str> {
    answer.starts_with("HTTP/").then(|| answer.split(' ').nth(1)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_read() {
        assert_eq!(status("HTTP/1.0 200 OK\r\n\r\n"), Some("200"));
        assert_eq!(status("SSH-2.0 200 x"), None);
        assert_eq!(status(""), None);
    }
}

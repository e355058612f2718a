//! Frames over a connection, and the exchange that begins one.

use std::{io, time::Duration};

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{
    frame::{self, FrameError, Kind},
    preamble::{Preamble, PreambleError, Verdict},
    stream::{ConnectError, Stream},
};

/// How long the other side may take over what it must answer at once, or over taking what it is sent.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes read from a connection at a time.
const READ: usize = 64 << 10;

/// Why a connection with another member ends.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ExchangeError {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error(transparent)]
    Preamble(#[from] PreambleError),
    #[error("the other side refused: {0}")]
    Refused(Verdict),
    #[error("refused: {0}")]
    Refuses(Verdict),
    #[error("the other side closed the connection")]
    Closed,
    #[error("no sign of life for {PATIENCE:?}")]
    Silent,
    #[error("a message can't be decoded: {0}")]
    Undecodable(&'static str),
    #[error("a frame came that has no place there")]
    OutOfPlace,
    #[error("a message claims to be of member {0:x}, which is not the one that is connected")]
    Forged(u64),
    #[error("the snapshot can't be read: {0}")]
    Log(#[from] consensus::log::Error),
    #[error("the snapshot can't be restored: {0}")]
    Restore(#[from] consensus::store::RestoreError),
    #[error("the snapshot is not the one that was announced")]
    OtherSnapshot,
    #[error("another snapshot is being received already")]
    Busy,
}

/// A connection with the bytes that have come and are not taken yet.
pub(super) struct Connection {
    stream: Stream,
    received: BytesMut,
    sending: BytesMut,
}

impl Connection {
    pub(super) fn new(stream: Stream) -> Self {
        Self { stream, received: BytesMut::new(), sending: BytesMut::new() }
    }

    /// Opens a connection for a purpose, and waits until the other side accepts it.
    pub(super) async fn open(stream: Stream, preamble: &Preamble) -> Result<Self, ExchangeError> {
        let mut connection = Self::new(stream);
        connection.stream.write_all(&preamble.encode()).await?;
        let (kind, body) = connection.answer().await?;
        match (kind, Verdict::decode(&body)) {
            (Kind::Verdict, Some(Verdict::Accepted)) => Ok(connection),
            (Kind::Verdict, Some(verdict)) => Err(ExchangeError::Refused(verdict)),
            _ => Err(ExchangeError::OutOfPlace),
        }
    }

    pub(super) async fn tell(&mut self, verdict: Verdict) -> Result<(), ExchangeError> {
        self.put(Kind::Verdict, |buffer| buffer.extend_from_slice(&[verdict as u8]));
        self.flush().await
    }

    /// Adds a frame to what is sent next.
    pub(super) fn put(&mut self, kind: Kind, write: impl FnOnce(&mut BytesMut)) {
        frame::put(&mut self.sending, kind, write);
    }

    /// How many bytes wait to be sent.
    pub(super) fn unsent(&self) -> usize {
        self.sending.len()
    }

    /// Sends all that waits, in one write where the system takes it.
    pub(super) async fn flush(&mut self) -> Result<(), ExchangeError> {
        let write = async {
            self.stream.write_all(&self.sending).await?;
            self.stream.flush().await
        };
        tokio::time::timeout(PATIENCE, write).await.map_err(|_| ExchangeError::Silent)??;
        self.sending.clear();
        // One large message must not hold its room for ever.
        if self.sending.capacity() > 1 << 20 {
            self.sending = BytesMut::new();
        }
        Ok(())
    }

    /// A frame that has come already.
    pub(super) fn take(&mut self) -> Result<Option<(Kind, Bytes)>, ExchangeError> {
        Ok(frame::take(&mut self.received)?)
    }

    /// Waits until more bytes come. Nothing is lost when it is given up.
    pub(super) async fn receive(&mut self) -> Result<(), ExchangeError> {
        self.received.reserve(READ);
        match self.stream.read_buf(&mut self.received).await? {
            0 => Err(ExchangeError::Closed),
            _ => Ok(()),
        }
    }

    /// The next frame.
    pub(super) async fn next(&mut self) -> Result<(Kind, Bytes), ExchangeError> {
        loop {
            if let Some(frame) = self.take()? {
                return Ok(frame);
            }
            self.receive().await?;
        }
    }

    /// The next frame, which must come at once.
    pub(super) async fn answer(&mut self) -> Result<(Kind, Bytes), ExchangeError> {
        tokio::time::timeout(PATIENCE, self.next()).await.map_err(|_| ExchangeError::Silent)?
    }

    /// Exactly so many bytes, before any frame.
    pub(super) async fn raw(&mut self, bytes: &mut [u8]) -> Result<(), ExchangeError> {
        tokio::time::timeout(PATIENCE, self.stream.read_exact(bytes)).await.map_err(|_| ExchangeError::Silent)??;
        Ok(())
    }

    /// Bytes that are no frame, and then the end.
    pub(super) async fn end_with(&mut self, bytes: &[u8]) -> Result<(), ExchangeError> {
        self.stream.write_all(bytes).await?;
        Ok(self.stream.shutdown().await?)
    }
}

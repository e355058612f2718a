//! Whole snapshots between members: a connection each, chunk by chunk from one disk to the other.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use consensus::eraft::Codec as _;
use consensus::eraft::{Message, MessageType};
use consensus::{
    disk::Real,
    log::snapshot::{Reader, Writer},
    store::{Limits, Restore, Store},
};
use tokio::sync::mpsc;

use super::{
    Peers,
    exchange::{Connection, ExchangeError, PATIENCE},
    frame::Kind,
    preamble::{Preamble, Purpose},
    stream,
};
use crate::engine::Engine;

/// Chunks read ahead of the network, or of the disk.
const AHEAD: usize = 8;

impl Peers {
    /// Sends a snapshot's file along with the message that speaks of it.
    ///
    /// # Errors
    /// When the other member doesn't take it, or the file can't be read.
    pub(crate) async fn send_snapshot(&self, message: Message, path: PathBuf) -> Result<(), ExchangeError> {
        let urls = self.urls_of(message.to);
        let Some(url) = urls.first() else { return Err(ExchangeError::Closed) };
        let stream = stream::connect(url, self.tls.as_ref()).await?;
        let (cluster_id, from, to) = (self.cluster_id, self.own, message.to);
        let preamble = Preamble { purpose: Purpose::Snapshot, cluster_id, from, to };
        let mut connection = Connection::open(stream, &preamble).await?;
        tracing::info!(to = %format_args!("{to:x}"), file = %path.display(), "sending database snapshot");
        connection.put(Kind::Raft, |buffer| message.encode_raw(buffer));
        let mut chunks = read(path);
        while let Some(chunk) = chunks.recv().await {
            let chunk = chunk?;
            connection.put(Kind::Chunk, |buffer| buffer.extend_from_slice(&chunk));
            connection.flush().await?;
        }
        connection.put(Kind::End, |_| {});
        connection.flush().await?;
        // What was received is restored before it is acknowledged, which takes as long as it is large.
        let acknowledged = tokio::time::timeout(PATIENCE * 60, connection.next()).await;
        match acknowledged.map_err(|_| ExchangeError::Silent)?? {
            (Kind::End, _) => Ok(()),
            _ => Err(ExchangeError::OutOfPlace),
        }
    }
}

fn read(path: PathBuf) -> mpsc::Receiver<Result<Bytes, consensus::log::Error>> {
    let (chunks, received) = mpsc::channel(AHEAD);
    tokio::task::spawn_blocking(move || match Reader::open(&Real, &path) {
        Ok(reader) => {
            for chunk in reader {
                if chunks.blocking_send(chunk).is_err() {
                    return;
                }
            }
        }
        Err(error) => drop(chunks.blocking_send(Err(error))),
    });
    received
}

/// Receives a snapshot: its file is on the disk, and its store restored, when this returns.
pub(super) async fn receive(
    connection: &mut Connection,
    engine: &Engine,
    data: &Path,
) -> Result<(Message, Store), ExchangeError> {
    let (Kind::Raft, body) = connection.answer().await? else { return Err(ExchangeError::OutOfPlace) };
    let message = Message::decode(body).map_err(|_| ExchangeError::Undecodable("a message"))?;
    if message.get_msg_type() != MessageType::MsgSnapshot || message.to != engine.identity().member_id {
        return Err(ExchangeError::OutOfPlace);
    }
    let metadata = message.get_snapshot().get_metadata();
    let (index, term) = (metadata.index, metadata.term);
    tracing::info!(from = %format_args!("{:x}", message.from), index, term, "receiving database snapshot");
    let limits = *engine.store().limits();
    let (chunks, received) = mpsc::channel(AHEAD);
    let incoming = Incoming { data: data.to_owned(), cluster_id: engine.identity().cluster_id, index, term, limits };
    let keeping = tokio::task::spawn_blocking(move || incoming.keep(received));
    loop {
        match connection.answer().await? {
            (Kind::Chunk, chunk) => {
                if chunks.send(Some(chunk)).await.is_err() {
                    break;
                }
            }
            (Kind::End, _) => {
                chunks.send(None).await.ok();
                break;
            }
            _ => return Err(ExchangeError::OutOfPlace),
        }
    }
    drop(chunks);
    let store = keeping.await.unwrap_or(Err(ExchangeError::Closed))?;
    tracing::info!(index, term, "received and saved database snapshot");
    Ok((message, store))
}

/// A snapshot on its way to the disk.
struct Incoming {
    data: PathBuf,
    cluster_id: u64,
    index: u64,
    term: u64,
    limits: Limits,
}

impl Incoming {
    /// Takes chunks up to `None`; without that the snapshot is not whole, and nothing is left of it.
    fn keep(&self, mut chunks: mpsc::Receiver<Option<Bytes>>) -> Result<Store, ExchangeError> {
        let mut writer = Writer::new(Real, &self.data, self.cluster_id, self.index, self.term)?;
        let mut restore = Restore::new(self.limits);
        while let Some(chunk) = chunks.blocking_recv().ok_or(ExchangeError::Closed)? {
            writer.push(&chunk)?;
            restore.push(chunk)?;
        }
        let (store, head) = restore.finish()?;
        if (head.cluster_id, head.index, head.term) != (self.cluster_id, self.index, self.term) {
            return Err(ExchangeError::OtherSnapshot);
        }
        writer.finish()?;
        Ok(store)
    }
}

//! Snapshots on their way to the disk, and to other members. Each has a thread of the runtime's for as long as it takes.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use bytes::Bytes;
use consensus::eraft::{Message, SnapshotMetadata};
use consensus::{
    disk::Real,
    log::{
        self,
        snapshot::{Name, Writer},
    },
    store::{Snapshot, Store},
};

use super::input::{Input, Inputs};
use crate::{metrics::Metrics, peers::Peers};

/// Bytes of one piece of a snapshot: the store is locked for reading while one is put together.
const CHUNK_BYTES: usize = 64 << 10;

/// What saving and sending need.
pub(super) struct Snapshots {
    pub(super) data: PathBuf,
    pub(super) cluster_id: u64,
    pub(super) store: Arc<RwLock<Store>>,
    pub(super) inputs: Inputs,
    pub(super) peers: Arc<Peers>,
    /// Counts snapshots that came from others: each may take the store's place, and one being saved then ends early.
    pub(super) received: Arc<AtomicU64>,
    pub(super) metrics: Arc<Metrics>,
}

impl Snapshots {
    /// A snapshot of another member is about to reach the node.
    pub(super) fn receive(&self) {
        self.received.fetch_add(1, Ordering::SeqCst);
    }

    /// Writes a snapshot that has begun, while the store goes on.
    pub(super) fn save(&self, metadata: SnapshotMetadata, mut snapshot: Snapshot) {
        let (data, cluster_id) = (self.data.clone(), self.cluster_id);
        let (store, inputs) = (Arc::clone(&self.store), self.inputs.clone());
        let received = Arc::clone(&self.received);
        let before = received.load(Ordering::SeqCst);
        let (metrics, began) = (Arc::clone(&self.metrics), Instant::now());
        tokio::task::spawn_blocking(move || {
            let is_current = || received.load(Ordering::SeqCst) == before;
            let written = write(&data, cluster_id, &metadata, &store, &mut snapshot, is_current);
            store.write().unwrap_or_else(PoisonError::into_inner).end_snapshot(snapshot);
            let index = metadata.index;
            let input = match written {
                Ok(Some(bytes)) => {
                    metrics.snapshot.observe(began.elapsed());
                    tracing::info!(index, term = metadata.term, bytes, "saved snapshot");
                    Input::SnapshotWritten(metadata)
                }
                Ok(None) => Input::SnapshotFailed,
                Err(error) => {
                    tracing::warn!(index, %error, "failed to save a snapshot; the log is kept");
                    Input::SnapshotFailed
                }
            };
            inputs.send(input).ok();
        });
    }

    /// Sends the snapshot a message speaks of along with it.
    pub(super) fn send(&self, message: Message) {
        let metadata = message.get_snapshot().get_metadata();
        let name = Name { index: metadata.index, term: metadata.term };
        let path = log::snapshot::dir(&self.data).join(name.file());
        let (peers, inputs) = (Arc::clone(&self.peers), self.inputs.clone());
        tokio::spawn(async move {
            let to = message.to;
            let sent = peers.send_snapshot(message, path).await;
            if let Err(error) = &sent {
                tracing::warn!(to = %format_args!("{to:x}"), %error, "failed to send a snapshot");
            }
            inputs.send(Input::SnapshotSent(to, sent.is_ok())).ok();
        });
    }
}

/// Returns how many bytes there were; `None` where the store has been replaced meanwhile.
fn write(
    data: &Path,
    cluster_id: u64,
    metadata: &SnapshotMetadata,
    store: &RwLock<Store>,
    snapshot: &mut Snapshot,
    is_current: impl Fn() -> bool,
) -> Result<Option<u64>, log::Error> {
    let mut writer = Writer::new(Real, data, cluster_id, metadata.index, metadata.term)?;
    let mut bytes = 0;
    while let Some(chunk) = next_chunk(store, snapshot) {
        bytes += chunk.len() as u64;
        writer.push(&chunk)?;
    }
    let served = store.read().unwrap_or_else(PoisonError::into_inner).serves(snapshot);
    if !served || !is_current() {
        return Ok(None);
    }
    writer.finish()?;
    Ok(Some(bytes))
}

fn next_chunk(store: &RwLock<Store>, snapshot: &mut Snapshot) -> Option<Bytes> {
    store.read().unwrap_or_else(PoisonError::into_inner).snapshot_chunk(snapshot, CHUNK_BYTES)
}

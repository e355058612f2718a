//! The state as a stream of bytes: a snapshot's file as this program keeps it on its own disk, then, as in etcd, a
//! SHA-256 of all before it, by which whoever saved it can tell that it is whole.
//!
//! etcd's tools tell a file with that digest from one without by its length, 32 bytes more than a multiple of 512: so
//! zeros stand between the file's end and the digest.

use bytes::{BufMut as _, Bytes, BytesMut};
use consensus::{
    api::etcdserverpb::SnapshotResponse,
    store::{Position, Snapshot, Store},
};
use futures::{
    FutureExt as _,
    stream::{self, BoxStream, StreamExt as _},
};
use sha2::{Digest as _, Sha256};
use tonic::Status;

use super::context::Context;
use crate::version;

/// About what one message holds, in bytes.
const CHUNK_BYTES: usize = 64 << 10;
/// What a client is told whose member was behind, and has taken another's state meanwhile.
const OVERTAKEN: &str = "etcdserver: the member's state was replaced while it was read; save the snapshot again";
/// What the length without the digest is a multiple of, in bytes.
const ALIGNMENT: u64 = 512;

/// The messages of one snapshot, of the state as it is now; `end` ends them early.
pub(super) fn stream(
    context: Context,
    end: impl Future<Output = Status> + Send + 'static,
) -> BoxStream<'static, Result<SnapshotResponse, Status>> {
    let (encoder, snapshot, expected) = {
        let status = context.engine().status();
        let cluster_id = context.engine().identity().cluster_id;
        let store = context.engine().store();
        let position = position(&store, cluster_id, status.applied, status.term);
        let encoder = Encoder::new(cluster_id, status.term, status.applied);
        (encoder, store.begin_snapshot(position), store.size())
    };
    let reading = Reading { context, snapshot, encoder: Some(encoder), expected };
    stream::unfold(Some((reading, Box::pin(end))), async |state| {
        let (mut reading, mut end) = state?;
        match (&mut end).now_or_never() {
            Some(status) => Some((Err(status), None)),
            None if reading.is_overtaken() => Some((Err(Status::unavailable(OVERTAKEN)), None)),
            None => {
                // Many messages fit into what a client may be sent at once: what else this thread has to do goes between.
                tokio::task::yield_now().await;
                reading.next().map(|message| (Ok(message), Some((reading, end))))
            }
        }
    })
    .boxed()
}

/// Where the state stands in the log. Of the members all that vote are voters: a change that is under way is not seen.
fn position(store: &Store, cluster_id: u64, index: u64, term: u64) -> Position {
    let ids = |learner: bool| store.members().iter().filter(move |m| m.is_learner == learner).map(|m| m.id).collect();
    Position { cluster_id, index, term, voters: ids(false), learners: ids(true), ..Position::default() }
}

struct Reading {
    context: Context,
    snapshot: Snapshot,
    /// `None` once the digest is out.
    encoder: Option<Encoder>,
    /// About how many bytes are left.
    expected: u64,
}

impl Reading {
    /// Whether a snapshot of another member has taken the place of the state that is being read: the rest is gone, and what was
    /// read must not look like a whole.
    fn is_overtaken(&self) -> bool {
        let unfinished = self.encoder.as_ref().is_some_and(|encoder| !encoder.ended);
        unfinished && !self.context.engine().store().serves(&self.snapshot)
    }

    fn next(&mut self) -> Option<SnapshotResponse> {
        let encoder = self.encoder.as_mut()?;
        let blob = if encoder.ended {
            let digest = Bytes::copy_from_slice(&encoder.digest.clone().finalize());
            self.encoder = None;
            digest
        } else {
            let chunk = self.context.engine().store().snapshot_chunk(&mut self.snapshot, CHUNK_BYTES);
            match chunk {
                Some(chunk) => encoder.chunk(&chunk),
                None => encoder.end(),
            }
        };
        self.expected = self.expected.saturating_sub(blob.len() as u64);
        let remaining_bytes =
            if self.encoder.as_ref().is_some_and(|encoder| !encoder.ended) { self.expected } else { 0 };
        Some(SnapshotResponse { header: None, remaining_bytes, blob, version: version::STORAGE.to_owned() })
    }
}

/// Writes the format of `consensus::log::snapshot`.
struct Encoder {
    head: Option<Bytes>,
    checksum: u32,
    chunks: u64,
    length: u64,
    digest: Sha256,
    ended: bool,
}

impl Encoder {
    fn new(cluster_id: u64, term: u64, index: u64) -> Self {
        let mut head = BytesMut::new();
        head.put_slice(b"raftsnap");
        head.put_u32_le(1);
        [cluster_id, term, index].into_iter().for_each(|field| head.put_u64_le(field));
        let checksum = crc32c::crc32c(&head);
        head.put_u32_le(checksum);
        Self { head: Some(head.freeze()), checksum, chunks: 0, length: 0, digest: Sha256::new(), ended: false }
    }

    fn chunk(&mut self, chunk: &[u8]) -> Bytes {
        self.checksum = crc32c::crc32c_append(self.checksum, chunk);
        self.chunks += 1;
        let mut blob = BytesMut::from(self.head.take().unwrap_or_default());
        blob.put_u32_le(chunk.len() as u32);
        blob.put_u32_le(self.checksum);
        blob.put_slice(chunk);
        self.count(blob)
    }

    fn end(&mut self) -> Bytes {
        let mut blob = BytesMut::from(self.head.take().unwrap_or_default());
        blob.put_u32_le(0);
        blob.put_u32_le(crc32c::crc32c_append(self.checksum, &self.chunks.to_le_bytes()));
        blob.put_u64_le(self.chunks);
        let length = self.length + blob.len() as u64;
        blob.put_bytes(0, (length.next_multiple_of(ALIGNMENT) - length) as usize);
        self.ended = true;
        self.count(blob)
    }

    fn count(&mut self, blob: BytesMut) -> Bytes {
        self.length += blob.len() as u64;
        self.digest.update(&blob);
        blob.freeze()
    }
}

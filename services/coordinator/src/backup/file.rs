//! The file's bytes: first its digest, then the chunks.

use std::{
    fs::File,
    io::{self, BufReader, Read as _, Seek as _},
    path::{Path, PathBuf},
};

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use super::BackupError;

const MAGIC: [u8; 8] = *b"raftsnap";
/// What stands before the first chunk, in bytes.
const HEAD: usize = 40;
/// A chunk's length and checksum, in bytes.
const CHUNK_HEAD: usize = 8;
/// The digest at the end, in bytes; without it a file is whole blocks.
const DIGEST: u64 = 32;
const BLOCK: u64 = 512;

/// The chunks of a file that is whole.
pub(super) struct Chunks {
    file: BufReader<File>,
    path: PathBuf,
    /// Bytes up to the digest that are not read yet.
    left: u64,
}

/// Opens a file, and reads all of it once to see that it is what was written.
pub(super) fn open(path: &Path) -> Result<Chunks, BackupError> {
    let unreadable = |source| BackupError::Unreadable { path: path.to_owned(), source };
    let mut file = BufReader::new(File::open(path).map_err(unreadable)?);
    let length = file.get_ref().metadata().map_err(unreadable)?.len();
    let mut head = Vec::with_capacity(HEAD);
    file.by_ref().take(HEAD as u64).read_to_end(&mut head).map_err(unreadable)?;
    if !head.starts_with(&MAGIC) {
        return Err(BackupError::Foreign(path.to_owned()));
    }
    let damaged = |reason| BackupError::Damaged { path: path.to_owned(), reason };
    if length % BLOCK != DIGEST {
        return Err(damaged("its length is not that of whole blocks and a digest"));
    }
    file.rewind().map_err(unreadable)?;
    let content = length - DIGEST;
    let mut digest = Sha256::new();
    let mut stored = Vec::new();
    io::copy(&mut file.by_ref().take(content), &mut digest).map_err(unreadable)?;
    file.read_to_end(&mut stored).map_err(unreadable)?;
    if digest.finalize()[..] != stored[..] {
        return Err(damaged("its SHA-256 is another than the one at its end"));
    }
    file.seek(io::SeekFrom::Start(HEAD as u64)).map_err(unreadable)?;
    let left = content.saturating_sub(HEAD as u64);
    Ok(Chunks { file, path: path.to_owned(), left })
}

impl Chunks {
    /// The next chunk, each with a checksum of its own behind it. `None` after the last.
    pub(super) fn next(&mut self) -> Result<Option<Bytes>, BackupError> {
        let mut head = [0; CHUNK_HEAD];
        self.fill(&mut head)?;
        let [a, b, c, d, ..] = head;
        let length = u32::from_le_bytes([a, b, c, d]);
        if length == 0 {
            return Ok(None);
        }
        if u64::from(length) > self.left {
            return Err(self.cut());
        }
        let mut chunk = vec![0; length as usize];
        self.fill(&mut chunk)?;
        Ok(Some(chunk.into()))
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), BackupError> {
        self.left = self.left.checked_sub(bytes.len() as u64).ok_or_else(|| self.cut())?;
        self.file.read_exact(bytes).map_err(|source| BackupError::Unreadable { path: self.path.clone(), source })
    }

    fn cut(&self) -> BackupError {
        BackupError::Damaged { path: self.path.clone(), reason: "a chunk goes beyond its end" }
    }
}

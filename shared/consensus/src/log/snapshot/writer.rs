use std::path::{Path, PathBuf};

use super::{HEAD, MAGIC, MAX_CHUNK, Name, UNFINISHED, VERSION, dir};
use crate::disk::{Disk, File};
use crate::log::error::{During, Error};

/// How much is left to the system's cache before it is synced. All at once, at the end, would hold up the log's own
/// syncs for as long as it takes.
const SYNC_EVERY: u64 = 1 << 20;

/// Writes one snapshot. It does not exist until [`Writer::finish`]; if that is not reached, nothing is left.
#[derive(Debug)]
pub struct Writer<D: Disk> {
    disk: D,
    file: D::File,
    /// The unfinished file, until it has its name.
    unfinished: Option<PathBuf>,
    dir: PathBuf,
    name: Name,
    offset: u64,
    synced: u64,
    chunks: u64,
    checksum: u32,
    buffer: Vec<u8>,
}

impl<D: Disk> Writer<D> {
    /// Begins a snapshot of the entries up to `index`, which has `term`, in a data directory.
    ///
    /// # Errors
    ///
    /// The disk's own.
    pub fn new(disk: D, data: &Path, cluster_id: u64, index: u64, term: u64) -> Result<Self, Error> {
        let name = Name { index, term };
        let dir = dir(data);
        let unfinished = dir.join(name.file() + UNFINISHED);
        let file = disk.create(&unfinished).during("create", &unfinished)?;
        let mut head = Vec::with_capacity(HEAD);
        head.extend(MAGIC);
        head.extend(VERSION.to_le_bytes());
        for field in [cluster_id, term, index] {
            head.extend(field.to_le_bytes());
        }
        let checksum = crc32c::crc32c(&head);
        head.extend(checksum.to_le_bytes());
        let unfinished = Some(unfinished);
        let mut writer =
            Self { disk, file, unfinished, dir, name, offset: 0, synced: 0, chunks: 0, checksum, buffer: head };
        writer.flush()?;
        Ok(writer)
    }

    /// Appends a chunk. An empty one is left out.
    ///
    /// # Errors
    ///
    /// The disk's own, and [`Error::TooLarge`] for more than 1 GiB.
    pub fn push(&mut self, chunk: &[u8]) -> Result<(), Error> {
        if chunk.len() > MAX_CHUNK {
            return Err(Error::TooLarge { bytes: chunk.len() });
        }
        if chunk.is_empty() {
            return Ok(());
        }
        self.checksum = crc32c::crc32c_append(self.checksum, chunk);
        self.chunks += 1;
        self.buffer.extend((chunk.len() as u32).to_le_bytes());
        self.buffer.extend(self.checksum.to_le_bytes());
        self.buffer.extend(chunk);
        self.flush()?;
        if self.offset - self.synced >= SYNC_EVERY { self.sync() } else { Ok(()) }
    }

    /// Ends the snapshot and gives it its name, which is returned, for good.
    ///
    /// # Errors
    ///
    /// The disk's own.
    pub fn finish(mut self) -> Result<String, Error> {
        self.buffer.extend(0_u32.to_le_bytes());
        self.buffer.extend(crc32c::crc32c_append(self.checksum, &self.chunks.to_le_bytes()).to_le_bytes());
        self.buffer.extend(self.chunks.to_le_bytes());
        self.flush()?;
        self.sync()?;
        let file = self.name.file();
        let path = self.dir.join(&file);
        if let Some(unfinished) = &self.unfinished {
            self.disk.rename(unfinished, &path).during("rename", unfinished)?;
        }
        self.unfinished = None;
        self.disk.sync_dir(&self.dir).during("sync", &self.dir)?;
        Ok(file)
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.file.write_at(self.offset, &self.buffer).during("write a snapshot to", &self.dir)?;
        self.offset += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    fn sync(&mut self) -> Result<(), Error> {
        self.file.sync_data().during("sync a snapshot in", &self.dir)?;
        self.synced = self.offset;
        Ok(())
    }
}

impl<D: Disk> Drop for Writer<D> {
    fn drop(&mut self) {
        if let Some(path) = &self.unfinished
            && let Err(error) = self.disk.remove(path)
        {
            // The next start removes it.
            tracing::debug!(%error, file = %path.display(), "an unfinished snapshot stays for now");
        }
    }
}

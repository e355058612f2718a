use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::{CHUNK_HEAD, END, HEAD, MAGIC, MAX_CHUNK, Name, VERSION};
use crate::disk::{Disk, File};
use crate::log::error::{Damage, During, Error};

/// Reads a snapshot's chunks in their order. After an error there are no more.
#[derive(Debug)]
pub struct Reader<F> {
    file: F,
    path: PathBuf,
    name: Name,
    cluster_id: u64,
    offset: u64,
    length: u64,
    chunks: u64,
    checksum: u32,
    is_done: bool,
}

impl<F: File> Reader<F> {
    /// Opens a snapshot.
    ///
    /// # Errors
    ///
    /// [`Error::Damaged`], [`Error::Version`] and the disk's own, also when there is no such file.
    pub fn open<D: Disk<File = F>>(disk: &D, path: &Path) -> Result<Self, Error> {
        let damaged = |offset, damage| Error::Damaged { path: path.to_owned(), offset, damage };
        let file = disk.open(path).during("open", path)?;
        let length = file.len().during("measure", path)?;
        let mut head = [0; HEAD];
        if file.read_at(0, &mut head).during("read", path)? < HEAD {
            return Err(damaged(length, Damage::Incomplete));
        }
        let checksum = crc32c::crc32c(&head[..HEAD - 4]);
        if head[..8] != MAGIC || u32_at(&head, HEAD - 4) != checksum {
            return Err(damaged(0, Damage::Head));
        }
        let version = u32_at(&head, 8);
        if version != VERSION {
            return Err(Error::Version { path: path.to_owned(), found: version, known: VERSION });
        }
        let name = Name { term: u64_at(&head, 20), index: u64_at(&head, 28) };
        if path.file_name().is_none_or(|file| file != name.file().as_str()) {
            return Err(damaged(0, Damage::Head));
        }
        Ok(Self {
            file,
            path: path.to_owned(),
            name,
            cluster_id: u64_at(&head, 12),
            offset: HEAD as u64,
            length,
            chunks: 0,
            checksum,
            is_done: false,
        })
    }

    /// The term and index of the last entry that it holds.
    pub fn name(&self) -> Name {
        self.name
    }

    /// Whose it is.
    pub fn cluster_id(&self) -> u64 {
        self.cluster_id
    }

    /// The file's length in bytes.
    pub fn length(&self) -> u64 {
        self.length
    }

    fn read(&mut self) -> Result<Option<Bytes>, Error> {
        let head: [u8; CHUNK_HEAD] = self.take()?;
        let length = u32_at(&head, 0) as usize;
        if length == 0 {
            self.offset -= CHUNK_HEAD as u64;
            return self.end().map(|()| None);
        }
        if length > MAX_CHUNK || self.offset + length as u64 > self.length {
            return Err(self.damaged(CHUNK_HEAD, Damage::Incomplete));
        }
        let mut chunk = vec![0; length];
        self.fill(&mut chunk)?;
        let checksum = crc32c::crc32c_append(self.checksum, &chunk);
        if checksum != u32_at(&head, 4) {
            return Err(self.damaged(CHUNK_HEAD + length, Damage::Record));
        }
        self.checksum = checksum;
        self.chunks += 1;
        Ok(Some(chunk.into()))
    }

    fn end(&mut self) -> Result<(), Error> {
        let end: [u8; END] = self.take()?;
        let counted = self.chunks.to_le_bytes();
        let is_whole = u32_at(&end, 4) == crc32c::crc32c_append(self.checksum, &counted) && end[8..] == counted;
        if is_whole && self.offset == self.length { Ok(()) } else { Err(self.damaged(END, Damage::Record)) }
    }

    fn take<const LENGTH: usize>(&mut self) -> Result<[u8; LENGTH], Error> {
        let mut bytes = [0; LENGTH];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), Error> {
        let read = self.file.read_at(self.offset, bytes).during("read", &self.path)?;
        if read < bytes.len() {
            return Err(self.damaged(0, Damage::Incomplete));
        }
        self.offset += read as u64;
        Ok(())
    }

    /// What was read last is not right.
    fn damaged(&self, length: usize, damage: Damage) -> Error {
        Error::Damaged { path: self.path.clone(), offset: self.offset - length as u64, damage }
    }
}

impl<F: File> Iterator for Reader<F> {
    type Item = Result<Bytes, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_done {
            return None;
        }
        let chunk = self.read().transpose();
        self.is_done = !matches!(chunk, Some(Ok(_)));
        chunk
    }
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}

//! Requests in a file, so that their spans are there again after a restart.
//!
//! A record is the length of a request, the checksum of both, and the request as protobuf. Of a record that was not
//! written whole nothing is taken, nor of anything behind it. When a file has half of the bytes that are allowed it
//! becomes the old one, with `.1` behind its name, in place of the old one before.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufReader, Read as _, Write as _},
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// Bytes before a request: its length and the checksum.
const HEAD: usize = 8;
/// No request is longer, whatever a damaged length says.
const LONGEST: usize = 1 << 30;

/// Why there is no journal.
#[derive(Debug, thiserror::Error)]
#[error("the file {path} can't be used: {source}")]
pub struct JournalError {
    path: PathBuf,
    source: io::Error,
}

/// Requests in a file.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    /// Bytes after which a file becomes the old one.
    half: u64,
    current: Mutex<Current>,
    failures: AtomicU64,
    bytes: AtomicU64,
}

#[derive(Debug)]
struct Current {
    file: File,
    length: u64,
    frame: Vec<u8>,
}

/// What a journal held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    /// Requests.
    pub requests: u64,
    /// Bytes at the end of a file that were no whole record.
    pub torn_bytes: u64,
}

impl Journal {
    /// Opens a journal of at most `bytes` bytes, both files together, and gives each request to `take`, oldest first.
    ///
    /// # Errors
    /// When a file can't be read, cut or made.
    pub fn open(path: &Path, bytes: u64, mut take: impl FnMut(&[u8])) -> Result<(Self, Loaded), JournalError> {
        let failed = |source| JournalError { path: path.to_owned(), source };
        let mut loaded = Loaded::default();
        if let Ok(old) = File::open(old(path)) {
            load(&old, &mut loaded, &mut take).map_err(failed)?;
        }
        let file = OpenOptions::new().read(true).append(true).create(true).open(path).map_err(failed)?;
        let length = load(&file, &mut loaded, &mut take).map_err(failed)?;
        // What is appended behind a torn record would never be read.
        file.set_len(length).map_err(failed)?;
        let journal = Self {
            path: path.to_owned(),
            half: bytes / 2,
            bytes: AtomicU64::new(length),
            current: Mutex::new(Current { file, length, frame: Vec::new() }),
            failures: AtomicU64::new(0),
        };
        Ok((journal, loaded))
    }

    /// Appends a request: the system has it when this returns. A failure is counted and said; spans go on being taken.
    pub fn append(&self, request: &[u8]) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = self.try_append(&mut current, request) {
            self.failures.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(%error, path = %self.path.display(), "spans are not in the file");
            // Half a record would hide what comes after it.
            if let Err(error) = current.file.set_len(current.length) {
                tracing::error!(%error, "a torn record could not be cut off");
            }
        }
        self.bytes.store(current.length, Ordering::Relaxed);
    }

    fn try_append(&self, current: &mut Current, request: &[u8]) -> io::Result<()> {
        let record = (HEAD + request.len()) as u64;
        if current.length > 0 && current.length + record > self.half {
            fs::rename(&self.path, old(&self.path))?;
            current.file = OpenOptions::new().append(true).create(true).open(&self.path)?;
            current.length = 0;
        }
        let length = (request.len() as u32).to_le_bytes();
        current.frame.clear();
        current.frame.extend_from_slice(&length);
        current.frame.extend_from_slice(&checksum(length, request).to_le_bytes());
        current.frame.extend_from_slice(request);
        current.file.write_all(&current.frame)?;
        current.length += record;
        Ok(())
    }

    /// How often an append failed.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// Bytes of the file that is appended to.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

fn old(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".1");
    name.into()
}

fn checksum(length: [u8; 4], request: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&length), request)
}

/// Reads the records of a file, and returns where the last whole one ends.
fn load(file: &File, loaded: &mut Loaded, take: &mut impl FnMut(&[u8])) -> io::Result<u64> {
    let size = file.metadata()?.len();
    let mut reader = BufReader::with_capacity(1 << 20, file);
    let mut end = 0;
    let mut request = Vec::new();
    while end < size {
        match read_record(&mut reader, &mut request) {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break,
            Err(error) => return Err(error),
        }
        take(&request);
        loaded.requests += 1;
        end += (HEAD + request.len()) as u64;
    }
    loaded.torn_bytes += size - end;
    Ok(end)
}

/// Whether a whole record was there.
fn read_record(reader: &mut impl io::Read, request: &mut Vec<u8>) -> io::Result<bool> {
    let (mut length, mut sum) = ([0; 4], [0; 4]);
    reader.read_exact(&mut length)?;
    reader.read_exact(&mut sum)?;
    let bytes = u32::from_le_bytes(length) as usize;
    if bytes > LONGEST {
        return Ok(false);
    }
    request.clear();
    // A damaged length must not make room for itself: what is not there is not read.
    let read = reader.take(bytes as u64).read_to_end(request)?;
    Ok(read == bytes && u32::from_le_bytes(sum) == checksum(length, request))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(path: &Path, bytes: u64) -> (Journal, Loaded, Vec<Vec<u8>>) {
        let mut requests = Vec::new();
        let (journal, loaded) = Journal::open(path, bytes, |request| requests.push(request.to_vec())).unwrap();
        (journal, loaded, requests)
    }

    #[test]
    fn requests_come_back_up_to_where_the_file_is_torn() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("spans");
        open(&path, 1 << 20).0.append(b"first");
        let (journal, loaded, requests) = open(&path, 1 << 20);
        assert_eq!((loaded, requests), (Loaded { requests: 1, torn_bytes: 0 }, vec![b"first".to_vec()]));
        journal.append(b"second");
        drop(journal);
        for damage in [1, HEAD as u64 - 1, 3] {
            let file = OpenOptions::new().write(true).open(&path).unwrap();
            let whole = fs::read(&path).unwrap();
            file.set_len(whole.len() as u64 - damage).unwrap();
            let (journal, loaded, requests) = open(&path, 1 << 20);
            assert_eq!(requests, [b"first".to_vec()]);
            assert!(loaded.torn_bytes > 0);
            journal.append(b"second");
        }
        let mut damaged = fs::read(&path).unwrap();
        damaged[HEAD] ^= 1;
        fs::write(&path, damaged).unwrap();
        let (journal, loaded, requests) = open(&path, 1 << 20);
        assert_eq!((requests.len(), loaded.requests, journal.bytes()), (0, 0, 0));
    }

    #[test]
    fn both_files_stay_within_the_bound() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("spans");
        let (journal, ..) = open(&path, 200);
        for number in 0..100_u8 {
            journal.append(&[number; 20]);
        }
        let size = |path: &Path| fs::metadata(path).unwrap().len();
        assert!(size(&path) + size(&old(&path)) <= 200);
        drop(journal);
        let requests = open(&path, 200).2;
        let last: Vec<u8> = requests.iter().map(|request| request[0]).collect();
        assert!(requests.len() >= 3 && last.ends_with(&[97, 98, 99]), "{last:?}");
    }
}

//! The run's ledger: every acknowledgement, on disk, so that the audit can ask for each order.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, BufWriter, Write},
    path::{Path, PathBuf},
};

use contracts::{OrderId, Timestamp};
use serde::{Deserialize, Serialize};

const ENDING: &str = ".ledger.ndjson";

/// One line of a ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The order the service named; null where no attempt was acknowledged, though one may have been applied.
    pub id: Option<OrderId>,
    /// The idempotency key of every attempt.
    pub key: String,
    /// When it was to be sent.
    pub planned_at: Timestamp,
    /// The acknowledgement's HTTP status; null without one.
    pub status: Option<u16>,
}

/// Where a ledger cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The file or its folder.
    #[error("ledger {path}: {source}")]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A line is no entry.
    #[error("ledger {path}, line {line}: {source}")]
    Line {
        /// Which file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// Why.
        source: serde_json::Error,
    },
}

/// Where a run's ledger lies inside a folder of runs.
pub fn path(folder: &Path, run: &str) -> PathBuf {
    folder.join(format!("{run}{ENDING}"))
}

/// Every ledger of a folder, by name; none where there is no such folder.
///
/// # Errors
/// Where the folder can't be listed.
pub fn files(folder: &Path) -> Result<Vec<PathBuf>, LedgerError> {
    let failed = |source| LedgerError::File { path: folder.to_owned(), source };
    let listing = match std::fs::read_dir(folder) {
        Ok(listing) => listing,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut found = Vec::new();
    for file in listing {
        let path = file.map_err(failed)?.path();
        if path.to_string_lossy().ends_with(ENDING) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Reads a ledger.
///
/// A last line without its end is left out: the driver was killed while writing it.
///
/// # Errors
/// Where the file can't be read, or a whole line is no entry.
pub fn read(path: &Path) -> Result<Vec<Entry>, LedgerError> {
    let failed = |source| LedgerError::File { path: path.to_owned(), source };
    let mut file = BufReader::new(File::open(path).map_err(failed)?);
    let mut entries = Vec::new();
    let mut text = String::new();
    while file.read_line(&mut text).map_err(failed)? > 0 && text.ends_with('\n') {
        let line = entries.len() + 1;
        let entry =
            serde_json::from_str(&text).map_err(|source| LedgerError::Line { path: path.to_owned(), line, source })?;
        entries.push(entry);
        text.clear();
    }
    Ok(entries)
}

/// A ledger being written.
pub(crate) struct Ledger {
    path: PathBuf,
    file: BufWriter<File>,
}

impl Ledger {
    /// Opens the ledger for appending, with the folders it lies in.
    pub(crate) fn open(path: &Path) -> Result<Self, LedgerError> {
        let failed = |source| LedgerError::File { path: path.to_owned(), source };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        let file = File::options().create(true).append(true).open(path).map_err(failed)?;
        Ok(Self { path: path.to_owned(), file: BufWriter::with_capacity(1 << 16, file) })
    }

    pub(crate) fn write(&mut self, entry: &Entry) -> Result<(), LedgerError> {
        serde_json::to_writer(&mut self.file, entry).map_err(|error| self.failed(error.into()))?;
        self.file.write_all(b"\n").map_err(|error| self.failed(error))
    }

    /// Hands everything written to the operating system.
    pub(crate) fn flush(&mut self) -> Result<(), LedgerError> {
        self.file.flush().map_err(|error| self.failed(error))
    }

    fn failed(&self, source: io::Error) -> LedgerError {
        LedgerError::File { path: self.path.clone(), source }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(key: &str) -> Entry {
        Entry { id: Some(OrderId::generate()), key: key.to_owned(), planned_at: Timestamp::now(), status: Some(202) }
    }

    #[test]
    fn what_was_flushed_comes_back_without_a_torn_last_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = path(&folder.path().join("runs"), "one");
        let entries = [entry("a"), Entry { id: None, status: None, ..entry("b") }];
        let mut ledger = Ledger::open(&path).unwrap();
        entries.iter().for_each(|entry| ledger.write(entry).unwrap());
        ledger.flush().unwrap();
        assert_eq!(read(&path).unwrap(), entries);
        assert_eq!(files(path.parent().unwrap()).unwrap(), std::slice::from_ref(&path));

        std::fs::write(&path, [&std::fs::read(&path).unwrap()[..], b"{\"id\":\"01"].concat()).unwrap();
        assert_eq!(read(&path).unwrap(), entries);
    }

    #[test]
    fn a_broken_line_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = path(folder.path(), "one");
        std::fs::write(&path, "{}\n").unwrap();
        assert!(matches!(read(&path), Err(LedgerError::Line { line: 1, .. })));
    }
}

//! The narrow seam between the log and the machine's files: [`Real`] is the operating system, [`Simulated`] is memory
//! that can lose power.
//!
//! The contract is POSIX's, at its weakest: nothing is kept across a loss of power unless it was synced; a file's data
//! and its name are synced apart ([`File::sync_data`], [`Disk::sync_dir`]); and after a failed sync it is unknown what
//! was kept, also if a later sync succeeds.

use std::fmt::Debug;
use std::io;
use std::path::Path;

mod real;
mod simulated;

pub use real::Real;
pub use simulated::{Simulated, SimulatedFile, SimulatedLock};

/// A tree of files. Clones share it.
pub trait Disk: Clone + Debug + Send + Sync + 'static {
    /// An open file of this disk.
    type File: File;
    /// Holds a lock until it is dropped.
    type Lock: Debug + Send + Sync + 'static;

    /// Opens a file for reading and writing; creates it, or empties it if it exists.
    fn create(&self, path: &Path) -> io::Result<Self::File>;

    /// Opens a file that exists, for reading and writing.
    fn open(&self, path: &Path) -> io::Result<Self::File>;

    /// Gives a file another name in the same directory, and replaces what had that name, all at once.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// The names of the files in a directory, sorted; without directories.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;

    /// Whether there is a file or a directory.
    fn exists(&self, path: &Path) -> io::Result<bool>;

    /// Creates a directory and those above it, where they don't exist.
    fn make_dir(&self, path: &Path) -> io::Result<()>;

    /// Makes the names in a directory last: what was created, renamed or removed in it.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;

    /// Locks a file, created if need be, against every other process and holder; `None` when another holds it.
    fn lock(&self, path: &Path) -> io::Result<Option<Self::Lock>>;

    /// A number that nobody can guess, and that hardly ever comes twice.
    fn entropy(&self) -> u64;
}

/// An open file, read and written by position.
#[expect(clippy::len_without_is_empty, reason = "a file's length is asked for, never whether there is any")]
pub trait File: Debug + Send + Sync + 'static {
    /// Fills `buffer` from `offset` as far as the file goes; returns how many bytes that were.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;

    /// Writes all of `bytes`. After an error any part of them may have been written.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// The length in bytes.
    fn len(&self) -> io::Result<u64>;

    /// Cuts the file off, or extends it with zeros.
    fn set_len(&self, length: u64) -> io::Result<()>;

    /// Makes what was written last, and the length that is needed to read it.
    fn sync_data(&self) -> io::Result<()>;

    /// Reads the whole file.
    fn read_all(&self) -> io::Result<Vec<u8>> {
        let length = usize::try_from(self.len()?).map_err(|_| io::ErrorKind::FileTooLarge)?;
        let mut bytes = vec![0; length];
        let read = self.read_at(0, &mut bytes)?;
        bytes.truncate(read);
        Ok(bytes)
    }
}

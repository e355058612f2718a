//! A disk in memory that can lose power, fill up, fail and rot, the same way each time for the same seed.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rand::Rng;

use self::state::{State, power_is_off};
use super::{Disk, File};

mod inode;
mod state;
#[cfg(test)]
mod tests;

/// A disk in memory. Clones are handles of the same disk, which outlives the programs that use it.
///
/// After [`Simulated::crash`] what was synced is there. What was not: each write may be there, missing, cut off at any
/// byte, or there in some of its 512-byte sectors; each created, renamed or removed name may have happened or not.
#[derive(Debug, Clone)]
pub struct Simulated {
    state: Arc<Mutex<State>>,
    /// Of the power supply: a handle from before a crash is dead after it.
    generation: u64,
}

impl Simulated {
    /// An empty disk. The seed decides what a failed sync keeps and what [`Disk::entropy`] gives.
    pub fn new(seed: u64) -> Self {
        Self { state: Arc::new(Mutex::new(State::new(seed))), generation: 0 }
    }

    /// Cuts the power, and gives the handle that a restarted program uses. All other handles and open files fail from
    /// now on, locks are free, and faults that were set are gone, but for a full disk.
    #[must_use = "the old handle is of no use any more"]
    pub fn crash(&self, rng: &mut impl Rng) -> Self {
        let mut state = self.state();
        state.lose_power(rng);
        Self { state: Arc::clone(&self.state), generation: state.generation }
    }

    /// Ends the program, but not the machine: nothing written is lost. Gives the handle that a restarted program uses.
    #[must_use = "the old handle is of no use any more"]
    pub fn restart(&self) -> Self {
        let mut state = self.state();
        state.generation += 1;
        state.locks.clear();
        Self { state: Arc::clone(&self.state), generation: state.generation }
    }

    /// A disk of its own with the same content, as if from now on there were two worlds.
    pub fn fork(&self) -> Self {
        let mut state = self.state().clone();
        state.locks.clear();
        Self { state: Arc::new(Mutex::new(state)), generation: self.generation }
    }

    /// How many operations have changed or synced something.
    pub fn operations(&self) -> u64 {
        self.state().operations
    }

    /// The power goes off during the operation that comes after `operations` more that change or sync something; from
    /// then on everything fails until [`Simulated::crash`].
    pub fn crash_after(&self, operations: u64) {
        let mut state = self.state();
        state.crash_at = Some(state.operations + operations + 1);
    }

    /// Leaves room for files to grow by so many bytes; `None` for as many as they like. What goes beyond is refused
    /// with `StorageFull` after a part of it was written. Writing over what is there needs no room.
    pub fn set_free(&self, bytes: Option<u64>) {
        self.state().free = bytes;
    }

    /// Lets so many more bytes be written, to whichever file, then fails one write in its middle.
    pub fn fail_write_after(&self, bytes: u64, kind: io::ErrorKind) {
        self.state().failing_write = Some((bytes, kind));
    }

    /// Fails the next sync of a file. What it should have written is torn, and no later sync writes it.
    pub fn fail_next_sync(&self, kind: io::ErrorKind) {
        self.state().failing_sync = Some(kind);
    }

    /// Flips one bit of a file, on the disk and in the cache.
    pub fn flip(&self, path: &Path, offset: usize, bit: u8) -> io::Result<()> {
        let mut state = self.state();
        let inode = state.file(path)?;
        if let Some(file) = state.inodes.get_mut(&inode) {
            file.flip(offset, bit);
        }
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn handle(&self, state: &State, inode: usize) -> io::Result<SimulatedFile> {
        let file = state.inodes.get(&inode).ok_or_else(power_is_off)?;
        Ok(SimulatedFile { disk: self.clone(), inode, _open: Arc::clone(&file.open) })
    }
}

impl Disk for Simulated {
    type File = SimulatedFile;
    type Lock = SimulatedLock;

    fn create(&self, path: &Path) -> io::Result<SimulatedFile> {
        self.state().change(self.generation, |state| {
            let inode = state.create(path)?;
            self.handle(state, inode)
        })
    }

    fn open(&self, path: &Path) -> io::Result<SimulatedFile> {
        let state = self.state();
        state.check(self.generation)?;
        self.handle(&state, state.file(path)?)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.state().change(self.generation, |state| state.rename(from, to))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.state().change(self.generation, |state| state.remove(path))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let state = self.state();
        state.check(self.generation)?;
        state.list(dir)
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        let state = self.state();
        state.check(self.generation)?;
        Ok(state.exists(path))
    }

    fn make_dir(&self, path: &Path) -> io::Result<()> {
        self.state().change(self.generation, |state| state.make_dir(path))
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.require_dir(path)?;
        state.sync(self.generation, |state| state.sync_dir(path))
    }

    fn lock(&self, path: &Path) -> io::Result<Option<SimulatedLock>> {
        let mut state = self.state();
        state.check(self.generation)?;
        let free = state.locks.insert(path.to_owned());
        Ok(free.then(|| SimulatedLock { disk: self.clone(), path: path.to_owned() }))
    }

    fn entropy(&self) -> u64 {
        self.state().rng.random()
    }
}

/// An open file of a [`Simulated`] disk.
#[derive(Debug, Clone)]
pub struct SimulatedFile {
    disk: Simulated,
    inode: usize,
    _open: Arc<()>,
}

impl File for SimulatedFile {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let state = self.disk.state();
        state.check(self.disk.generation)?;
        let file = state.inodes.get(&self.inode).ok_or_else(power_is_off)?;
        let bytes = file.cached.get(offset as usize..).unwrap_or_default();
        let length = bytes.len().min(buffer.len());
        buffer[..length].copy_from_slice(&bytes[..length]);
        Ok(length)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.disk.state().change(self.disk.generation, |state| {
            let (allowed, failure) = state.allow(self.inode, offset, bytes.len() as u64);
            let file = state.inodes.get_mut(&self.inode).ok_or_else(power_is_off)?;
            file.write(offset as usize, &bytes[..allowed as usize]);
            failure.map_or(Ok(()), |kind| Err(kind.into()))
        })
    }

    fn len(&self) -> io::Result<u64> {
        let state = self.disk.state();
        state.check(self.disk.generation)?;
        Ok(state.inodes.get(&self.inode).ok_or_else(power_is_off)?.cached.len() as u64)
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.disk.state().change(self.disk.generation, |state| {
            state.inodes.get_mut(&self.inode).ok_or_else(power_is_off)?.set_len(length as usize);
            Ok(())
        })
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.disk.state();
        let failure = state.failing_sync.take();
        state.sync(self.disk.generation, |state| {
            let State { inodes, rng, .. } = state;
            match (inodes.get_mut(&self.inode), failure) {
                (Some(file), None) => file.sync(),
                (Some(file), Some(_)) => file.fail_sync(rng),
                (None, _) => {}
            }
        })?;
        failure.map_or(Ok(()), |kind| Err(kind.into()))
    }
}

/// Holds a lock of a [`Simulated`] disk.
#[derive(Debug)]
pub struct SimulatedLock {
    disk: Simulated,
    path: PathBuf,
}

impl Drop for SimulatedLock {
    fn drop(&mut self) {
        let mut state = self.disk.state();
        if state.generation == self.disk.generation {
            state.locks.remove(&self.path);
        }
    }
}

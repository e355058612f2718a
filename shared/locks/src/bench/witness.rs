//! Who sees whether two are inside at once. It has no part in the locks that are tried out, and trusts none of them.

use std::{
    fs::{File, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

/// Sees who is inside for each key: in this process, by a counter; in all processes of this machine that have the same
/// folder, by a lock of the kernel's on a file, which ends with the process that has it.
#[derive(Debug)]
pub struct Witness {
    inside: Vec<AtomicU32>,
    folder: Option<PathBuf>,
}

/// Somebody inside, until this is dropped.
#[derive(Debug)]
pub(super) struct Seen<'a> {
    inside: &'a AtomicU32,
    /// Locked, unless it found another.
    file: Option<File>,
    found_another: bool,
}

impl Witness {
    /// Of so many keys, in this process.
    pub fn of_this_process(keys: usize) -> Self {
        Self { inside: (0..keys.max(1)).map(|_| AtomicU32::new(0)).collect(), folder: None }
    }

    /// Of so many keys, in all processes that name this folder. It stays behind, with an empty file a key.
    ///
    /// # Errors
    /// Its files can't be made.
    pub fn of_this_machine(keys: usize, folder: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        for key in 0..keys.max(1) {
            File::create(folder.join(key.to_string()))?;
        }
        Ok(Self { folder: Some(folder.to_owned()), ..Self::of_this_process(keys) })
    }

    pub(super) fn enter(&self, key: usize) -> Seen<'_> {
        let inside = &self.inside[key];
        let mut found_another = inside.fetch_add(1, Ordering::SeqCst) > 0;
        let opened = self.folder.as_ref().map(|folder| File::open(folder.join(key.to_string())));
        // Without its file it can't say that all was well.
        let file = opened.and_then(|opened| opened.inspect_err(|_| found_another = true).ok());
        if let Some(file) = &file {
            found_another |= matches!(file.try_lock(), Err(TryLockError::WouldBlock | TryLockError::Error(_)));
        }
        Seen { inside, file, found_another }
    }
}

impl Seen<'_> {
    /// Whether somebody was inside when it entered.
    pub(super) fn found_another(&self) -> bool {
        self.found_another
    }
}

impl Drop for Seen<'_> {
    fn drop(&mut self) {
        if let Some(file) = &self.file {
            // Closing it is not enough: a process that is just being started has it open for a moment, too.
            let _ = file.unlock();
        }
        self.inside.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_comes_second_is_seen() {
        let folder = std::env::temp_dir().join(format!("witness-{}", std::process::id()));
        let machine = || Witness::of_this_machine(2, &folder).unwrap();
        for (one, other) in [(machine(), machine()), (Witness::of_this_process(2), machine())] {
            let first = one.enter(0);
            assert!(!first.found_another() && !one.enter(1).found_another());
            assert!(one.enter(0).found_another(), "in its own process");
            assert_eq!(other.enter(0).found_another(), one.folder.is_some(), "as another process sees it");
            drop(first);
            assert!(!one.enter(0).found_another() && !other.enter(0).found_another());
        }
        std::fs::remove_dir_all(folder).unwrap();
    }
}

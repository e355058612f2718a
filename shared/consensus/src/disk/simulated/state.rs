//! The whole simulated disk: names, files and the faults to come.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use super::inode::Inode;

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Node {
    Dir,
    File(usize),
}

/// Names that change together: one creation, renaming or removal.
type Edit = Vec<(PathBuf, Option<Node>)>;
type Names = BTreeMap<PathBuf, Node>;

#[derive(Debug, Clone)]
pub(super) struct State {
    pub(super) rng: SmallRng,
    /// Counts losses of power: what was opened before one is of no use after it.
    pub(super) generation: u64,
    off: bool,
    pub(super) operations: u64,
    pub(super) crash_at: Option<u64>,
    pub(super) free: Option<u64>,
    pub(super) failing_write: Option<(u64, io::ErrorKind)>,
    pub(super) failing_sync: Option<io::ErrorKind>,
    pub(super) inodes: BTreeMap<usize, Inode>,
    next_inode: usize,
    names: Names,
    kept_names: Names,
    edits: Vec<Edit>,
    pub(super) locks: BTreeSet<PathBuf>,
}

impl State {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            rng: SmallRng::seed_from_u64(seed),
            generation: 0,
            off: false,
            operations: 0,
            crash_at: None,
            free: None,
            failing_write: None,
            failing_sync: None,
            inodes: BTreeMap::new(),
            next_inode: 0,
            names: Names::new(),
            kept_names: Names::new(),
            edits: Vec::new(),
            locks: BTreeSet::new(),
        }
    }

    /// Fails where the power is off, or was since the caller opened what it uses.
    pub(super) fn check(&self, generation: u64) -> io::Result<()> {
        if self.off || generation != self.generation { Err(power_is_off()) } else { Ok(()) }
    }

    /// Counts an operation that changes something. False when the power goes off during it.
    pub(super) fn count(&mut self) -> bool {
        self.operations += 1;
        self.off = self.crash_at.is_some_and(|at| self.operations >= at);
        !self.off
    }

    /// Does an operation of which anything may remain if the power goes off during it.
    pub(super) fn change<T>(
        &mut self,
        generation: u64,
        operation: impl FnOnce(&mut Self) -> io::Result<T>,
    ) -> io::Result<T> {
        self.check(generation)?;
        let goes_on = self.count();
        let outcome = operation(self);
        if goes_on { outcome } else { Err(power_is_off()) }
    }

    /// Does an operation that makes something last, unless it fails or the power goes off first.
    pub(super) fn sync(&mut self, generation: u64, operation: impl FnOnce(&mut Self)) -> io::Result<()> {
        self.check(generation)?;
        if !self.count() {
            return Err(power_is_off());
        }
        operation(self);
        Ok(())
    }

    /// How many of a write's bytes go through, and why no more.
    pub(super) fn allow(&mut self, inode: usize, offset: u64, length: u64) -> (u64, Option<io::ErrorKind>) {
        let (mut allowed, mut failure) = (length, None);
        if let Some((left, kind)) = self.failing_write.take() {
            if left < length {
                (allowed, failure) = (left, Some(kind));
            } else {
                self.failing_write = Some((left - length, kind));
            }
        }
        let present = self.inodes.get(&inode).map_or(0, |file| file.cached.len() as u64);
        let growth = |length: u64| (offset + length).saturating_sub(present.max(offset));
        if let Some(free) = &mut self.free {
            if growth(allowed) > *free {
                (allowed, failure) = (allowed - (growth(allowed) - *free), Some(io::ErrorKind::StorageFull));
            }
            *free -= growth(allowed);
        }
        (allowed, failure)
    }

    pub(super) fn lose_power(&mut self, rng: &mut impl Rng) {
        for edit in std::mem::take(&mut self.edits) {
            if rng.random() {
                apply(&mut self.kept_names, edit);
            }
        }
        // A file in a directory that did not last can't be reached.
        let mut reachable = Names::new();
        for (path, node) in &self.kept_names {
            if is_root(parent(path)) || reachable.get(parent(path)) == Some(&Node::Dir) {
                reachable.insert(path.clone(), *node);
            }
        }
        self.names = reachable.clone();
        self.kept_names = reachable;
        self.drop_unnamed();
        for inode in self.inodes.values_mut() {
            inode.lose_power(rng);
        }
        self.locks.clear();
        self.generation += 1;
        (self.off, self.crash_at, self.failing_write, self.failing_sync) = (false, None, None, None);
    }

    pub(super) fn file(&self, path: &Path) -> io::Result<usize> {
        match self.names.get(path) {
            Some(Node::File(inode)) => Ok(*inode),
            Some(Node::Dir) => Err(io::ErrorKind::IsADirectory.into()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    pub(super) fn create(&mut self, path: &Path) -> io::Result<usize> {
        self.require_dir(parent(path))?;
        if let Ok(inode) = self.file(path) {
            if let Some(file) = self.inodes.get_mut(&inode) {
                self.free = self.free.map(|free| free + file.cached.len() as u64);
                file.set_len(0);
            }
            return Ok(inode);
        }
        let inode = self.next_inode;
        self.next_inode += 1;
        self.inodes.insert(inode, Inode::default());
        self.edit(vec![(path.to_owned(), Some(Node::File(inode)))]);
        Ok(inode)
    }

    pub(super) fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        let inode = self.file(from)?;
        self.require_dir(parent(to))?;
        if let Ok(replaced) = self.file(to) {
            self.give_back(replaced);
        }
        self.edit(vec![(from.to_owned(), None), (to.to_owned(), Some(Node::File(inode)))]);
        Ok(())
    }

    pub(super) fn remove(&mut self, path: &Path) -> io::Result<()> {
        let inode = self.file(path)?;
        self.give_back(inode);
        self.edit(vec![(path.to_owned(), None)]);
        Ok(())
    }

    pub(super) fn make_dir(&mut self, path: &Path) -> io::Result<()> {
        let missing: Vec<_> = path.ancestors().filter(|dir| !is_root(dir) && !self.exists(dir)).collect();
        for dir in missing.into_iter().rev() {
            self.edit(vec![(dir.to_owned(), Some(Node::Dir))]);
        }
        self.require_dir(path)
    }

    pub(super) fn sync_dir(&mut self, dir: &Path) {
        let (synced, rest) = std::mem::take(&mut self.edits)
            .into_iter()
            .partition(|edit: &Edit| edit.iter().any(|(path, _)| parent(path) == dir));
        self.edits = rest;
        for edit in synced {
            apply(&mut self.kept_names, edit);
        }
        self.drop_unnamed();
    }

    pub(super) fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.require_dir(dir)?;
        let files = self.names.iter().filter(|(path, node)| parent(path) == dir && **node != Node::Dir);
        Ok(files.filter_map(|(path, _)| Some(path.file_name()?.to_string_lossy().into_owned())).collect())
    }

    pub(super) fn exists(&self, path: &Path) -> bool {
        is_root(path) || self.names.contains_key(path)
    }

    pub(super) fn require_dir(&self, dir: &Path) -> io::Result<()> {
        match self.names.get(dir) {
            Some(Node::Dir) => Ok(()),
            None if is_root(dir) => Ok(()),
            Some(Node::File(_)) => Err(io::ErrorKind::NotADirectory.into()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn edit(&mut self, edit: Edit) {
        apply(&mut self.names, edit.clone());
        self.edits.push(edit);
    }

    fn give_back(&mut self, inode: usize) {
        if let (Some(free), Some(file)) = (&mut self.free, self.inodes.get(&inode)) {
            *free += file.cached.len() as u64;
        }
    }

    /// Forgets files that no name can lead to any more, and that nobody has open.
    fn drop_unnamed(&mut self) {
        let pending = self.edits.iter().flatten().filter_map(|(_, node)| node.as_ref());
        let named: BTreeSet<_> = self
            .names
            .values()
            .chain(self.kept_names.values())
            .chain(pending)
            .filter_map(|node| if let Node::File(inode) = node { Some(*inode) } else { None })
            .collect();
        self.inodes.retain(|inode, file| named.contains(inode) || file.is_open());
    }
}

fn apply(names: &mut Names, edit: Edit) {
    for (path, node) in edit {
        match node {
            Some(node) => names.insert(path, node),
            None => names.remove(&path),
        };
    }
}

fn parent(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}

fn is_root(path: &Path) -> bool {
    path.as_os_str().is_empty() || path == Path::new("/")
}

pub(super) fn power_is_off() -> io::Error {
    io::Error::other("the power is off")
}

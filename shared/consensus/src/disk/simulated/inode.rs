//! One file's bytes: as programs see them, as they would survive, and what lies between.

use std::sync::Arc;

use rand::Rng;

/// What disks write at once; a larger write can be torn between any two, in any order.
const SECTOR: usize = 512;

#[derive(Debug, Clone, Default)]
pub(super) struct Inode {
    /// As programs see it: the page cache.
    pub(super) cached: Vec<u8>,
    /// As it is after a loss of power, if nothing in `pending` gets there.
    kept: Vec<u8>,
    pending: Vec<Change>,
    /// Shared with whoever has the file open.
    pub(super) open: Arc<()>,
}

#[derive(Debug, Clone)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Length(usize),
}

impl Inode {
    pub(super) fn is_open(&self) -> bool {
        Arc::strong_count(&self.open) > 1
    }

    pub(super) fn write(&mut self, offset: usize, bytes: &[u8]) {
        overwrite(&mut self.cached, offset, bytes);
        self.pending.push(Change::Write { offset, bytes: bytes.to_vec() });
    }

    pub(super) fn set_len(&mut self, length: usize) {
        self.cached.resize(length, 0);
        self.pending.push(Change::Length(length));
    }

    pub(super) fn sync(&mut self) {
        for change in self.pending.drain(..) {
            change.apply(&mut self.kept);
        }
    }

    /// A sync that failed: what is pending is torn as by a loss of power, and yet the cache takes it for written, so
    /// that no later sync writes it.
    pub(super) fn fail_sync(&mut self, rng: &mut impl Rng) {
        for change in self.pending.drain(..) {
            change.tear(&mut self.kept, rng);
        }
    }

    pub(super) fn lose_power(&mut self, rng: &mut impl Rng) {
        self.fail_sync(rng);
        self.cached.clone_from(&self.kept);
    }

    pub(super) fn flip(&mut self, offset: usize, bit: u8) {
        for bytes in [&mut self.cached, &mut self.kept] {
            if let Some(byte) = bytes.get_mut(offset) {
                *byte ^= 1 << bit;
            }
        }
    }
}

impl Change {
    fn apply(&self, kept: &mut Vec<u8>) {
        match self {
            Self::Write { offset, bytes } => overwrite(kept, *offset, bytes),
            Self::Length(length) => kept.resize(*length, 0),
        }
    }

    /// Gets there wholly, not at all, or in part.
    fn tear(&self, kept: &mut Vec<u8>, rng: &mut impl Rng) {
        let (offset, bytes) = match self {
            Self::Length(_) if rng.random() => return self.apply(kept),
            Self::Length(_) => return,
            Self::Write { offset, bytes } => (*offset, bytes.as_slice()),
        };
        match rng.random_range(0..5) {
            0 => {}
            1 => self.apply(kept),
            // The file's length got there, its blocks did not.
            2 => kept.resize(kept.len().max(offset + bytes.len()), 0),
            3 => overwrite(kept, offset, &bytes[..rng.random_range(0..=bytes.len())]),
            _ => {
                let mut from = 0;
                while from < bytes.len() {
                    let to = bytes.len().min(from + SECTOR - (offset + from) % SECTOR);
                    if rng.random() {
                        overwrite(kept, offset + from, &bytes[from..to]);
                    }
                    from = to;
                }
            }
        }
    }
}

fn overwrite(target: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset + bytes.len();
    if target.len() < end {
        target.resize(end, 0);
    }
    target[offset..end].copy_from_slice(bytes);
}

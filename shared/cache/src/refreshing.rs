//! Which keys this process loads anew while their entries are still given out.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard},
};

/// The keys.
#[derive(Debug, Default)]
pub(crate) struct Refreshing(Mutex<HashSet<String>>);

/// The right to load one. Dropped, another may.
#[derive(Debug)]
pub(crate) struct Turn {
    all: Arc<Refreshing>,
    key: String,
}

impl Refreshing {
    /// `None` where it is being loaded already.
    pub(crate) fn take(self: &Arc<Self>, key: &str) -> Option<Turn> {
        let is_first = self.lock().insert(key.to_owned());
        is_first.then(|| Turn { all: Arc::clone(self), key: key.to_owned() })
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<String>> {
        self.0.lock().expect("nothing panics while it holds the lock")
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.all.lock().remove(&self.key);
    }
}

use std::collections::BTreeMap;

use crate::sim::violation::{Broken, Rule};

/// Who believes to hold the lock, and until when at most, in true time.
#[derive(Debug, Default)]
pub(crate) struct Locks {
    believed: BTreeMap<usize, u64>,
    taken: u64,
}

impl Locks {
    /// A client begins to believe.
    pub(crate) fn taken(&mut self, client: usize, now: u64, until: u64) -> Result<(), Broken> {
        let other = self.believed.iter().find(|(other, until)| **other != client && **until > now);
        if let Some((other, until)) = other {
            let detail =
                format!("client {client} takes the lock that client {other} holds for {} ns more", until - now);
            return Err(Broken::new(Rule::OneHolder, detail));
        }
        self.taken += 1;
        self.believed.insert(client, until);
        Ok(())
    }

    /// A client goes on believing. It was a believer, so nobody else has begun to be one.
    pub(crate) fn extended(&mut self, client: usize, until: u64) {
        self.believed.insert(client, until);
    }

    /// A client believes no longer.
    pub(crate) fn released(&mut self, client: usize) {
        self.believed.remove(&client);
    }

    /// How often it was taken.
    pub(crate) fn times(&self) -> u64 {
        self.taken
    }
}

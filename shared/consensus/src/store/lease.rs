//! Leases and the keys attached to them. Time is not known here: whoever leads revokes what has expired.

use std::collections::{BTreeMap, BTreeSet};

use super::error::Error;
use crate::api::logpb;

/// The longest time to live of a lease, in seconds.
pub const MAX_LEASE_TTL: i64 = 9_000_000_000;

#[derive(Default)]
pub(super) struct Leases(BTreeMap<i64, Lease>);

struct Lease {
    ttl: i64,
    keys: BTreeSet<Box<[u8]>>,
}

/// A lease as it stands.
pub struct LeaseView<'a> {
    /// Seconds, as granted.
    pub ttl: i64,
    keys: &'a BTreeSet<Box<[u8]>>,
}

impl<'a> LeaseView<'a> {
    /// The attached keys, ascending.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &'a [u8]> + use<'a> {
        self.keys.iter().map(|key| &**key)
    }
}

impl Leases {
    pub(super) fn grant(&mut self, id: i64, ttl: i64) -> Result<(), Error> {
        if id == 0 {
            return Err(Error::LeaseNotFound);
        }
        if ttl > MAX_LEASE_TTL {
            return Err(Error::LeaseTtlTooLarge);
        }
        if self.contains(id) {
            return Err(Error::LeaseExists);
        }
        self.0.insert(id, Lease { ttl, keys: BTreeSet::new() });
        Ok(())
    }

    /// Takes a lease away; its keys, ascending, are to be deleted.
    pub(super) fn revoke(&mut self, id: i64) -> Result<BTreeSet<Box<[u8]>>, Error> {
        self.0.remove(&id).map(|lease| lease.keys).ok_or(Error::LeaseNotFound)
    }

    pub(super) fn contains(&self, id: i64) -> bool {
        self.0.contains_key(&id)
    }

    pub(super) fn get(&self, id: i64) -> Option<LeaseView<'_>> {
        self.0.get(&id).map(|lease| LeaseView { ttl: lease.ttl, keys: &lease.keys })
    }

    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = (i64, i64)> {
        self.0.iter().map(|(&id, lease)| (id, lease.ttl))
    }

    /// Moves a key from one lease to another; 0 is none.
    pub(super) fn reattach(&mut self, key: &[u8], from: i64, to: i64) {
        if from == to {
            return;
        }
        if let Some(lease) = self.0.get_mut(&from) {
            lease.keys.remove(key);
        }
        if let Some(lease) = self.0.get_mut(&to) {
            lease.keys.insert(key.into());
        }
    }

    pub(super) fn restore(leases: &[logpb::Lease]) -> Self {
        Self(leases.iter().map(|lease| (lease.id, Lease { ttl: lease.ttl, keys: BTreeSet::new() })).collect())
    }

    pub(super) fn snapshot(&self) -> Vec<logpb::Lease> {
        self.iter().map(|(id, ttl)| logpb::Lease { id, ttl }).collect()
    }
}

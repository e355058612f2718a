//! A register as memcached has it.
//!
//! | bytes | what |
//! |---|---|
//! | 1 | the form, 3 |
//! | 1 | which of the following are there |
//! | 8 | lineage |
//! | 16 | lease: number, what its load will include; if any |
//! | 16 | fence: position, version, if any |
//! | 8 | when a change was last told of, if one was |
//! | 8 | stale since, if it is |
//! | 48 | stamp (sees, shows, read at, version), epoch, fresh for, cost; if there is an entry |
//! | | its value, to the end |
//!
//! Numbers are little-endian.

use super::{Fence, Lease, Register};
use crate::{
    Stamp,
    entry::{Body, Entry},
};

const FORM: u8 = 3;
const LEASE: u8 = 1;
const FENCE: u8 = 2;
const STALE: u8 = 4;
const SPOILED: u8 = 8;
const ENTRY: u8 = 16;
const ABSENT: u8 = 32;
const DEFLATED: u8 = 64;
const TOLD: u8 = 128;

impl Register {
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let entry = self.entry.as_ref();
        let body: &[u8] = match entry.map(|entry| &entry.body) {
            Some(Body::Plain(bytes) | Body::Deflated(bytes)) => bytes,
            Some(Body::Absent) | None => &[],
        };
        let mut bytes = Vec::with_capacity(106 + body.len());
        bytes.extend([FORM, self.flags()]);
        let mut number = |number: u64| bytes.extend(number.to_le_bytes());
        number(self.lineage);
        if let Some(Lease { number: own, sees }) = self.lease {
            number(own);
            number(sees);
        }
        if !self.fence.is_unknown() {
            number(self.fence.position);
            number(self.fence.version);
        }
        if self.told_at != 0 {
            number(self.told_at);
        }
        if self.stale_since != 0 {
            number(self.stale_since);
        }
        if let Some(Entry { stamp, epoch, fresh_for, cost, .. }) = entry {
            let Stamp { sees, shows, read_at, version } = stamp;
            [*sees, *shows, *read_at, *version, *epoch].into_iter().for_each(number);
            bytes.extend(fresh_for.to_le_bytes());
            bytes.extend(cost.to_le_bytes());
        }
        bytes.extend(body);
        bytes
    }

    fn flags(&self) -> u8 {
        let entry = match self.entry.as_ref().map(|entry| &entry.body) {
            None => 0,
            Some(Body::Absent) => ENTRY | ABSENT,
            Some(Body::Plain(_)) => ENTRY,
            Some(Body::Deflated(_)) => ENTRY | DEFLATED,
        };
        let flag = |is: bool, flag: u8| if is { flag } else { 0 };
        entry
            | flag(self.lease.is_some(), LEASE)
            | flag(!self.fence.is_unknown(), FENCE)
            | flag(self.told_at != 0, TOLD)
            | flag(self.stale_since != 0, STALE)
            | flag(self.spoiled, SPOILED)
    }

    /// What stands in these bytes; `None` where that is no register, as where another program wrote it.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let [FORM, flags, rest @ ..] = bytes else { return None };
        let (mut rest, has) = (rest, |flag: u8| flags & flag != 0);
        let mut register = Self { lineage: number(&mut rest)?, spoiled: has(SPOILED), ..Self::default() };
        if has(LEASE) {
            register.lease = Some(Lease { number: number(&mut rest)?, sees: number(&mut rest)? });
        }
        if has(FENCE) {
            register.fence = Fence { position: number(&mut rest)?, version: number(&mut rest)? };
        }
        if has(TOLD) {
            register.told_at = number(&mut rest)?;
        }
        if has(STALE) {
            register.stale_since = number(&mut rest)?;
        }
        if has(ENTRY) {
            let stamp = Stamp {
                sees: number(&mut rest)?,
                shows: number(&mut rest)?,
                read_at: number(&mut rest)?,
                version: number(&mut rest)?,
            };
            let epoch = number(&mut rest)?;
            let (fresh_for, cost) = (short(&mut rest)?, short(&mut rest)?);
            let body = match (has(ABSENT), has(DEFLATED)) {
                (true, _) => Body::Absent,
                (false, true) => Body::Deflated(rest.to_vec()),
                (false, false) => Body::Plain(rest.to_vec()),
            };
            register.entry = Some(Entry { stamp, epoch, fresh_for, cost, body });
        }
        Some(register)
    }
}

fn number(bytes: &mut &[u8]) -> Option<u64> {
    let (number, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(u64::from_le_bytes(*number))
}

fn short(bytes: &mut &[u8]) -> Option<u32> {
    let (number, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(u32::from_le_bytes(*number))
}

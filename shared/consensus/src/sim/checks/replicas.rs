use std::collections::HashMap;

use crate::sim::violation::{Broken, Rule};

/// What members have to agree on.
#[derive(Debug, Default)]
pub(crate) struct Replicas {
    /// The state's fingerprint after each entry, by whoever was there first.
    states: HashMap<u64, (u64, u32)>,
    /// Who leads in each term.
    leaders: HashMap<u64, u64>,
}

impl Replicas {
    /// A member has applied the log up to `index`, and its state has this hash.
    pub(crate) fn compare(&mut self, member: u64, index: u64, hash: u32) -> Result<(), Broken> {
        let (first, expected) = *self.states.entry(index).or_insert((member, hash));
        if hash == expected {
            return Ok(());
        }
        let detail =
            format!("after entry {index} member {member} is at {hash:08x}, member {first} was at {expected:08x}");
        Err(Broken::new(Rule::ReplicasEqual, detail))
    }

    /// A member leads in a term.
    pub(crate) fn leads(&mut self, member: u64, term: u64) -> Result<(), Broken> {
        let first = *self.leaders.entry(term).or_insert(member);
        if first == member {
            return Ok(());
        }
        Err(Broken::new(Rule::OneLeader, format!("member {member} leads in term {term}, and so did member {first}")))
    }
}

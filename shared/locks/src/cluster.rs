//! Locks at the coordinators: elections, all of which the holder leads.

use std::{collections::BTreeMap, time::Duration};

use coordination::{
    CallError, Cluster, Name,
    election::{self, Leadership},
    epoch,
};

use crate::{Keys, Token, label::Label, server::EPOCHS};

/// What the names of slots' elections begin with.
pub(crate) const ELECTIONS: &str = "lock.";
/// The shortest lease that the coordinators grant.
const SHORTEST: Duration = Duration::from_secs(2);
/// How many elections there are for all keys. All that one request needs are entered in one transaction, which takes no more
/// than [`election::MOST_AT_ONCE`]: with an election a key a request for many would have to enter them one by one, with a
/// write to most members' disks for each, and a rule against waiting in a circle. Two keys exclude each other once in so
/// many times.
const SLOTS: u32 = 100;

/// Takes all keys or waits for all. Dropped, it withdraws everywhere.
///
/// The token is a number of the sequence that Redis's epochs are of, drawn when all keys are held: the revision at which
/// the elections were entered is of another sequence, and strategies may be switched.
pub(crate) async fn take(
    cluster: &Cluster,
    keys: &Keys,
    ttl: Duration,
    holder: &str,
) -> Result<(Leadership, Token), CallError> {
    let leadership = election::campaign_in_all(cluster, &elections(keys, &Label::now(holder)), ttl.max(SHORTEST)).await;
    let number = epoch::next(cluster, &EPOCHS).await?;
    Ok((leadership, Token::new(number, 0).unwrap_or(Token::ZERO)))
}

/// The elections of these keys, and how their holder stands in each: its label, and a line for each of the keys.
fn elections(keys: &Keys, label: &Label) -> Vec<(Name, String)> {
    let mut slots: BTreeMap<u32, String> = BTreeMap::new();
    for key in keys.iter() {
        let candidate = slots.entry(slot(key)).or_insert_with(|| label.text());
        candidate.push('\n');
        candidate.extend(key.chars().filter(|c| *c != '\n'));
    }
    let named = |(slot, candidate)| (format!("{ELECTIONS}{slot}").parse().expect("is a name"), candidate);
    slots.into_iter().map(named).collect()
}

/// Who stands in a slot's election, and for which keys, as [`elections`] has it.
pub(crate) fn standing(candidate: &str) -> (Option<Label>, Vec<String>) {
    let (label, keys) = candidate.split_once('\n').unwrap_or((candidate, ""));
    (Label::parse(label), keys.lines().map(str::to_owned).collect())
}

/// By FNV-1a (Fowler, Noll, Vo), which is the same in every process and version.
fn slot(key: &str) -> u32 {
    let hash = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    key.bytes().fold(0x811c_9dc5, hash) % SLOTS
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_hash_is_fnv_1a() {
        // The test vectors of its authors: of "", "a" and "foobar".
        assert_eq!(
            [slot(""), slot("a"), slot("foobar")],
            [0x811c_9dc5, 0xe40c_292c, 0xbf9c_f968].map(|hash: u32| hash % SLOTS)
        );
    }

    proptest! {
        #[test]
        fn every_key_stands_in_one_election_under_its_holder(keys in prop::collection::btree_set("[ -~]{1,8}", 1..500)) {
            let label = Label { since: SystemTime::UNIX_EPOCH, holder: "inventory-1".to_owned() };
            let entered = elections(&Keys::new(keys.iter().map(String::as_str)).unwrap(), &label);
            prop_assert!(entered.len() <= election::MOST_AT_ONCE);
            let mut found = Vec::new();
            for (_, candidate) in &entered {
                let (by, keys) = standing(candidate);
                prop_assert_eq!(by.as_ref(), Some(&label));
                found.extend(keys);
            }
            found.sort();
            prop_assert!(found.iter().eq(keys.iter()));
        }
    }
}

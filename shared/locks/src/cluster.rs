//! Locks at the coordinators: for each key an election, which the holder leads.

use std::time::Duration;

use coordination::{
    CallError, Cluster, Name, NameError,
    election::{self, Leadership},
    epoch,
};

use crate::{Keys, Token, label::Label, server::EPOCHS};

/// What the names of keys' elections begin with.
pub(crate) const ELECTIONS: &str = "lock.";
/// The shortest lease that the coordinators grant.
const SHORTEST: Duration = Duration::from_secs(2);

/// Takes one key after the other, in their order, so that nobody waits in a circle. Dropped, it withdraws everywhere.
///
/// The token is a number of the sequence that Redis's epochs are of, drawn when all keys are held: the revision at which a
/// key was made would not do for several keys, as another may have queued for one before this one made the next.
pub(crate) async fn take(
    cluster: &Cluster,
    keys: &[Name],
    ttl: Duration,
    holder: &str,
) -> Result<(Vec<Leadership>, Token), CallError> {
    let candidate = Label::now(holder).text();
    let mut held = Vec::with_capacity(keys.len());
    for key in keys {
        held.push(election::campaign(cluster, key, &candidate, ttl.max(SHORTEST)).await);
    }
    let number = epoch::next(cluster, &EPOCHS).await?;
    Ok((held, Token::new(number, 0).unwrap_or(Token::ZERO)))
}

/// The elections of keys. What no name may hold stands there as `_` and its code.
pub(crate) fn names(keys: &Keys) -> Result<Vec<Name>, NameError> {
    let encode = |key: &str| {
        let mut name = String::from(ELECTIONS);
        for byte in key.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b':' | b'-' => name.push(char::from(byte)),
                other => name.push_str(&format!("_{other:02x}")),
            }
        }
        name.parse()
    };
    keys.iter().map(encode).collect()
}

/// The key of which this is the election; `None` if it is not one of [`names`].
pub(crate) fn key(election: &str) -> Option<String> {
    let mut parts = election.strip_prefix(ELECTIONS)?.split('_');
    let mut key = parts.next()?.as_bytes().to_vec();
    for part in parts {
        key.push(u8::from_str_radix(part.get(..2)?, 16).ok()?);
        key.extend_from_slice(&part.as_bytes()[2..]);
    }
    String::from_utf8(key).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_a_name_of_its_own() {
        let keys = Keys::new(["a b", "a_b", "ä"]).unwrap();
        let names: Vec<_> = names(&keys).unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(names, ["lock.a_20b", "lock.a_5fb", "lock._c3_a4"]);
        assert!(names.iter().map(|name| key(name).unwrap()).eq(keys.iter()));
        assert_eq!([key("relay.0"), key("lock.a_"), key("lock._ff")], [None, None, None]);
        assert!(super::names(&Keys::one("x".repeat(200))).is_err());
    }
}

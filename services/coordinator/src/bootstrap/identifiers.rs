//! The identifiers of members and clusters, by etcd's formula: so a cluster configured alike has the same ones.

use sha1::{Digest as _, Sha1};

use crate::urls::Url;

/// A member's identifier: of its peer addresses and the cluster's token.
pub(super) fn member(peer_urls: &[Url], token: &str) -> u64 {
    let mut urls: Vec<&str> = peer_urls.iter().map(Url::as_str).collect();
    urls.sort_unstable();
    let mut text = urls.concat();
    text.push_str(token);
    first(text.as_bytes())
}

/// A cluster's identifier: of its first members'.
pub(super) fn cluster(members: impl IntoIterator<Item = u64>) -> u64 {
    let mut members: Vec<u64> = members.into_iter().collect();
    members.sort_unstable();
    let bytes: Vec<u8> = members.iter().flat_map(|id| id.to_be_bytes()).collect();
    first(&bytes)
}

/// The first eight bytes of the SHA-1, as a number.
fn first(bytes: &[u8]) -> u64 {
    let digest = Sha1::digest(bytes);
    digest.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_those_of_etcd() {
        // What etcd 3.6 prints when it is started without any flag.
        let url = "http://localhost:2380".parse().unwrap();
        let id = member(&[url], "etcd-cluster");
        assert_eq!(format!("{id:x}"), "8e9e05c52164694d");
        assert_eq!(format!("{:x}", cluster([id])), "cdf818194e3a8c32");
    }
}

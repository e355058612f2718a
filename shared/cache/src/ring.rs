//! Which server has a key: rendezvous hashing (Thaler, Ravishankar, *Using Name-Based Mappings to Increase Hit Rates*, 1998)
//! with XXH3, whose results are the same in every process and release.

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

/// Servers by their names.
#[derive(Debug)]
pub(crate) struct Ring(Vec<u64>);

impl Ring {
    pub(crate) fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        Self(names.into_iter().map(|name| xxh3_64(name.as_bytes())).collect())
    }

    /// The place of the server that has this key: the one that weighs most for it.
    pub(crate) fn place(&self, key: &str) -> usize {
        match self.0.as_slice() {
            [_] => 0,
            seeds => {
                let weigh = |(place, seed): (usize, &u64)| (xxh3_64_with_seed(key.as_bytes(), *seed), place);
                seeds.iter().enumerate().map(weigh).max().map_or(0, |(_, place)| place)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_server_that_goes_moves_its_own_keys_alone(
            servers in proptest::collection::btree_set("[a-z]{1,8}:[0-9]{1,5}", 2..8),
            keys in proptest::collection::vec(".{0,20}", 1..50),
            gone in any::<proptest::sample::Index>(),
        ) {
            let all: Vec<&str> = servers.iter().map(String::as_str).collect();
            let gone = all[gone.index(all.len())];
            let left: Vec<&str> = all.iter().copied().filter(|name| *name != gone).collect();
            let (before, after) = (Ring::new(all.iter().copied()), Ring::new(left.iter().copied()));
            for key in &keys {
                let had = all[before.place(key)];
                if had != gone {
                    prop_assert_eq!(had, left[after.place(key)]);
                }
            }
        }

        #[test]
        fn the_order_of_servers_does_not_matter(key in ".{0,20}") {
            let (one, other) = (["a:1", "b:2", "c:3"], ["c:3", "a:1", "b:2"]);
            prop_assert_eq!(one[Ring::new(one).place(&key)], other[Ring::new(other).place(&key)]);
        }
    }

    #[test]
    fn each_has_its_share_and_places_stay_as_they_were() {
        let ring = Ring::new(["cache-1:11211", "cache-2:11211", "cache-3:11211"]);
        let mut shares = [0; 3];
        (0..30_000).for_each(|i| shares[ring.place(&format!("plumbline/stock.1:{i}"))] += 1);
        assert!(shares.iter().all(|share| (9_500..10_500).contains(share)), "{shares:?}");
        let places = ["85123A", "22423", "POST", "71053", "84406B"].map(|sku| ring.place(sku));
        assert_eq!(places, PLACES, "keys have moved: whoever runs another version looks for them elsewhere");
    }

    const PLACES: [usize; 5] = [1, 0, 2, 2, 2];
}

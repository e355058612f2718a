//! Choosing an instance for a request.

use std::{
    ops::Deref,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use rand::Rng;

use super::{
    Instance,
    instances::{Instances, Member},
};

/// Chooses among the living instances of a service: the less busy of any two.
///
/// That is the power of two choices (Mitzenmacher, 2001): nearly as even as asking all, and callers that see the same
/// loads do not all run to the same instance. How busy one is, is what it reports plus what this process has under way
/// with it. Whoever left, or whose lease ended, is not chosen any more.
#[derive(Debug, Clone)]
pub struct Balancer {
    instances: Instances,
}

/// A chosen instance. Hold it while the request is under way: it counts as one.
#[derive(Debug)]
pub struct Pick {
    instance: Arc<Instance>,
    in_flight: Arc<AtomicU32>,
}

impl Balancer {
    /// A balancer over these instances.
    pub fn new(instances: Instances) -> Self {
        Self { instances }
    }

    /// The instances it chooses from.
    pub fn instances(&self) -> &Instances {
        &self.instances
    }

    /// Chooses an instance; `None` while there is none.
    pub fn pick(&self) -> Option<Pick> {
        let members = self.instances.members();
        choose(&members, &mut rand::rng()).map(Pick::of)
    }
}

fn choose<'a>(members: &'a [Member], random: &mut impl Rng) -> Option<&'a Member> {
    let (first, second) = match members.len() {
        0 => return None,
        1 => (0, 0),
        count => {
            let first = random.random_range(0..count);
            // Any but the first.
            (first, (first + random.random_range(1..count)) % count)
        }
    };
    let (first, second) = (members.get(first)?, members.get(second)?);
    Some(if first.load() <= second.load() { first } else { second })
}

impl Member {
    fn load(&self) -> u64 {
        u64::from(self.instance.load) + u64::from(self.in_flight.load(Ordering::Relaxed))
    }
}

impl Pick {
    fn of(member: &Member) -> Self {
        member.in_flight.fetch_add(1, Ordering::Relaxed);
        Self { instance: Arc::clone(&member.instance), in_flight: Arc::clone(&member.in_flight) }
    }
}

impl Deref for Pick {
    type Target = Instance;

    fn deref(&self) -> &Instance {
        &self.instance
    }
}

impl Drop for Pick {
    fn drop(&mut self) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    fn members(loads: &[u32]) -> Vec<Member> {
        let member = |(i, load): (usize, &u32)| {
            let instance = Instance { id: format!("i{i}").parse().unwrap(), address: String::new(), load: *load };
            Member { instance: Arc::new(instance), in_flight: Arc::default() }
        };
        loads.iter().enumerate().map(member).collect()
    }

    #[test]
    fn own_requests_count_while_they_are_under_way() {
        let members = members(&[0, 0]);
        let mut random = StdRng::seed_from_u64(1);
        let picks: Vec<_> = (0..10).map(|_| Pick::of(choose(&members, &mut random).unwrap())).collect();
        assert_eq!(members.iter().map(Member::load).collect::<Vec<_>>(), [5, 5]);
        drop(picks);
        assert_eq!(members.iter().map(Member::load).collect::<Vec<_>>(), [0, 0]);
    }

    proptest! {
        #[test]
        fn the_busiest_of_several_is_never_chosen(mut loads in prop::collection::vec(0u32..100, 2..9), seed: u64) {
            loads[0] = 100;
            let members = members(&loads);
            let chosen = choose(&members, &mut StdRng::seed_from_u64(seed)).unwrap();
            prop_assert_ne!(chosen.instance.load, 100);
        }

        #[test]
        fn one_is_chosen_where_there_is_any(loads in prop::collection::vec(0u32..3, 0..5), seed: u64) {
            let members = members(&loads);
            prop_assert_eq!(choose(&members, &mut StdRng::seed_from_u64(seed)).is_some(), !loads.is_empty());
        }
    }
}

//! Who reaches whom, and when.

use rand::{Rng as _, rngs::SmallRng};

use crate::sim::{clock::MICROSECOND, plan::Weather};

/// Links that are down. Members are named by their place in the world.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cut {
    /// All of a member's.
    Around(usize),
    /// From a member to all others.
    From(usize),
    /// From all others to a member.
    To(usize),
    /// Between those whose bit is set and the others.
    Between(u8),
}

/// The network between members. What clients say to members passes through the same weather, but through no cut.
#[derive(Debug)]
pub(crate) struct Network {
    rng: SmallRng,
    usual: Weather,
    storms: Vec<(usize, Weather)>,
    cuts: Vec<(usize, Cut)>,
}

impl Network {
    pub(crate) fn new(rng: SmallRng, usual: Weather) -> Self {
        Self { rng, usual, storms: Vec::new(), cuts: Vec::new() }
    }

    /// Cuts links until the cut of this name is [mended](Self::mend).
    pub(crate) fn cut(&mut self, name: usize, cut: Cut) {
        self.cuts.push((name, cut));
    }

    pub(crate) fn storm(&mut self, name: usize, weather: Weather) {
        self.storms.push((name, weather));
    }

    /// Ends what began under this name.
    pub(crate) fn mend(&mut self, name: usize) {
        self.cuts.retain(|(other, _)| *other != name);
        self.storms.retain(|(other, _)| *other != name);
    }

    /// Ends everything, and the weather is fine from now on.
    pub(crate) fn calm_down(&mut self) {
        self.cuts.clear();
        self.storms.clear();
        self.usual.lost = 0;
    }

    pub(crate) fn reaches(&self, from: usize, to: usize) -> bool {
        let side = |mask: u8, place: usize| mask >> (place % 8) & 1;
        !self.cuts.iter().any(|(_, cut)| match *cut {
            Cut::Around(place) => place == from || place == to,
            Cut::From(place) => place == from,
            Cut::To(place) => place == to,
            Cut::Between(mask) => side(mask, from) != side(mask, to),
        })
    }

    /// How long a message takes, once for each time it arrives.
    pub(crate) fn delays(&mut self) -> impl Iterator<Item = u64> + use<> {
        let Weather { lost, doubled, .. } = self.weather();
        let first = (!self.chance(lost)).then(|| self.delay());
        let second = (first.is_some() && self.chance(doubled)).then(|| self.delay());
        first.into_iter().chain(second)
    }

    /// How long something takes that is not lost.
    pub(crate) fn delay(&mut self) -> u64 {
        let most = self.weather().delay.max(100 * MICROSECOND);
        // Mostly short, sometimes long.
        let short = self.rng.random_range(50 * MICROSECOND..=100 * MICROSECOND + most / 8);
        if self.rng.random_ratio(1, 4) { self.rng.random_range(50 * MICROSECOND..=most) } else { short }
    }

    pub(crate) fn chance(&mut self, of_a_thousand: u32) -> bool {
        self.rng.random_ratio(of_a_thousand.min(1_000), 1_000)
    }

    fn weather(&self) -> Weather {
        self.storms.last().map_or(self.usual, |(_, weather)| *weather)
    }
}

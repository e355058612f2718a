//! Which SKUs an order asks for.

use std::{fmt, str::FromStr};

use rand::{Rng, rngs::SmallRng};

use crate::weights::Weights;

/// Text that is no [`Choice`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be uniform, hot, or zipf:S with S from 0.1 to 10, for example zipf:1.1")]
pub struct InvalidChoice;

/// How popular the SKUs are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Choice {
    /// All alike.
    Uniform,
    /// The nth is 1/n^s times as popular as the first (Zipf's law).
    Zipf(f64),
    /// The first stands in every order; the other lines are chosen alike from the rest.
    Hot,
}

impl FromStr for Choice {
    type Err = InvalidChoice;

    fn from_str(text: &str) -> Result<Self, InvalidChoice> {
        match text.split_once(':') {
            None if text == "uniform" => Ok(Self::Uniform),
            None if text == "hot" => Ok(Self::Hot),
            Some(("zipf", exponent)) => {
                let exponent: f64 = exponent.parse().map_err(|_| InvalidChoice)?;
                if (0.1..=10.0).contains(&exponent) { Ok(Self::Zipf(exponent)) } else { Err(InvalidChoice) }
            }
            _ => Err(InvalidChoice),
        }
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uniform => f.write_str("uniform"),
            Self::Zipf(exponent) => write!(f, "zipf:{exponent}"),
            Self::Hot => f.write_str("hot"),
        }
    }
}

/// Draws different SKUs, as their numbers from 0.
pub(super) struct Chooser {
    choice: Choice,
    skus: usize,
    zipf: Option<Weights>,
}

impl Chooser {
    pub(super) fn new(choice: Choice, skus: usize) -> Self {
        let exponent = match choice {
            Choice::Zipf(exponent) => Some(exponent),
            Choice::Uniform | Choice::Hot => None,
        };
        let weights = |exponent: f64| Weights::new((1..=skus).map(move |rank| (rank as f64).powf(-exponent)));
        Self { choice, skus, zipf: exponent.map(weights) }
    }

    /// Puts `lines` different numbers into `chosen`; there must be as many SKUs.
    pub(super) fn choose(&self, random: &mut SmallRng, lines: usize, chosen: &mut Vec<usize>) {
        chosen.clear();
        while chosen.len() < lines {
            let mut sku = match &self.zipf {
                Some(weights) => weights.at(random.random()),
                None if self.choice == Choice::Hot && chosen.is_empty() => 0,
                None => random.random_range(0..self.skus),
            };
            // One that was drawn before gives way to its neighbour: that ends, however steep the law is.
            while chosen.contains(&sku) {
                sku = (sku + 1) % self.skus;
            }
            chosen.push(sku);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::SeedableRng;

    use super::*;

    fn first_lines(choice: &str, skus: usize, orders: usize) -> Vec<usize> {
        let chooser = Chooser::new(choice.parse().unwrap(), skus);
        let mut random = SmallRng::seed_from_u64(7);
        let (mut chosen, mut counts) = (Vec::new(), vec![0; skus]);
        for _ in 0..orders {
            chooser.choose(&mut random, 1, &mut chosen);
            counts[chosen[0]] += 1;
        }
        counts
    }

    #[test]
    fn uniform_is_even() {
        let counts = first_lines("uniform", 10, 100_000);
        assert!(counts.iter().all(|count| (9_500..10_500).contains(count)), "{counts:?}");
    }

    #[test]
    fn zipf_follows_its_law() {
        let counts = first_lines("zipf:1", 100, 100_000);
        // The harmonic number of 100 is 5.187.
        assert!((18_600..20_000).contains(&counts[0]), "{}", counts[0]);
        assert!((9_100..10_200).contains(&counts[1]), "{}", counts[1]);
        assert!((1_700..2_200).contains(&counts[9]), "{}", counts[9]);
    }

    #[test]
    fn hot_is_the_first_always() {
        assert_eq!(first_lines("hot", 10, 1_000)[0], 1_000);
    }

    #[test]
    fn other_choices_are_refused() {
        for text in ["", "zipf", "zipf:", "zipf:0", "zipf:11", "zipf:x", "Uniform", "hot:1"] {
            assert_eq!(text.parse::<Choice>(), Err(InvalidChoice), "{text}");
        }
        assert_eq!("zipf:1.1".parse::<Choice>().unwrap().to_string(), "zipf:1.1");
    }

    proptest! {
        #[test]
        fn lines_differ(seed: u64, skus in 1_usize..50, steep in 0.1_f64..10.0, kind in 0..3) {
            let choice = [Choice::Uniform, Choice::Zipf(steep), Choice::Hot][kind as usize];
            let mut chosen = Vec::new();
            Chooser::new(choice, skus).choose(&mut SmallRng::seed_from_u64(seed), skus, &mut chosen);
            chosen.sort_unstable();
            prop_assert_eq!(chosen, (0..skus).collect::<Vec<_>>());
        }
    }
}

//! The bounds that Prometheus is shown of an exponential histogram: powers of √2, from 2⁻¹³ s (122 µs) to 2⁶ s (64 s).
//!
//! Each of them is a bound of every exponential histogram whose buckets are at most half an octave wide, so that counting
//! its buckets together is exact. And they are the same in all processes and at all times, so that counts may be added.

use std::{f64::consts::SQRT_2, sync::LazyLock};

/// Exponents of √2.
const LOWEST: i32 = -26;
const HIGHEST: i32 = 12;

/// How many bounds there are; what is above the last is counted in a bucket of its own.
pub const BOUNDS: usize = (HIGHEST - LOWEST + 1) as usize;

static TABLE: LazyLock<[f64; BOUNDS]> = LazyLock::new(|| std::array::from_fn(|place| power(LOWEST + place as i32)));

fn power(exponent: i32) -> f64 {
    let whole = 2f64.powi(exponent.div_euclid(2));
    if exponent.rem_euclid(2) == 1 { whole * SQRT_2 } else { whole }
}

/// Upper bounds, in seconds, in their order.
pub fn bounds() -> &'static [f64; BOUNDS] {
    &TABLE
}

/// Which bucket a value is counted in; [`BOUNDS`] for what is above the last bound.
pub(super) fn of(seconds: f64) -> usize {
    TABLE.partition_point(|bound| *bound < seconds)
}

/// Counts the buckets of an exponential histogram together, from the `offset`-th on; each bucket `n` of it goes from
/// base^n, which isn't in it, to base^(n+1), where the base is 2^(2^-`scale`).
///
/// Where its buckets are wider than ours, which takes durations that differ by 24 powers of ten, one is counted at its
/// upper bound.
pub(super) fn merge(scale: i8, offset: i32, counts: impl Iterator<Item = u64>) -> [u64; BOUNDS + 1] {
    let mut merged = [0; BOUNDS + 1];
    for (place, count) in (i64::from(offset)..).zip(counts) {
        let exponent = upper(scale, place).clamp(i64::from(LOWEST), i64::from(HIGHEST) + 1);
        merged[(exponent - i64::from(LOWEST)) as usize] += count;
    }
    merged
}

/// The exponent of √2 that is the upper bound of a bucket, or the next one above it.
fn upper(scale: i8, place: i64) -> i64 {
    match scale {
        1.. => (place >> (scale - 1).min(62)) + 1,
        _ => (place + 1).saturating_mul(1 << (1 - i64::from(scale)).min(62)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The bucket that a value is in at a scale.
    fn place(scale: i8, value: f64) -> i32 {
        (value.log2() * 2f64.powi(i32::from(scale))).ceil() as i32 - 1
    }

    proptest! {
        #[test]
        fn no_count_is_lost_and_each_is_where_its_value_is(
            scale in 1i8..=20,
            values in proptest::collection::vec(-40f64..20.0, 0..60),
        ) {
            let values: Vec<f64> = values.into_iter().map(f64::exp2).collect();
            // What lies right beside a bound may be counted on its other side, by the logarithm's last digit.
            let near = |value: f64| TABLE.iter().any(|bound| (value / bound - 1.0).abs() < 1e-9);
            for value in values.iter().copied().filter(|value| !near(*value)) {
                let merged = merge(scale, place(scale, value), std::iter::once(1));
                prop_assert_eq!(merged.iter().position(|count| *count == 1), Some(of(value)));
            }
            let merged = merge(scale, -7, values.iter().map(|_| 3));
            prop_assert_eq!(merged.iter().sum::<u64>(), 3 * values.len() as u64);
        }

        #[test]
        fn halving_the_buckets_first_changes_nothing(
            scale in 2i8..=20,
            offset in -2000i32..2000,
            counts in proptest::collection::vec(0u64..100, 1..160),
        ) {
            let first = offset >> 1;
            let last = (offset + counts.len() as i32 - 1) >> 1;
            let mut halved = vec![0; (last - first + 1) as usize];
            for (place, count) in (offset..).zip(&counts) {
                halved[((place >> 1) - first) as usize] += count;
            }
            prop_assert_eq!(merge(scale, offset, counts.into_iter()), merge(scale - 1, first, halved.into_iter()));
        }

        #[test]
        fn no_histogram_makes_it_panic_or_lose(
            scale: i8,
            offset: i32,
            counts in proptest::collection::vec(0u64..100, 0..160),
        ) {
            let total: u64 = counts.iter().sum();
            prop_assert_eq!(merge(scale, offset, counts.into_iter()).iter().sum::<u64>(), total);
        }
    }

    #[test]
    fn bounds_are_powers_and_grow() {
        assert_eq!((TABLE[0], TABLE[26], TABLE[BOUNDS - 1]), (2f64.powi(-13), 1.0, 64.0));
        assert!(TABLE.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!((of(0.0), of(1.0), of(1.000_001), of(65.0)), (0, 26, 27, BOUNDS));
    }
}

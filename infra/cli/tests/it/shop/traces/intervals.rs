//! What stretches of time leave uncovered.

/// From, until, in microseconds.
pub(super) type Interval = (i64, i64);

/// The longest stretch of `whole` that lies in none of `parts`, which may overlap, touch, stand in any order and reach beyond
/// it; the first of several that are as long, and an empty one at the end where all is covered.
pub(super) fn longest_gap(whole: Interval, parts: impl IntoIterator<Item = Interval>) -> Interval {
    let (mut at, end) = whole;
    let mut parts: Vec<_> = parts.into_iter().filter(|(from, until)| from < until).collect();
    parts.sort_unstable();
    let mut longest = (end, end);
    let mut look = |from: i64, until: i64| {
        if until - from > longest.1 - longest.0 {
            longest = (from, until);
        }
    };
    for (from, until) in parts {
        look(at, from.min(end));
        at = at.max(until);
    }
    look(at, end);
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_gap_is_found_wherever_it_is() {
        let cases: [(&[Interval], Interval); 9] = [
            (&[], (0, 100)),
            (&[(0, 100)], (100, 100)),
            (&[(-50, 40), (40, 200)], (100, 100)),
            (&[(10, 90)], (0, 10)),
            (&[(0, 20), (30, 90)], (20, 30)),
            (&[(60, 100), (0, 20), (10, 30)], (30, 60)),
            (&[(0, 90), (10, 20)], (90, 100)),
            (&[(20, 10), (0, 0)], (0, 100)),
            (&[(0, 30), (150, 200)], (30, 100)),
        ];
        for (parts, gap) in cases {
            assert_eq!(longest_gap((0, 100), parts.iter().copied()), gap, "{parts:?}");
        }
    }

    #[test]
    fn no_instant_of_a_gap_is_covered_and_none_longer_is_missed() {
        // All ways to place two parts on a short line, against counting its instants.
        let ends: Vec<Interval> = (0..7).flat_map(|from| (from..7).map(move |until| (from, until))).collect();
        for &a in &ends {
            for &b in &ends {
                let is_free = |t: i64| [a, b].iter().all(|(from, until)| t < *from || t >= *until);
                let mut most = 0;
                let mut run = 0;
                for t in 0..6 {
                    run = if is_free(t) { run + 1 } else { 0 };
                    most = most.max(run);
                }
                let (from, until) = longest_gap((0, 6), [a, b]);
                assert_eq!(until - from, most, "{a:?} {b:?}");
                assert!((from..until).all(is_free), "{a:?} {b:?}");
            }
        }
    }
}

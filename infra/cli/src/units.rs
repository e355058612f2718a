//! Numbers with their units, as people read them.

use std::time::Duration;

/// Text that is no time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be a number with its unit, us, ms, s or min, as in 1ms or 4s (got {0:?})")]
pub(crate) struct InvalidTime(String);

/// A time with its unit: `250us`, `1.5ms`, `4s`, `2min`.
pub(crate) fn parse(text: &str) -> Result<Duration, InvalidTime> {
    let units = [("us", 1e-6), ("ms", 1e-3), ("min", 60.0), ("s", 1.0)];
    let parsed = units.into_iter().find_map(|(unit, seconds)| {
        let number: f64 = text.strip_suffix(unit)?.parse().ok()?;
        Duration::try_from_secs_f64(number * seconds).ok()
    });
    parsed.ok_or_else(|| InvalidTime(text.to_owned()))
}

/// A time with three digits that matter: `840 µs`, `12.3 ms`, `1.04 s`, `2 min 13 s`, `3 h 5 min`.
pub(crate) fn time(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    match seconds {
        s if s < 0.000_999_5 => format!("{:.0} µs", s * 1e6),
        s if s < 0.999_5 => format!("{} ms", digits(s * 1e3)),
        s if s < 59.95 => format!("{} s", digits(s)),
        s if s < 3_599.5 => format!("{:.0} min {:.0} s", (s.round() / 60.0).floor(), s.round() % 60.0),
        s => format!("{:.0} h {:.0} min", (s / 3_600.0).floor(), (s % 3_600.0 / 60.0).floor()),
    }
}

/// Memory in powers of ten: `34.5 MB`.
pub(crate) fn bytes(bytes: u64) -> String {
    let bytes = bytes as f64;
    match bytes {
        b if b < 1e3 => format!("{b:.0} B"),
        b if b < 1e6 => format!("{} kB", digits(b / 1e3)),
        b if b < 1e9 => format!("{} MB", digits(b / 1e6)),
        b => format!("{} GB", digits(b / 1e9)),
    }
}

fn digits(number: f64) -> String {
    match number {
        n if n < 9.995 => format!("{n:.2}"),
        n if n < 99.95 => format!("{n:.1}"),
        n => format!("{n:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_keep_three_digits() {
        let shown = [840, 1_500, 12_340, 999_600, 1_040_000, 133_400_000, 11_100_000_000]
            .map(|us| time(Duration::from_micros(us)));
        assert_eq!(shown, ["840 µs", "1.50 ms", "12.3 ms", "1.00 s", "1.04 s", "2 min 13 s", "3 h 5 min"]);
    }

    #[test]
    fn times_are_read_with_their_unit() {
        let read = ["250us", "1.5ms", "4s", "2min", "0ms"].map(|text| parse(text).unwrap().as_micros());
        assert_eq!(read, [250, 1_500, 4_000_000, 120_000_000, 0]);
        for text in ["", "4", "ms", "-1s", "1h", "4 seconds", "NaNs"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn memory_has_three_digits() {
        assert_eq!([999, 20_480_000, 1_500_000_000].map(bytes), ["999 B", "20.5 MB", "1.50 GB"]);
    }
}

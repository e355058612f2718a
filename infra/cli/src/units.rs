//! Numbers with their units, as people read them.

use std::time::Duration;

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
    fn memory_has_three_digits() {
        assert_eq!([999, 20_480_000, 1_500_000_000].map(bytes), ["999 B", "20.5 MB", "1.50 GB"]);
    }
}

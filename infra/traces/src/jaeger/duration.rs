//! Durations as Go writes them: `1h30m`, `500ms`, `1.5s`.

/// Reads a duration, in nanoseconds.
///
/// # Errors
/// What is wrong, in Go's words.
pub(super) fn read(text: &str) -> Result<u64, String> {
    let invalid = || format!("time: invalid duration {text:?}");
    let mut parts = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let is_digit = |c: char| c.is_ascii_digit() || c == '.';
        let (number, after) = rest.split_at(rest.find(|c| !is_digit(c)).unwrap_or(rest.len()));
        let (unit, after) = after.split_at(after.find(is_digit).unwrap_or(after.len()));
        if unit.is_empty() {
            return Err(format!("time: missing unit in duration {text:?}"));
        }
        let factor = factor(unit).ok_or_else(|| format!("time: unknown unit {unit:?} in duration {text:?}"))?;
        parts.push(number.parse::<f64>().map_err(|_| invalid())? * factor);
        rest = after;
    }
    match parts.iter().sum::<f64>() {
        sum if !parts.is_empty() && sum < i64::MAX as f64 => Ok(sum.round() as u64),
        _ => Err(invalid()),
    }
}

fn factor(unit: &str) -> Option<f64> {
    Some(match unit {
        "ns" => 1.0,
        "us" | "µs" | "μs" => 1e3,
        "ms" => 1e6,
        "s" => 1e9,
        "m" => 60e9,
        "h" => 3_600e9,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_go_writes() {
        for (text, nanoseconds) in
            [("1h30m", 5_400_000_000_000), ("500ms", 500_000_000), ("1.5s", 1_500_000_000), ("3µs", 3_000), ("0s", 0)]
        {
            assert_eq!(read(text), Ok(nanoseconds), "{text}");
        }
        for wrong in ["", "5", "m", "1d", "1h-", "-1s", "1..5s", "9999999h9999999h9999999h"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        assert_eq!(read("5").unwrap_err(), "time: missing unit in duration \"5\"");
    }
}

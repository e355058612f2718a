//! Whole numbers as JSON has them.

use serde_json::Number;

/// The number when it is whole, as JSON Schema has it: `6`, `6.0` and `6e0` are all one. `None` for any other, and
/// for those so large that a float no longer holds every whole number.
pub(super) fn whole(number: &Number) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    number.as_i64().or_else(|| {
        let float = number.as_f64().filter(|float| float.fract() == 0.0 && float.abs() <= EXACT)?;
        Some(float as i64)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_number_may_be_written_as_json_has_it() {
        let numbers: Vec<Number> =
            serde_json::from_str("[7, 7.0, 7e0, -7, 0, 1.5, 1e300, 18446744073709551615]").unwrap();
        let found: Vec<_> = numbers.iter().map(whole).collect();
        assert_eq!(found, [Some(7), Some(7), Some(7), Some(-7), Some(0), None, None, None]);
    }
}

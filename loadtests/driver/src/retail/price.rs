//! Prices in pounds, read without floating point.

/// The price in whole pence, half a penny rounded away from zero, or `None` where the text is no decimal number or too
/// large.
pub(super) fn pence(text: &str) -> Option<i64> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text),
    };
    let (pounds, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if (pounds.is_empty() && fraction.is_empty()) || !all_digits(pounds) || !all_digits(fraction) {
        return None;
    }
    let digit = |place: usize| fraction.as_bytes().get(place).map_or(0, |byte| i64::from(byte - b'0'));
    let whole: i64 = if pounds.is_empty() { 0 } else { pounds.parse().ok()? };
    let rounded = digit(0) * 10 + digit(1) + i64::from(digit(2) >= 5);
    whole.checked_mul(100)?.checked_add(rounded).map(|pence| sign * pence)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rounds_half_a_penny_away_from_zero() {
        let table =
            [("2.55", 255), ("18", 1_800), ("0.001", 0), ("0.125", 13), ("0.1249", 12), ("-0.125", -13), (".5", 50)];
        for (text, expected) in table {
            assert_eq!(pence(text), Some(expected), "{text}");
        }
        assert_eq!(pence("13541.33"), Some(1_354_133));
        assert_eq!(pence("1.995"), Some(200));
    }

    #[test]
    fn what_is_no_decimal_number_is_none() {
        for text in ["", ".", "-", "1,5", "1e3", "£2", "2.5.5", "NaN", "--1", "+1", "99999999999999999999"] {
            assert_eq!(pence(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn whole_pence_come_back(pounds in 0_i64..1_000_000, rest in 0_i64..100) {
            prop_assert_eq!(pence(&format!("{pounds}.{rest:02}")), Some(pounds * 100 + rest));
        }

        #[test]
        fn no_text_panics(text in ".{0,24}") {
            let _ = pence(&text);
        }
    }
}

//! Ids as Jaeger writes them: hexadecimal, a trace's in 16 digits where the first 16 of its 32 are zeros.

use std::fmt::Write as _;

use super::error::ApiError;
use crate::store::model::TraceId;

/// Reads a trace's id, with or without zeros at its start.
pub(super) fn read(text: &str) -> Result<TraceId, ApiError> {
    if text.len() > 32 {
        return Err(ApiError::Id(format!("TraceID cannot be longer than 32 hex characters: {text}")));
    }
    let is_hexadecimal = !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_hexdigit());
    match u128::from_str_radix(text, 16) {
        Ok(id) if is_hexadecimal => Ok(id.to_be_bytes()),
        _ => Err(ApiError::Id(format!("strconv.ParseUint: parsing {text:?}: invalid syntax"))),
    }
}

pub(super) fn write(id: &TraceId) -> String {
    match id {
        [0, 0, 0, 0, 0, 0, 0, 0, low @ ..] => hexadecimal(low),
        whole => hexadecimal(whole),
    }
}

pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a text can't fail.
        _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_at_the_start_may_be_left_out() {
        let low = read("ab").unwrap();
        assert_eq!(low, read("000000000000000000000000000000ab").unwrap());
        assert_eq!(write(&low), "00000000000000ab");
        let high = read("1000000000000000000000000000ab").unwrap();
        assert_eq!(write(&high), "001000000000000000000000000000ab");
        for wrong in ["", "x", "+1", "0x1", "100000000000000000000000000000000"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}

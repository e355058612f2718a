//! Which stock codes are goods.

/// Codes that book a charge, a fee, a discount or a correction on an invoice.
const CHARGES: [&str; 15] = [
    "ADJUST",
    "ADJUST2",
    "AMAZONFEE",
    "B",
    "BANK CHARGES",
    "C2",
    "C3",
    "CRUK",
    "D",
    "DOT",
    "GIFT",
    "M",
    "PADS",
    "POST",
    "S",
];

/// What vouchers and trial entries begin with.
const PREFIXES: [&str; 2] = ["GIFT_", "TEST"];

/// Whether a stock code, trimmed and upper-cased, is that of a thing one can hold in stock.
///
/// The rule names what is *no* goods, so that a file of another shop keeps its own codes.
pub(super) fn is_goods(code: &str) -> bool {
    !CHARGES.contains(&code) && !PREFIXES.iter().any(|prefix| code.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charges_and_vouchers_are_no_goods() {
        for code in
            ["POST", "D", "M", "C2", "DOT", "S", "BANK CHARGES", "AMAZONFEE", "GIFT_0001_40", "B", "PADS", "CRUK"]
        {
            assert!(!is_goods(code), "{code}");
        }
    }

    #[test]
    fn things_are() {
        for code in ["85123A", "22423", "DCGS0076", "15056BL", "SP1002", "POSTER-1"] {
            assert!(is_goods(code), "{code}");
        }
    }
}

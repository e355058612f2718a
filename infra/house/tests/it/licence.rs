//! Licence expressions as SPDX has them (annex D of its specification), as far as crates use them.

/// Whether one may use what stands under this expression, given the licences one accepts.
///
/// `/` between licences is what `OR` was before crates used SPDX. An exception after `WITH` only ever allows more.
pub(crate) fn is_accepted(expression: &str, accepted: &[&str]) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    let result = any_of(&mut rest, accepted);
    result && rest.is_empty()
}

fn any_of(words: &mut &[&str], accepted: &[&str]) -> bool {
    let mut result = all_of(words, accepted);
    while take(words, "OR") {
        result |= all_of(words, accepted);
    }
    result
}

fn all_of(words: &mut &[&str], accepted: &[&str]) -> bool {
    let mut result = one(words, accepted);
    while take(words, "AND") {
        result &= one(words, accepted);
    }
    result
}

fn one(words: &mut &[&str], accepted: &[&str]) -> bool {
    if take(words, "(") {
        let result = any_of(words, accepted);
        return take(words, ")") && result;
    }
    let Some((licence, rest)) = words.split_first() else { return false };
    *words = rest;
    if take(words, "WITH") {
        *words = words.get(1..).unwrap_or_default();
    }
    accepted.contains(licence)
}

fn take(words: &mut &[&str], word: &str) -> bool {
    let taken = words.first() == Some(&word);
    if taken {
        *words = &words[1..];
    }
    taken
}

#[test]
fn expressions_are_read_as_spdx_has_them() {
    let accepted = ["MIT", "Apache-2.0"];
    for yes in [
        "MIT",
        "MIT/GPL-3.0",
        "(MIT OR GPL-3.0) AND Apache-2.0",
        "GPL-3.0 AND MIT OR MIT",
        "Apache-2.0 WITH LLVM-exception",
    ] {
        assert!(is_accepted(yes, &accepted), "{yes}");
    }
    for no in ["", "GPL-3.0", "MIT AND GPL-3.0", "MIT AND (GPL-3.0 OR X)", "(MIT", "MIT MIT"] {
        assert!(!is_accepted(no, &accepted), "{no}");
    }
}

//! Names and units as Prometheus has them.

use std::{borrow::Cow, fmt::Write as _};

/// A name of OpenTelemetry's with what Prometheus doesn't allow made `_`.
pub(super) fn plain(name: &str) -> String {
    let first = name.starts_with(|first: char| first.is_ascii_digit()).then_some('_');
    let rest = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' });
    first.into_iter().chain(rest).collect()
}

/// What is appended to the name for a unit of UCUM's; nothing for a `{thing}`.
pub(super) fn suffix(unit: &str) -> Option<&'static str> {
    match unit {
        "s" => Some("seconds"),
        "ms" => Some("milliseconds"),
        "us" => Some("microseconds"),
        "ns" => Some("nanoseconds"),
        "By" => Some("bytes"),
        "1" => Some("ratio"),
        "%" => Some("percent"),
        _ => None,
    }
}

/// `name="value"` for each, separated by commas, in the order of the names; several that become one name share it.
pub(super) fn labels<'a>(attributes: impl Iterator<Item = (&'a str, Cow<'a, str>)>) -> String {
    let mut known = std::collections::BTreeMap::<String, String>::new();
    for (name, value) in attributes {
        known
            .entry(plain(name))
            .and_modify(|before| *before = format!("{before};{value}"))
            .or_insert(value.into_owned());
    }
    let mut text = String::new();
    for (name, value) in known {
        let comma = if text.is_empty() { "" } else { "," };
        // Writing to a string can't fail.
        let _ = write!(text, "{comma}{name}=\"{}\"", escaped(&value));
    }
    text
}

/// Backslashes, quotes and ends of lines as both formats have them.
pub(super) fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(['\\', '"', '\n']) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

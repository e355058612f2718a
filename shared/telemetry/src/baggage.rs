//! What a caller wants carried along with its request: W3C Baggage (<https://www.w3.org/TR/baggage/>), header `baggage`.
//!
//! It goes as it came, from the request through the outbox and Kafka to the last effect. Nothing here adds to it, and
//! nothing is decided by it; what of it is told in spans is [`set_told`]'s to say, as it may hold what nobody should read.

use std::{borrow::Cow, fmt, sync::Arc, sync::OnceLock};

use crate::attribute::Key;

/// The name of the HTTP header, and of the Kafka header.
pub const BAGGAGE: &str = "baggage";
/// How many members are carried: as many as the specification says must be.
pub const MAX_MEMBERS: usize = 64;
/// How many octets are carried, commas included: as many as the specification says must be.
pub const MAX_OCTETS: usize = 8_192;
/// The member that names the experiment a request belongs to, such as a fault that is tried or a run of a load.
pub const SCENARIO: &str = "plumbline.scenario";

/// Members of a `baggage`, at least one. Clones share the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Baggage(Arc<str>);

impl Baggage {
    /// Reads headers of this name, which count as one. What is no member is left out, and so is what goes beyond
    /// [`MAX_MEMBERS`] and [`MAX_OCTETS`]; `None` where nothing is left.
    pub fn read<'a>(headers: impl IntoIterator<Item = &'a [u8]>) -> Option<Self> {
        let mut text = String::new();
        let mut members = 0;
        let texts = headers.into_iter().flat_map(|octets| octets.split(|octet| *octet == b','));
        for member in texts.filter_map(|octets| member(std::str::from_utf8(octets).ok()?)) {
            let comma = usize::from(members > 0);
            if members == MAX_MEMBERS || text.len() + comma + member.len() > MAX_OCTETS {
                break;
            }
            if members > 0 {
                text.push(',');
            }
            text.push_str(&member);
            members += 1;
        }
        (members > 0).then(|| Self(text.into()))
    }

    /// What the header says, without blanks that mean nothing.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The value of a member, decoded; the last one's where several have this key.
    pub fn get(&self, key: &str) -> Option<Cow<'_, str>> {
        let mut members = self.0.split(',').filter_map(|member| member.split(';').next()?.split_once('='));
        members.rfind(|(name, _)| *name == key).map(|(_, value)| decoded(value))
    }
}

impl fmt::Display for Baggage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A member with its properties, without the blanks around its parts; `None` where it is none.
fn member(text: &str) -> Option<String> {
    let mut parts = text.split(';').map(|part| part.trim_matches([' ', '\t']));
    let (key, value) = parts.next()?.split_once('=')?;
    let mut member = pair(key, value)?;
    for property in parts {
        member.push(';');
        match property.split_once('=') {
            Some((key, value)) => member.push_str(&pair(key, value)?),
            None if is_token(property) => member.push_str(property),
            None => return None,
        }
    }
    Some(member)
}

fn pair(key: &str, value: &str) -> Option<String> {
    let (key, value) = (key.trim_end_matches([' ', '\t']), value.trim_start_matches([' ', '\t']));
    (is_token(key) && value.bytes().all(is_baggage_octet)).then(|| format!("{key}={value}"))
}

/// RFC 7230, section 3.2.6.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&octet))
}

fn is_baggage_octet(octet: u8) -> bool {
    matches!(octet, 0x21 | 0x23..=0x2B | 0x2D..=0x3A | 0x3C..=0x5B | 0x5D..=0x7E)
}

/// Without its percent-encoding; what is no UTF-8 then is replaced, as the specification asks.
fn decoded(value: &str) -> Cow<'_, str> {
    if !value.contains('%') {
        return value.into();
    }
    let mut octets = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let Some((&first, others)) = rest.split_first() {
        let encoded = if first == b'%' { others.first_chunk().and_then(hex) } else { None };
        octets.push(encoded.unwrap_or(first));
        rest = if encoded.is_some() { &others[2..] } else { others };
    }
    String::from_utf8_lossy(&octets).into_owned().into()
}

fn hex(digits: &[u8; 2]) -> Option<u8> {
    let digit = |octet: u8| char::from(octet).to_digit(16);
    u8::try_from(digit(digits[0])? * 16 + digit(digits[1])?).ok()
}

static TOLD: OnceLock<Vec<Key<str>>> = OnceLock::new();

/// Has the members of these keys told by the spans of requests and messages, as attributes of the same name. The first call
/// of a process counts; until then it is [`SCENARIO`] alone.
pub fn set_told(keys: Vec<String>) {
    // Named once for the life of the process, as attributes are.
    let keys = keys.into_iter().map(|key| Key::new(String::leak(key))).collect();
    let _ = TOLD.set(keys);
}

/// The keys of what spans tell.
pub(crate) fn told() -> &'static [Key<str>] {
    TOLD.get_or_init(|| vec![Key::new(SCENARIO)])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Option<Baggage> {
        Baggage::read([text.as_bytes()])
    }

    #[test]
    fn blanks_go_properties_stay_and_what_is_no_member_is_left_out() {
        let cases = [
            ("a=1", Some("a=1")),
            (" a =\t1 ; p ; q = 2 , b=", Some("a=1;p;q=2,b=")),
            ("a=1,,b=2", Some("a=1,b=2")),
            ("a,b=2", Some("b=2")),
            ("a b=1,c=\"x\",d=a b,e=\\", None),
            ("a=1;b c", None),
            ("", None),
        ];
        for (text, read_as) in cases {
            assert_eq!(read(text).as_ref().map(Baggage::as_str), read_as, "{text:?}");
        }
        assert_eq!(Baggage::read([&b"a=1"[..], b"b=2"]).unwrap().as_str(), "a=1,b=2");
    }

    #[test]
    fn values_are_decoded_and_the_last_of_a_key_counts() {
        let baggage = read("name=Am%C3%A9lie,odd=%zz%2,cut=%C3,name2=x,twice=1,twice=2;p").unwrap();
        for (key, value) in [("name", "Amélie"), ("odd", "%zz%2"), ("cut", "\u{fffd}"), ("twice", "2")] {
            assert_eq!(baggage.get(key).as_deref(), Some(value));
        }
        assert_eq!(baggage.get("nam"), None);
    }

    #[test]
    fn what_goes_beyond_the_bounds_is_left_out() {
        let many: Vec<_> = (0..100).map(|n| format!("k{n}=v")).collect();
        assert_eq!(read(&many.join(",")).unwrap().as_str(), many[..MAX_MEMBERS].join(","));
        let long = format!("a=1,b={},c=2", "x".repeat(MAX_OCTETS));
        assert_eq!(read(&long).unwrap().as_str(), "a=1");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(
            members in prop::collection::vec(("[a-z!#$.*_-]{1,8}", "[!#-+./0-9:<-\\[\\]-~]{0,12}", "(;[a-z]{1,3}(=[a-z]{0,3})?)?"), 1..10)
        ) {
            let text: Vec<_> = members.iter().map(|(key, value, property)| format!("{key}={value}{property}")).collect();
            let baggage = read(&text.join(",")).unwrap();
            prop_assert_eq!(baggage.as_str(), text.join(","));
            prop_assert_eq!(read(baggage.as_str()), Some(baggage));
        }

        #[test]
        fn no_octets_make_it_panic_or_grow(octets in prop::collection::vec(any::<u8>(), 0..300)) {
            if let Some(baggage) = Baggage::read([&octets[..]]) {
                prop_assert!(baggage.as_str().len() <= octets.len());
                prop_assert_eq!(read(baggage.as_str()), Some(baggage));
            }
        }
    }
}

//! What tokens are sealed with.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2_hmac::Sha256;

/// How many bytes of a seal a token carries: half of SHA-256's output, the least that RFC 2104 (section 5) advises.
pub(super) const SEAL_BYTES: usize = 16;

/// The key of an installation, with which its services seal the tokens of sessions and know their own: HMAC-SHA-256
/// (RFC 2104), cut to 16 bytes. Whoever has it can claim to have seen anything; a copy is then asked in vain, and nothing is
/// shown that the caller may not see.
#[derive(Clone)]
pub struct Key(Hmac<Sha256>);

impl Key {
    /// The fewest bytes of a key that is worth the name.
    pub const LEAST_BYTES: usize = 16;

    /// A key of these bytes, at best 32 at random.
    pub fn new(bytes: &[u8]) -> Self {
        Self(Hmac::new_from_slice(bytes).expect("HMAC takes keys of every length"))
    }

    pub(super) fn seal(&self, parts: &[&[u8]]) -> [u8; SEAL_BYTES] {
        let mut seal = [0; SEAL_BYTES];
        seal.copy_from_slice(&self.over(parts).finalize().into_bytes()[..SEAL_BYTES]);
        seal
    }

    /// Whether it is this key's, compared in a time that tells nothing.
    pub(super) fn knows(&self, parts: &[&[u8]], seal: &[u8]) -> bool {
        self.over(parts).verify_truncated_left(seal).is_ok()
    }

    fn over(&self, parts: &[&[u8]]) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        parts.iter().for_each(|part| mac.update(part));
        mac
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

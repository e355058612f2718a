//! What PostgreSQL keeps of a password: the verifier of SCRAM-SHA-256 (RFC 5802 section 3, RFC 7677).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2_hmac::{Digest as _, Sha256};

/// Rounds that make a key of a password. They make a password slow to guess, and each login slow: some 40 ms with the usual
/// 4,096 where a client gives way to others every few rounds, as sqlx does. Passwords of 128 random bits are not guessed.
const ROUNDS: u32 = 1;

/// The verifier of a password, as PostgreSQL takes it in the password's place. The password is ASCII, and random.
pub(super) fn verifier(password: &str) -> String {
    with(password, &rand::random::<[u8; 16]>(), ROUNDS)
}

fn with(password: &str, salt: &[u8], rounds: u32) -> String {
    let salted = salted(password.as_bytes(), salt, rounds);
    let stored: [u8; 32] = Sha256::digest(hmac(&salted, &[b"Client Key"])).into();
    let server = hmac(&salted, &[b"Server Key"]);
    let (salt, stored, server) = (STANDARD.encode(salt), STANDARD.encode(stored), STANDARD.encode(server));
    format!("SCRAM-SHA-256${rounds}:{salt}${stored}:{server}")
}

/// RFC 5802's `Hi`: PBKDF2 with one block.
fn salted(password: &[u8], salt: &[u8], rounds: u32) -> [u8; 32] {
    let mut last = hmac(password, &[salt, &1_u32.to_be_bytes()]);
    let mut all = last;
    for _ in 1..rounds {
        last = hmac(password, &[&last]);
        all.iter_mut().zip(last).for_each(|(all, last)| *all ^= last);
    }
    all
}

fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of every length");
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The exchange of RFC 7677, section 3, by its proof and its server's signature.
    #[test]
    fn a_verifier_is_that_of_the_standards_example() {
        let salt = STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
        let message: &[u8] = b"n=user,r=rOprNGfwEbeRWgbNEkqO,\
            r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,\
            c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        let verifier = with("pencil", &salt, 4096);
        let (_, keys) = verifier.rsplit_once('$').unwrap();
        let keys = keys.split(':').map(|key| STANDARD.decode(key).unwrap()).collect::<Vec<_>>();
        let [stored, server]: [Vec<u8>; 2] = keys.try_into().unwrap();
        let signature = STANDARD.encode(hmac(&server, &[message]));
        assert_eq!(signature, "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
        let mut key = hmac(&stored, &[message]);
        let proof = STANDARD.decode("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=").unwrap();
        key.iter_mut().zip(proof).for_each(|(key, proof)| *key ^= proof);
        assert_eq!(Sha256::digest(key).to_vec(), stored, "the proof is of the key whose hash is stored");
    }
}

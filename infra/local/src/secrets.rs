//! The passwords of an installation.

use std::{fmt, fs, io, path::Path};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::folder;

/// The key of an installation, from which its passwords are made.
///
/// A password is the first 128 bits of SHA-256 over the key (256 random bits) and the password's purpose. So there is
/// one secret to keep, and a role gets the same password whenever and by whomever it is asked for. As the key has a
/// fixed length and the output is cut, no password tells anything about another.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Secrets {
    key: String,
}

impl Secrets {
    /// A new key.
    pub(crate) fn generate() -> Self {
        let bytes: [u8; 32] = rand::random();
        Self { key: hex(&bytes) }
    }

    /// The key in `file`, made when the file is missing.
    pub(crate) fn load_or_generate(file: &Path) -> io::Result<Self> {
        match fs::read_to_string(file) {
            Ok(text) if text.trim().len() == 64 => Ok(Self { key: text.trim().to_owned() }),
            Ok(_) => Err(io::Error::new(io::ErrorKind::InvalidData, "it does not hold a key of 64 hexadecimal digits")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let fresh = Self::generate();
                folder::write(file, &format!("{}\n", fresh.key), 0o600, None)?;
                Ok(fresh)
            }
            Err(error) => Err(error),
        }
    }

    /// The password for a purpose: 32 hexadecimal digits, which need no quoting anywhere.
    pub(crate) fn password(&self, purpose: &str) -> String {
        let digest = Sha256::new().chain_update(&self.key).chain_update(purpose).finalize();
        hex(&digest[..16])
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets(…)")
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn an_installation_keeps_its_passwords_and_shares_none() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("key");
        let first = Secrets::load_or_generate(&file).unwrap();
        assert_eq!(Secrets::load_or_generate(&file).unwrap(), first);
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(first.password("redis").len(), 32);
        assert_ne!(first.password("redis"), first.password("postgres"));
        assert_ne!(first.password("redis"), Secrets::generate().password("redis"));
    }

    #[test]
    fn a_damaged_file_is_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("key");
        fs::write(&file, "short").unwrap();
        assert_eq!(Secrets::load_or_generate(&file).unwrap_err().kind(), io::ErrorKind::InvalidData);
        assert_eq!(fs::read_to_string(&file).unwrap(), "short");
    }

    #[test]
    fn debug_shows_no_key() {
        let secrets = Secrets::generate();
        assert!(!format!("{secrets:?}").contains(&secrets.key));
    }
}

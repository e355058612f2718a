//! Secrets that are texts, the operator token and the key of sessions: each made once per installation, in a file that only
//! its owner can read.

use std::{
    fs,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use rand::{Rng, distr::Alphanumeric};

use crate::folder;

/// Characters of a token: 32 of 62 kinds are 190 bits.
const LENGTH: usize = 32;

/// A secret's file can't be used.
#[derive(Debug, thiserror::Error)]
#[error("the secret in {} can't be used: {source}", .file.display())]
pub struct TokenError {
    file: PathBuf,
    source: io::Error,
}

/// The secret in `file`, made when the file is missing or empty.
pub(super) fn ensure(file: &Path) -> Result<String, TokenError> {
    let fault = |source| TokenError { file: file.to_owned(), source };
    match fs::read_to_string(file) {
        Ok(token) if !token.trim().is_empty() => Ok(token.trim().to_owned()),
        Ok(_) => make(file).map_err(fault),
        Err(error) if error.kind() == ErrorKind::NotFound => make(file).map_err(fault),
        Err(error) => Err(fault(error)),
    }
}

fn make(file: &Path) -> io::Result<String> {
    let token: String = rand::rng().sample_iter(Alphanumeric).take(LENGTH).map(char::from).collect();
    folder::write(file, &format!("{token}\n"), 0o600, None)?;
    Ok(token)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_token_is_made_once_and_kept_from_others() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("operator-token");
        let token = ensure(&file).unwrap();
        assert_eq!(token.len(), LENGTH);
        assert_eq!(ensure(&file).unwrap(), token);
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_folder_that_is_missing_is_named() {
        let error = ensure(Path::new("/nowhere/operator-token")).unwrap_err();
        assert!(error.to_string().contains("/nowhere/operator-token"), "{error}");
    }
}

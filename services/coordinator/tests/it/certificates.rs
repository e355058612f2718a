//! Authorities and certificates of the tests' own, made by openssl.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// Nothing of the machine's own configuration counts.
const CONFIG: &str = "[req]\ndistinguished_name = name\n[name]\n";

/// An authority that signs certificates for this machine.
pub(crate) struct Authority(Certificate);

/// A certificate and its key.
pub(crate) struct Certificate {
    pub(crate) pem: String,
    pub(crate) key_pem: String,
    pub(crate) file: PathBuf,
    pub(crate) key_file: PathBuf,
}

impl Authority {
    pub(crate) fn new(folder: &Path, name: &str) -> Self {
        Self(make(folder, name, &["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign"], None))
    }

    /// Its own certificate, for whoever trusts it.
    pub(crate) fn file(&self) -> &Path {
        &self.0.file
    }

    pub(crate) fn pem(&self) -> &str {
        &self.0.pem
    }

    pub(crate) fn sign(&self, folder: &Path, name: &str) -> Certificate {
        let extensions = ["basicConstraints=critical,CA:FALSE", "subjectAltName=IP:127.0.0.1,DNS:localhost"];
        make(folder, name, &extensions, Some(&self.0))
    }
}

/// A new key, and a certificate of it by the authority, else by itself.
fn make(folder: &Path, name: &str, extensions: &[&str], authority: Option<&Certificate>) -> Certificate {
    let config = folder.join("openssl.cnf");
    std::fs::write(&config, CONFIG).unwrap();
    let (file, key_file) = (folder.join(format!("{name}.pem")), folder.join(format!("{name}-key.pem")));
    let mut command = Command::new("openssl");
    command.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]);
    command.args(["-subj", &format!("/CN={name}"), "-config"]).arg(&config);
    command.arg("-out").arg(&file).arg("-keyout").arg(&key_file);
    for extension in extensions {
        command.args(["-addext", extension]);
    }
    if let Some(authority) = authority {
        command.arg("-CA").arg(&authority.file).arg("-CAkey").arg(&authority.key_file);
    }
    let made = command.output().expect("openssl makes the certificates: Debian has it in the package of that name");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let read = |path: &Path| std::fs::read_to_string(path).unwrap();
    Certificate { pem: read(&file), key_pem: read(&key_file), file, key_file }
}

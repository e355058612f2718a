//! Whom an `https` endpoint is believed by, and how this process shows who it is.

use std::sync::Arc;

use tokio_rustls::rustls::{
    self, ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};

use super::{
    InvalidSetting,
    variables::{Variable, Variables},
};

/// Where systems keep the authorities they trust, in one file.
const SYSTEM_ROOTS: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// What a connection by TLS needs.
#[derive(Debug, Clone)]
pub struct Tls {
    /// Certificates of the authorities that are trusted, as PEM.
    pub(in crate::export) roots: Vec<u8>,
    /// This process' certificate and its key, as PEM.
    pub(in crate::export) identity: Option<(Vec<u8>, Vec<u8>)>,
    /// The same for rustls.
    pub(in crate::export) config: Arc<ClientConfig>,
}

/// Certificates that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum InvalidTls {
    /// There is no authority among them.
    #[error("no certificate of an authority is found that could be trusted")]
    NoRoots,
    /// The key file holds none.
    #[error("the key is none")]
    NoKey,
    /// The certificate and the key don't go together, or one is broken.
    #[error(transparent)]
    Identity(#[from] rustls::Error),
}

impl Tls {
    /// Trusts the authorities of `roots`, and shows a certificate, with its key, where there is one; all as PEM.
    ///
    /// # Errors
    /// See [`InvalidTls`].
    pub fn new(roots: Vec<u8>, identity: Option<(Vec<u8>, Vec<u8>)>) -> Result<Self, InvalidTls> {
        let mut store = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(&roots).flatten() {
            // A bundle may hold what rustls has no use for; that it holds nothing else is seen below.
            let _ = store.add(certificate);
        }
        if store.is_empty() {
            return Err(InvalidTls::NoRoots);
        }
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring has the ciphers of TLS 1.2 and 1.3")
            .with_root_certificates(store);
        let config = match &identity {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                let chain = CertificateDer::pem_slice_iter(certificate).flatten().collect();
                let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| InvalidTls::NoKey)?;
                builder.with_client_auth_cert(chain, key)?
            }
        };
        Ok(Self { roots, identity, config: Arc::new(config) })
    }

    /// What the variables say: `…_CERTIFICATE`, else the system's roots; `…_CLIENT_CERTIFICATE` with `…_CLIENT_KEY`.
    pub(super) fn of(variables: &Variables<'_>, endpoint: Variable) -> Result<Self, InvalidSetting> {
        let (own, of_identity) = identity(variables)?.map_or((None, None), |own| {
            let Identity { certificate, key, variable } = own;
            (Some((certificate, key)), Some(variable))
        });
        let (roots, of_roots) = match variables.own_or_all("CERTIFICATE") {
            Some(given) => (read(&given)?, given),
            None => (system_roots(variables), endpoint),
        };
        Self::new(roots, own).map_err(|fault| match (&fault, of_identity) {
            (InvalidTls::NoKey | InvalidTls::Identity(_), Some(variable)) => variable.wrong(fault.to_string()),
            _ => of_roots.wrong(fault.to_string()),
        })
    }
}

struct Identity {
    certificate: Vec<u8>,
    key: Vec<u8>,
    variable: Variable,
}

fn identity(variables: &Variables<'_>) -> Result<Option<Identity>, InvalidSetting> {
    let Some(variable) = variables.own_or_all("CLIENT_CERTIFICATE") else { return Ok(None) };
    let Some(key) = variables.own_or_all("CLIENT_KEY") else {
        return Err(variable.wrong("goes with a CLIENT_KEY, which is not set"));
    };
    Ok(Some(Identity { certificate: read(&variable)?, key: read(&key)?, variable }))
}

fn read(given: &Variable) -> Result<Vec<u8>, InvalidSetting> {
    std::fs::read(&given.value).map_err(|fault| InvalidSetting {
        variable: given.name.clone(),
        fault: format!("can't be read: {fault}"),
        value: given.value.clone(),
    })
}

fn system_roots(variables: &Variables<'_>) -> Vec<u8> {
    let named = variables.get("SSL_CERT_FILE").map(|given| given.value);
    let mut files = named.into_iter().chain(SYSTEM_ROOTS.map(str::to_owned));
    files.find_map(|file| std::fs::read(file).ok()).unwrap_or_default()
}

//! Certificates from files.

use std::{path::PathBuf, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    server::WebPkiClientVerifier,
};

/// Which files say who this member is, and whom it trusts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files {
    /// Its own certificate, with those that lead to an authority.
    pub certificate: Option<PathBuf>,
    /// The certificate's key.
    pub key: Option<PathBuf>,
    /// The authorities it trusts.
    pub authorities: Option<PathBuf>,
    /// Whether whoever connects must show a certificate of these authorities.
    pub clients_must_show: bool,
}

/// Why certificates can't be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file can't be read, or holds no PEM.
    #[error("cannot read {what} in {}: {reason}", .path.display())]
    File {
        /// What was looked for.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// What came of it.
        reason: String,
    },
    /// They don't fit each other.
    #[error("the certificates can't be used: {0}")]
    Rustls(#[from] rustls::Error),
    /// There is nobody to trust.
    #[error("the trusted CA file can't be used: {0}")]
    Verifier(#[from] rustls::server::VerifierBuilderError),
}

impl Files {
    /// Whether there is a certificate with its key.
    #[must_use]
    pub fn has_certificate(&self) -> bool {
        self.certificate.is_some() && self.key.is_some()
    }

    /// For those who connect; `None` without a certificate.
    ///
    /// # Errors
    /// When files can't be read or don't fit.
    pub fn server(&self, protocols: &[&[u8]]) -> Result<Option<Arc<ServerConfig>>, TlsError> {
        let Some((chain, key)) = self.identity()? else { return Ok(None) };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder =
            ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
        let builder = if self.clients_must_show {
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(self.roots()?), provider).build()?;
            builder.with_client_cert_verifier(verifier)
        } else {
            builder.with_no_client_auth()
        };
        let mut config = builder.with_single_cert(chain, key)?;
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        Ok(Some(Arc::new(config)))
    }

    /// For connecting to others; `None` without authorities.
    ///
    /// # Errors
    /// When files can't be read or don't fit.
    pub fn client(&self) -> Result<Option<Arc<ClientConfig>>, TlsError> {
        if self.authorities.is_none() {
            return Ok(None);
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let builder = builder.with_root_certificates(self.roots()?);
        Ok(Some(Arc::new(match self.identity()? {
            Some((chain, key)) => builder.with_client_auth_cert(chain, key)?,
            None => builder.with_no_client_auth(),
        })))
    }

    fn identity(&self) -> Result<Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>, TlsError> {
        let (Some(certificate), Some(key)) = (&self.certificate, &self.key) else { return Ok(None) };
        let chain = certificates(certificate)?;
        let key = PrivateKeyDer::from_pem_file(key).map_err(|error| unreadable("a private key", key, &error))?;
        Ok(Some((chain, key)))
    }

    fn roots(&self) -> Result<RootCertStore, TlsError> {
        let mut roots = RootCertStore::empty();
        if let Some(authorities) = &self.authorities {
            for certificate in certificates(authorities)? {
                roots.add(certificate)?;
            }
        }
        Ok(roots)
    }
}

fn certificates(path: &PathBuf) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let all = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    all.map_err(|error| unreadable("certificates", path, &error))
}

fn unreadable(what: &'static str, path: &std::path::Path, error: &rustls::pki_types::pem::Error) -> TlsError {
    TlsError::File { what, path: path.to_owned(), reason: error.to_string() }
}

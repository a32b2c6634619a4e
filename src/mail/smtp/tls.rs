//! Whose word is good enough that a server is the one it says it is: one set-up for all connections, which share its
//! TLS sessions.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature,
};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    ClientConfig, ConfigBuilder, DigitallySignedStruct, Error, RootCertStore, SignatureScheme, WantsVerifier,
};

/// The authorities that are believed, and what follows from them, made when it is first needed.
#[derive(Debug, Default)]
pub struct Trust {
    /// In place of the system's.
    roots: Option<Vec<CertificateDer<'static>>>,
    required: OnceLock<Arc<ClientConfig>>,
    opportunistic: OnceLock<Arc<ClientConfig>>,
}

impl Trust {
    /// Believes the system's authorities.
    pub fn system() -> Trust {
        Trust::default()
    }

    /// Believes the authorities of a PEM file, and no others.
    pub fn file(path: &Path) -> Result<Trust, String> {
        let read = || CertificateDer::pem_file_iter(path)?.collect::<Result<Vec<_>, _>>();
        let roots = read().map_err(|error| format!("{}: {error}", path.display()))?;
        if roots.is_empty() {
            return Err(format!("{}: it holds no certificate", path.display()));
        }
        Ok(Trust { roots: Some(roots), ..Trust::default() })
    }

    /// For `tls: required`: the certificate must be the host's, by an authority that is believed.
    pub fn required(&self) -> Result<Arc<ClientConfig>, String> {
        if let Some(config) = self.required.get() {
            return Ok(Arc::clone(config));
        }
        let provider = Arc::new(ring::default_provider());
        let builder = builder(&provider)?;
        let config = match &self.roots {
            Some(roots) => {
                let mut store = RootCertStore::empty();
                for root in roots {
                    store.add(root.clone()).map_err(words)?;
                }
                builder.with_root_certificates(store).with_no_client_auth()
            }
            None => {
                let verifier = rustls_platform_verifier::Verifier::new(provider).map_err(words)?;
                builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth()
            }
        };
        Ok(Arc::clone(self.required.get_or_init(|| Arc::new(config))))
    }

    /// For `tls: opportunistic`, which hides from those who only listen: a certificate that nobody knows is better
    /// than none.
    pub fn opportunistic(&self) -> Result<Arc<ClientConfig>, String> {
        if let Some(config) = self.opportunistic.get() {
            return Ok(Arc::clone(config));
        }
        let provider = Arc::new(ring::default_provider());
        let anybody = Anybody(provider.signature_verification_algorithms);
        let config = builder(&provider)?;
        let config = config.dangerous().with_custom_certificate_verifier(Arc::new(anybody)).with_no_client_auth();
        Ok(Arc::clone(self.opportunistic.get_or_init(|| Arc::new(config))))
    }
}

fn builder(provider: &Arc<CryptoProvider>) -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, String> {
    ClientConfig::builder_with_provider(Arc::clone(provider)).with_safe_default_protocol_versions().map_err(words)
}

fn words(error: Error) -> String {
    error.to_string()
}

/// Takes any certificate whose key signed the handshake.
#[derive(Debug)]
struct Anybody(WebPkiSupportedAlgorithms);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}

//! Whose certificates count.

use std::path::Path;

use reqwest::{Certificate, Client, ClientBuilder};

use super::fault::ClientBuildError;

/// Builds with the authorities of `ca_file` alone, or with the platform's.
///
/// A CA file replaces the platform's authorities: an operator that names whom to believe does not mean "and everybody
/// else".
pub(super) fn build(builder: impl Fn() -> ClientBuilder, ca_file: Option<&Path>) -> Result<Client, ClientBuildError> {
    // Fails when another part of the process installed a provider first, and then that one serves as well.
    let _already_installed = rustls::crypto::ring::default_provider().install_default();
    if let Some(path) = ca_file {
        let authorities = read_authorities(path)?;
        return builder().tls_certs_only(authorities).build().map_err(|error| ClientBuildError::tls(&error));
    }
    builder().build().or_else(|error| {
        // A machine without any authorities must still run a demo on loopback; each https fetch will fail and say why.
        tracing::warn!(error = %error, "this machine has no certificate authorities; set peers.ca_file to reach peers by https");
        builder().tls_certs_only([]).build().map_err(|error| ClientBuildError::tls(&error))
    })
}

fn read_authorities(path: &Path) -> Result<Vec<Certificate>, ClientBuildError> {
    let unusable = |reason: String| ClientBuildError::CaFile { path: path.to_owned(), reason };
    let pem = std::fs::read(path).map_err(|error| unusable(error.to_string()))?;
    let authorities = Certificate::from_pem_bundle(&pem).map_err(|error| unusable(error.to_string()))?;
    if authorities.is_empty() {
        return Err(unusable("it holds no PEM certificate".to_owned()));
    }
    Ok(authorities)
}

//! A certificate and its key, read from their files and looked at: whether they can be read, fit each other, and are
//! within their time. What is wrong is said in one line; nothing of the key is.

use super::Files;
use crate::{
    clock::Clock,
    config::{ConfigError, readable_by_everybody},
};
use std::{fs, path::Path, sync::Arc, time::Duration};
use tokio_rustls::rustls::{
    CertificateError, Error, RootCertStore,
    client::{WebPkiServerVerifier, danger::ServerCertVerifier},
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject},
    sign::CertifiedKey,
};

/// No certificate is read that is longer: a chain has a few KiB.
const BYTES_MAX: u64 = 1_024 * 1_024;
/// The end of the year 9999: whatever ends later does not end.
const NEVER: u64 = 253_402_300_799;
const DAY: u64 = 24 * 60 * 60;

/// A certificate with its key, ready to be shown.
pub(super) struct Pair {
    pub(super) shown: Arc<CertifiedKey>,
    /// Seconds since 1970.
    pub(super) ends_at: u64,
}

/// Whole days until then; fewer than none when it has passed.
pub(super) fn days_until(ends_at: u64) -> i64 {
    let (ends, now) = (i64::try_from(ends_at), i64::try_from(now()));
    let left = ends.unwrap_or(i64::MAX).saturating_sub(now.unwrap_or(0));
    left.div_euclid(i64::try_from(DAY).unwrap_or(1))
}

impl Pair {
    /// Reads both files.
    pub(super) fn read(files: &Files) -> Result<Self, ConfigError> {
        let certificate_file = Path::new(&files.certificate);
        let key_file = Path::new(&files.key);
        let wrong = |why: &str| files.invalid("certificate_file", certificate_file, why);
        let wrong_key = |why: &str| files.invalid("key_file", key_file, why);
        let chain = certificates(certificate_file).map_err(|why| wrong(&why))?;
        let bytes = bytes(key_file).map_err(|why| wrong_key(&why))?;
        if readable_by_everybody(key_file) {
            return Err(ConfigError::Exposed(key_file.to_owned()));
        }
        let key = PrivateKeyDer::from_pem_slice(&bytes)
            .map_err(|_| wrong_key("it holds no key without a password (PEM)"))?;
        let first = chain.first().cloned();
        let shown = CertifiedKey::from_der(chain, key, &provider()).map_err(|error| {
            if matches!(error, Error::InconsistentKeys(_)) {
                return wrong_key("the certificate does not belong to it");
            }
            wrong_key(&error.to_string())
        })?;
        let first = first.ok_or_else(|| wrong("it holds no certificate"))?;
        let ends_at = within_its_time(first).map_err(|why| wrong(&why))?;
        Ok(Self {
            shown: Arc::new(shown),
            ends_at,
        })
    }
}

/// The library's own choice of ciphers and curves.
pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// Whose certificates are believed: those in a file, and nobody else's.
pub(super) fn authorities(files: &Files) -> Result<Arc<RootCertStore>, ConfigError> {
    let file = Path::new(&files.authorities);
    let wrong = |why: &str| files.invalid("authorities_file", file, why);
    let mut roots = RootCertStore::empty();
    for certificate in certificates(file).map_err(|why| wrong(&why))? {
        let added = roots.add(certificate);
        added.map_err(|error| wrong(&error.to_string()))?;
    }
    Ok(Arc::new(roots))
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let bytes = bytes(file)?;
    let chain = CertificateDer::pem_slice_iter(&bytes).collect::<Result<Vec<_>, _>>();
    let chain = chain.map_err(|error| format!("it is no PEM: {error}"))?;
    if chain.is_empty() {
        return Err("it holds no certificate (PEM)".to_owned());
    }
    Ok(chain)
}

fn bytes(file: &Path) -> Result<Vec<u8>, String> {
    let length = fs::metadata(file).map_err(|error| format!("it cannot be read: {error}"))?;
    if length.len() > BYTES_MAX {
        return Err(format!("it has more than {BYTES_MAX} bytes"));
    }
    fs::read(file).map_err(|error| format!("it cannot be read: {error}"))
}

/// When the certificate ends, if it has begun and has not ended yet. Those who come look at it in the same way.
fn within_its_time(certificate: CertificateDer<'static>) -> Result<u64, String> {
    let at = |seconds| UnixTime::since_unix_epoch(Duration::from_secs(seconds));
    let today = verdict(&certificate, at(now()));
    if let Err(CertificateError::ExpiredContext { not_after, .. }) = today {
        let days = now().saturating_sub(not_after.as_secs()).div_euclid(DAY);
        return Err(format!("it ended {days} days ago"));
    }
    // Who signed it, and for whom, is for those to judge who come.
    let why = match today {
        Err(CertificateError::Expired) => "it ends before it begins",
        Err(CertificateError::NotValidYetContext { .. }) => "its time has not begun yet",
        Err(CertificateError::BadEncoding) => "it cannot be understood",
        Ok(()) | Err(_) => "",
    };
    if !why.is_empty() {
        return Err(why.to_owned());
    }
    match verdict(&certificate, at(NEVER)) {
        Err(CertificateError::ExpiredContext { not_after, .. }) => Ok(not_after.as_secs()),
        Ok(()) | Err(_) => Ok(NEVER),
    }
}

fn verdict(certificate: &CertificateDer<'static>, at: UnixTime) -> Result<(), CertificateError> {
    let mut roots = RootCertStore::empty();
    let unread = |_| CertificateError::BadEncoding;
    roots.add(certificate.clone()).map_err(unread)?;
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider())
        .build()
        .map_err(|_| CertificateError::BadEncoding)?;
    let anybody = ServerName::from(std::net::Ipv4Addr::LOCALHOST);
    match verifier.verify_server_cert(certificate, &[], &anybody, &[], at) {
        Err(Error::InvalidCertificate(why)) => Err(why),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Seconds since 1970.
pub(super) fn now() -> u64 {
    u64::try_from(Clock::System.now().as_ms().div_euclid(1_000)).unwrap_or(0)
}

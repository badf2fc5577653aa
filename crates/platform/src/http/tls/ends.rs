//! What connections begin with: a certificate to show, authorities to believe. Made of files, and not changed
//! afterwards. It reads them, and decides nothing about who may come.

use super::pair::{self, Pair, authorities, provider};
use crate::config::ConfigError;
use std::{fmt::Display, path::Path, sync::Arc, time::Duration};
use tokio_rustls::rustls::{
    CertificateError, ClientConfig, Error, RootCertStore, ServerConfig,
    client::{WebPkiServerVerifier, danger::ServerCertVerifier},
    pki_types::{ServerName, UnixTime},
    server::{WebPkiClientVerifier, danger::ClientCertVerifier},
    sign::SingleCertAndKey,
};

/// Newest first; whoever names none of them speaks HTTP/1.1.
const AT_THE_DOOR: [&[u8]; 2] = [b"h2", b"http/1.1"];
/// What nodes speak with each other.
const BETWEEN_NODES: [&[u8]; 1] = [b"http/1.1"];

/// Where TLS is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// With everybody.
    Door,
    /// Between the nodes of the shop.
    Nodes,
}

impl Place {
    const fn section(self) -> &'static str {
        match self {
            Self::Door => "http.tls",
            Self::Nodes => "internal.tls",
        }
    }

    pub(super) const fn who(self) -> &'static str {
        match self {
            Self::Door => "the door",
            Self::Nodes => "the node",
        }
    }
}

/// Files, and what is asked of them. An empty name is no file.
#[derive(Debug, Clone)]
pub(super) struct Files {
    pub(super) place: Place,
    pub(super) certificate: String,
    pub(super) key: String,
    pub(super) authorities: String,
    /// What whoever is asked must be called by their certificate.
    pub(super) name: String,
    /// Whether whoever asks has to show one.
    pub(super) asks_for_one: bool,
    pub(super) look_every_ms: u64,
}

impl Files {
    /// One line that says what cannot be used.
    pub(super) fn invalid(&self, key: &str, file: &Path, why: &str) -> ConfigError {
        let (section, file) = (self.place.section(), file.display());
        ConfigError::Invalid(format!("{section}.{key}: {file}: {why}"))
    }

    fn unusable(&self, error: impl Display) -> ConfigError {
        let section = self.place.section();
        ConfigError::Invalid(format!("{section}: {error}"))
    }
}

/// Both ends of connections. Clones share them.
#[derive(Debug, Clone)]
pub(super) struct Ends {
    /// For those who come.
    pub(super) server: Option<Arc<ServerConfig>>,
    /// For those who are asked.
    pub(super) client: Option<Arc<ClientConfig>>,
    /// When the certificate ends, in seconds since 1970.
    pub(super) ends_at: Option<u64>,
}

/// What the door has: a certificate, and nobody to believe.
pub(super) fn at_the_door(files: &Files) -> Result<Ends, ConfigError> {
    let pair = Pair::read(files)?;
    Ok(Ends {
        server: Some(server(files, &pair, None, &AT_THE_DOOR)?),
        client: None,
        ends_at: Some(pair.ends_at),
    })
}

/// What a node has: authorities, and a certificate of theirs if it shows one.
pub(super) fn between_nodes(files: &Files) -> Result<Ends, ConfigError> {
    let roots = authorities(files)?;
    let pair = match files.certificate.as_str() {
        "" => None,
        _ => Some(Pair::read(files)?),
    };
    let mut config = None;
    if let Some(pair) = &pair {
        is_believed(files, pair, &roots)?;
        let verifier = match files.asks_for_one {
            true => Some(callers(files, &roots)?),
            false => None,
        };
        config = Some(server(files, pair, verifier, &BETWEEN_NODES)?);
    }
    Ok(Ends {
        server: config,
        client: Some(client(files, pair.as_ref(), roots)?),
        ends_at: pair.map(|pair| pair.ends_at),
    })
}

fn server(
    files: &Files,
    pair: &Pair,
    verifier: Option<Arc<dyn ClientCertVerifier>>,
    protocols: &[&[u8]],
) -> Result<Arc<ServerConfig>, ConfigError> {
    let config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| files.unusable(error))?;
    let config = match verifier {
        Some(verifier) => config.with_client_cert_verifier(verifier),
        None => config.with_no_client_auth(),
    };
    // The same for every name, and for whoever says none.
    let mut config = config.with_cert_resolver(Arc::new(shown(pair)));
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    Ok(Arc::new(config))
}

fn client(
    files: &Files,
    pair: Option<&Pair>,
    roots: Arc<RootCertStore>,
) -> Result<Arc<ClientConfig>, ConfigError> {
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| files.unusable(error))?
        .with_root_certificates(roots);
    let mut config = match pair {
        Some(pair) => config.with_client_cert_resolver(Arc::new(shown(pair))),
        None => config.with_no_client_auth(),
    };
    config.alpn_protocols = BETWEEN_NODES.map(<[u8]>::to_vec).to_vec();
    Ok(Arc::new(config))
}

fn shown(pair: &Pair) -> SingleCertAndKey {
    SingleCertAndKey::from(Arc::clone(&pair.shown))
}

/// Who is believed that asks.
fn callers(
    files: &Files,
    roots: &Arc<RootCertStore>,
) -> Result<Arc<dyn ClientCertVerifier>, ConfigError> {
    WebPkiClientVerifier::builder_with_provider(Arc::clone(roots), provider())
        .build()
        .map_err(|error| files.unusable(error))
}

/// Whether the others would believe the pair, who have the same authorities and ask for the same name: what they would
/// not is found out here, and not by them.
fn is_believed(files: &Files, pair: &Pair, roots: &Arc<RootCertStore>) -> Result<(), ConfigError> {
    let wrong = |why: &str| {
        let file = Path::new(&files.certificate);
        files.invalid("certificate_file", file, why)
    };
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::clone(roots), provider())
        .build()
        .map_err(|error| files.unusable(error))?;
    let name = server_name(&files.name).map_err(|why| files.unusable(why))?;
    let (first, others) = pair
        .shown
        .cert
        .split_first()
        .ok_or_else(|| wrong("it is empty"))?;
    let at = UnixTime::since_unix_epoch(Duration::from_secs(pair::now()));
    match verifier.verify_server_cert(first, others, &name, &[], at) {
        Ok(_) => Ok(()),
        Err(Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        )) => Err(wrong(&format!("it is not for the name {}", files.name))),
        // Another authority may well have the same name.
        Err(Error::InvalidCertificate(
            CertificateError::UnknownIssuer | CertificateError::BadSignature,
        )) => Err(wrong(
            "nobody of internal.tls.authorities_file has signed it",
        )),
        Err(error) => Err(wrong(&error.to_string())),
    }
}

/// A name as certificates have it.
pub(super) fn server_name(name: &str) -> Result<ServerName<'static>, String> {
    match ServerName::try_from(name.to_owned()) {
        Ok(name @ ServerName::DnsName(_)) => Ok(name),
        Ok(_) | Err(_) => Err(format!(
            "name: \"{name}\" is no name as certificates have it"
        )),
    }
}

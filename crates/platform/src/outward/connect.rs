//! A connection to exactly the address that was looked at: its name is not asked for again, no proxy stands in
//! between, and TLS checks that whoever answers has the name.

use super::{Options, OutwardError, address::Address, resolve::Resolve};
use contracts::BoxError;
use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::aws_lc_rs,
        pki_types::{CertificateDer, ServerName, pem::PemObject},
    },
};
use url::Host;

/// Of the addresses of a name, so many are tried.
const TRIES_MAX: usize = 4;

/// Bytes there and back.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Believes the system's roots (or those in the file that `SSL_CERT_FILE` names), and those of a file of our own.
pub(super) fn tls(file: &str) -> Result<TlsConnector, BoxError> {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    let (known, _) = roots.add_parsable_certificates(found.certs);
    if !file.is_empty() {
        let cannot = |error| format!("outward.roots: {file} holds no certificates: {error}");
        let certificates = CertificateDer::pem_file_iter(file).map_err(cannot)?;
        for certificate in certificates {
            roots.add(certificate.map_err(cannot)?)?;
        }
    }
    if roots.is_empty() {
        let errors: Vec<String> = found.errors.iter().map(ToString::to_string).collect();
        return Err(format!("no root certificates were found: {}", errors.join(", ")).into());
    }
    tracing::debug!(roots.system = known, "root certificates were read");
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}

/// Connects, and agrees on TLS.
pub(super) async fn connect(
    address: &Address,
    options: &Options,
    resolver: &dyn Resolve,
    tls: &TlsConnector,
) -> Result<Box<dyn Stream>, OutwardError> {
    let found = admitted(address, options, resolver).await?;
    let each = options
        .connect_timeout()
        .checked_div(u32::try_from(found.len().clamp(1, TRIES_MAX)).unwrap_or(1));
    let stream = first_that_answers(&found, address.port(), each.unwrap_or_default()).await?;
    if !address.is_encrypted() {
        return Ok(Box::new(stream));
    }
    let stream = tls.connect(server_name(address)?, stream).await;
    Ok(Box::new(stream.map_err(unreachable)?))
}

/// The addresses of the host. One that leads inside spoils the others: an honest name has none.
async fn admitted(
    address: &Address,
    options: &Options,
    resolver: &dyn Resolve,
) -> Result<Vec<IpAddr>, OutwardError> {
    options.admit(address)?;
    let found = match address.host()? {
        Host::Ipv4(ip) => vec![IpAddr::V4(ip)],
        Host::Ipv6(ip) => vec![IpAddr::V6(ip)],
        Host::Domain(name) => {
            let found = resolver.addresses(name).await;
            found.map_err(OutwardError::Unresolved)?
        }
    };
    let admitted = found.into_iter().map(|ip| options.admit_ip(ip));
    Ok(admitted.collect::<Result<_, _>>()?)
}

async fn first_that_answers(
    found: &[IpAddr],
    port: u16,
    each: Duration,
) -> Result<TcpStream, OutwardError> {
    let mut failed: BoxError = "the name has no address".into();
    for ip in found.iter().take(TRIES_MAX) {
        match timeout(each, TcpStream::connect(SocketAddr::new(*ip, port))).await {
            Ok(Ok(stream)) => {
                stream.set_nodelay(true).map_err(unreachable)?;
                return Ok(stream);
            }
            Ok(Err(error)) => failed = error.into(),
            Err(late) => failed = late.into(),
        }
    }
    Err(OutwardError::Unreachable(failed))
}

fn server_name(address: &Address) -> Result<ServerName<'static>, OutwardError> {
    let name = match address.host()? {
        Host::Domain(name) => ServerName::try_from(name.to_owned()).map_err(unreachable)?,
        Host::Ipv4(ip) => ServerName::IpAddress(IpAddr::V4(ip).into()),
        Host::Ipv6(ip) => ServerName::IpAddress(IpAddr::V6(ip).into()),
    };
    Ok(name)
}

fn unreachable(error: impl Into<BoxError>) -> OutwardError {
    OutwardError::Unreachable(error.into())
}

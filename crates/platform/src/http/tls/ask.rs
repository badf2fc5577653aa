//! One question to a door, with TLS or without it, of which only the status of the answer is looked at: for whoever
//! wants to know whether a shop is well. It sends no secret and follows no redirect.

use super::pair::provider;
use axum::{
    body::Bytes,
    http::{Request, StatusCode, header::HOST},
};
use contracts::BoxError;
use futures_util::future::{Either, select};
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use std::{net::SocketAddr, path::Path, pin::pin, sync::Arc};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, RootCertStore,
        pki_types::{CertificateDer, ServerName, pem::PemObject},
    },
};
use url::{Host, Url};

/// What is asked, and who is believed to answer.
#[derive(Debug, Clone, Copy)]
pub struct Question<'q> {
    /// `http://` or `https://`, with a path.
    pub url: &'q str,
    /// A file of the certificates of those who are believed; none: the system's.
    pub authorities: Option<&'q Path>,
    /// The name that the certificate must have; none: the address's.
    pub name: Option<&'q str>,
}

/// Asks once. Whoever calls bounds how long it may take.
///
/// # Errors
/// When the address cannot be read, nobody is there, or who is there is not believed.
pub async fn status(question: &Question<'_>) -> Result<StatusCode, BoxError> {
    let url = Url::parse(question.url)?;
    let port = url.port_or_known_default().ok_or("it has no port")?;
    let stream = match url.host().ok_or("it has no host")? {
        Host::Domain(name) => TcpStream::connect((name, port)).await?,
        Host::Ipv4(ip) => TcpStream::connect(SocketAddr::new(ip.into(), port)).await?,
        Host::Ipv6(ip) => TcpStream::connect(SocketAddr::new(ip.into(), port)).await?,
    };
    match url.scheme() {
        "http" => talk(stream, &url).await,
        "https" => {
            let name = server_name(&url, question.name)?;
            let connector = TlsConnector::from(Arc::new(config(question.authorities)?));
            talk(connector.connect(name, stream).await?, &url).await
        }
        other => Err(format!("{other} is not spoken here").into()),
    }
}

fn server_name(url: &Url, name: Option<&str>) -> Result<ServerName<'static>, BoxError> {
    Ok(match (name, url.host().ok_or("it has no host")?) {
        (Some(name), _) => ServerName::try_from(name.to_owned())?,
        (None, Host::Domain(name)) => ServerName::try_from(name.to_owned())?,
        (None, Host::Ipv4(ip)) => ServerName::from(ip),
        (None, Host::Ipv6(ip)) => ServerName::from(ip),
    })
}

fn config(authorities: Option<&Path>) -> Result<ClientConfig, BoxError> {
    let mut roots = RootCertStore::empty();
    match authorities {
        Some(file) => {
            for certificate in CertificateDer::pem_file_iter(file)? {
                roots.add(certificate?)?;
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    if roots.is_empty() {
        return Err("there are no certificates to believe".into());
    }
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

async fn talk<S>(stream: S, url: &Url) -> Result<StatusCode, BoxError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) =
        http1::handshake::<_, Empty<Bytes>>(TokioIo::new(stream)).await?;
    let host = url.authority();
    let request = Request::get(url.path())
        .header(HOST, host)
        .body(Empty::new())?;
    let answering = pin!(sender.send_request(request));
    // The connection works only while somebody waits for the answer.
    match select(answering, pin!(connection)).await {
        Either::Left((answer, _)) => Ok(answer?.status()),
        Either::Right((_, answering)) => Ok(answering.await?.status()),
    }
}

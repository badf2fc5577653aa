//! A shop that speaks TLS, and somebody who calls it: by name or without one, with the protocols that they know. What
//! is trusted is the test's authority alone.

use std::sync::Arc;
use testkit::{Authority, Folder, Running, binary};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        ClientConfig, RootCertStore,
        pki_types::{CertificateDer, ServerName, pem::PemObject},
    },
};

/// A shop in a process, with its log in a file.
pub(crate) struct Secure {
    pub(crate) process: Running,
    /// `127.0.0.1:PORT`, where it speaks TLS.
    pub(crate) address: String,
    /// Where it sends people to TLS.
    pub(crate) beside: String,
    /// Where its metrics are.
    pub(crate) metrics: String,
    pub(crate) authority: Authority,
    folder: Folder,
}

impl Secure {
    /// Without openssl there is none.
    pub(crate) async fn start(settings: &[(&str, &str)]) -> Option<Self> {
        let authority = Authority::new("DNS:localhost,IP:127.0.0.2")?;
        let folder = Folder::default();
        for name in ["server.pem", "server.key"] {
            let text = std::fs::read(authority.at(name)).unwrap();
            folder.write(name, text);
        }
        let (certificate, key) = (folder.at("server.pem"), folder.at("server.key"));
        let mut all = vec![
            ("SOUK_SHOP__DEMO", "false"),
            ("SOUK_LIMITS__ENABLED", "false"),
            ("SOUK_HTTP__TLS__CERTIFICATE_FILE", certificate.as_str()),
            ("SOUK_HTTP__TLS__KEY_FILE", &key),
            ("SOUK_HTTP__TLS__REDIRECT_LISTEN", "127.0.0.1:0"),
            ("SOUK_HTTP__OPS_LISTEN", "127.0.0.1:0"),
        ];
        all.extend(settings);
        let arguments = ["serve", "--ephemeral", "--listen", "127.0.0.1:0"];
        let log = folder.at("log");
        let mut process = Running::start_logged(binary(), &arguments, &all, log.as_ref());
        let beside = process
            .after("To TLS")
            .await
            .trim_end_matches('/')
            .to_owned();
        let metrics = process.after("Metrics").await;
        let url = process.after("listening on").await;
        let address = url
            .strip_prefix("https://")
            .expect("it speaks TLS")
            .to_owned();
        Some(Self {
            process,
            address,
            beside,
            metrics,
            authority,
            folder,
        })
    }

    /// Puts another pair of the authority's in place of the one that is there.
    pub(crate) fn exchange(&self, name: &str) {
        for end in ["pem", "key"] {
            let new = std::fs::read(self.authority.at(&format!("{name}.{end}"))).unwrap();
            self.put(&format!("server.{end}"), &new);
        }
    }

    /// Puts a file in place of one of the pair, at once, as tools do that renew certificates.
    pub(crate) fn put(&self, name: &str, content: &[u8]) {
        let new = self.folder.write("new", content);
        std::fs::rename(new, self.folder.at(name)).unwrap();
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.at("log")).unwrap()
    }

    /// A counter or gauge of its metrics; 0 where nothing was counted yet.
    pub(crate) async fn metric(&self, name: &str) -> i64 {
        let text = reqwest::get(&self.metrics).await.unwrap().text().await;
        let text = text.unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.map_or(0, |value| value.trim().parse().unwrap())
    }

    /// Somebody who knows these protocols.
    pub(crate) fn caller(&self, protocols: &[&str]) -> Caller {
        let mut roots = RootCertStore::empty();
        let authority = CertificateDer::from_pem_file(self.authority.at("ca.pem")).unwrap();
        roots.add(authority).unwrap();
        let mut config = ClientConfig::builder()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = protocols
            .iter()
            .map(|name| name.as_bytes().to_vec())
            .collect();
        Caller {
            connector: TlsConnector::from(Arc::new(config)),
            address: self.address.clone(),
        }
    }
}

pub(crate) struct Caller {
    connector: TlsConnector,
    address: String,
}

impl Caller {
    /// A connection; the certificate has to be right, and of this name.
    pub(crate) async fn connect(&self, name: &'static str) -> std::io::Result<Line> {
        let stream = TcpStream::connect(&self.address).await?;
        let name = ServerName::try_from(name).unwrap();
        Ok(Line(self.connector.connect(name, stream).await?))
    }
}

/// A connection on TLS.
pub(crate) struct Line(pub(crate) TlsStream<TcpStream>);

impl Line {
    /// What both sides chose to speak.
    pub(crate) fn protocol(&self) -> Option<&str> {
        let chosen = self.0.get_ref().1.alpn_protocol()?;
        std::str::from_utf8(chosen).ok()
    }

    /// The certificate that was shown.
    pub(crate) fn certificate(&self) -> Vec<u8> {
        self.0.get_ref().1.peer_certificates().unwrap()[0].to_vec()
    }

    /// Asks by HTTP/1.1 on a connection that stays open; the whole answer as text.
    pub(crate) async fn get(&mut self, path: &str) -> std::io::Result<String> {
        let request =
            format!("GET {path} HTTP/1.1\r\nhost: localhost\r\naccept: text/html\r\n\r\n");
        self.0.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        let mut piece = vec![0; 16 * 1_024];
        loop {
            let count = self.0.read(&mut piece).await?;
            if count == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            answer.push_str(&String::from_utf8_lossy(&piece[..count]));
            let Some((head, body)) = answer.split_once("\r\n\r\n") else {
                continue;
            };
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "));
            let length: usize = length.map_or(0, |length| length.parse().unwrap());
            if body.len() >= length {
                return Ok(answer);
            }
        }
    }
}

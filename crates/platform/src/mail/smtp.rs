//! The mailer that gives mails to an SMTP server, one connection a mail. Certificates are checked, and where
//! encryption is asked for nothing is sent without it.

use super::{Mail, Mailer, Options, TlsKind, compose};
use async_trait::async_trait;
use contracts::BoxError;
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Tokio1Executor,
    message::Mailbox,
    transport::smtp::{
        authentication::Credentials,
        client::{Tls, TlsParameters},
    },
};
use secrecy::ExposeSecret;
use std::time::Duration;

/// Sends mails through a server.
pub(super) struct SmtpMailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    target: String,
    longest: Duration,
}

impl SmtpMailer {
    pub(super) fn new(options: &Options, from: Mailbox) -> Result<Self, BoxError> {
        let host = options.host.clone();
        let tls = match options.tls {
            TlsKind::None => Tls::None,
            TlsKind::Starttls => Tls::Required(TlsParameters::new(host.clone())?),
            TlsKind::Tls => Tls::Wrapper(TlsParameters::new(host.clone())?),
        };
        let longest = Duration::from_millis(options.timeout_ms);
        // The builder is called so because it does not encrypt by itself; how it does was decided above.
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host.clone())
            .port(options.port)
            .tls(tls)
            .timeout(Some(longest));
        if let Some(password) = options.password.given() {
            let password = password.expose_secret().to_owned();
            builder = builder.credentials(Credentials::new(options.user.clone(), password));
        }
        Ok(Self {
            transport: builder.build(),
            from,
            target: format!("{host}:{}", options.port),
            longest,
        })
    }
}

#[async_trait]
impl Mailer for SmtpMailer {
    async fn send(&self, mail: &Mail) -> Result<(), BoxError> {
        let message = compose(mail, &self.from)?;
        // The transport bounds each of its steps; this bounds them together.
        let sending = tokio::time::timeout(self.longest, self.transport.send(message));
        match sending.await {
            Ok(Ok(_)) => Ok(()),
            // A server's own words may repeat the address.
            Ok(Err(error)) if error.is_permanent() => Err("the server refused the mail".into()),
            Ok(Err(error)) if error.is_transient() => {
                Err("the server could not take it now".into())
            }
            Ok(Err(error)) => Err(error.into()),
            Err(_) => Err("the server did not answer in time".into()),
        }
    }

    fn target(&self) -> String {
        format!("the server {}", self.target)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{options::tests::options, tests::mail};
    use super::*;
    use tokio::{
        io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
        net::TcpListener,
    };

    /// A server that takes one mail and answers its recipient with this line; what it was told.
    async fn server(listener: TcpListener, recipient: &str) -> Vec<String> {
        let (mut stream, _) = listener.accept().await.unwrap();
        let (reading, mut writing) = stream.split();
        let mut lines = BufReader::new(reading).lines();
        let mut told = Vec::new();
        let mut in_body = false;
        writing.write_all(b"220 here\r\n").await.unwrap();
        while let Ok(Some(line)) = lines.next_line().await {
            let answer = match line.split(' ').next().unwrap_or_default() {
                "." => {
                    in_body = false;
                    "250 taken"
                }
                _ if in_body => "",
                "RCPT" => recipient,
                "DATA" => {
                    in_body = true;
                    "354 go on"
                }
                "QUIT" => "221 bye",
                _ => "250 fine",
            };
            told.push(line);
            if !answer.is_empty() {
                let answer = format!("{answer}\r\n");
                writing.write_all(answer.as_bytes()).await.unwrap();
            }
        }
        told
    }

    async fn sent(recipient: &str, tls: &str) -> (Result<(), BoxError>, Vec<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let options = options(serde_json::json!({
            "mailer": "smtp", "tls": tls, "port": port, "timeout_ms": 5_000,
        }));
        let mailer = SmtpMailer::new(&options, options.sender().unwrap()).unwrap();
        let mail = mail("ann@example.com");
        let (sent, told) = tokio::join!(
            async {
                let sent = mailer.send(&mail).await;
                drop(mailer);
                sent
            },
            server(listener, recipient)
        );
        (sent, told)
    }

    #[tokio::test]
    async fn a_server_gets_the_mail_and_its_id() {
        let (sent, told) = sent("250 fine", "none").await;
        sent.unwrap();
        for line in [
            "MAIL FROM:<souk@localhost>",
            "RCPT TO:<ann@example.com>",
            "Message-ID: <mail_1@localhost>",
            "Good morning.",
        ] {
            assert!(told.iter().any(|told| told.starts_with(line)), "{told:?}");
        }
    }

    #[tokio::test]
    async fn a_refusal_is_told_without_the_address() {
        let (sent, _) = sent("550 <ann@example.com> is unknown", "none").await;
        assert_eq!(sent.unwrap_err().to_string(), "the server refused the mail");
    }

    #[tokio::test]
    async fn nothing_is_sent_in_clear_where_encryption_is_asked_for() {
        let (sent, told) = sent("250 fine", "starttls").await;
        assert!(sent.is_err());
        assert!(
            told.iter().all(|line| !line.starts_with("MAIL")),
            "{told:?}"
        );
    }
}

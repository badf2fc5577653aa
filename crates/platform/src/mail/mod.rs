//! Mails, and the ways they leave by. A mailer sends what it is given, once for each call, and keeps no queue: whoever
//! owes a mail keeps it in the commit that caused it and calls again until it went. It never logs whom a mail is for
//! or what it says.

mod file;
mod options;
mod smtp;

pub use options::{DEFAULTS, MailerKind, Options, TlsKind};

use async_trait::async_trait;
use contracts::{BoxError, values::Email};
use lettre::{
    Address, Message,
    message::{
        Body, Mailbox, MultiPart, SinglePart,
        header::{ContentTransferEncoding, ContentType},
    },
};
use std::{borrow::Cow, path::Path, sync::Arc};

/// The longest line of a mail.
const LINE_MAX: usize = 998;

/// Between the two ways of saying the same; no line of a mail reads so.
const BOUNDARY: &str = "souk-the-same-in-other-words";

/// A mail that is ready to go.
pub struct Mail {
    /// The same for each try: `Message-ID` is made of it, so that a mail that went twice is seen to be one.
    pub id: String,
    /// Whom it is for.
    pub to: Email,
    /// What it is about, in a line.
    pub subject: Cow<'static, str>,
    /// What it says.
    pub text: String,
    /// The same as HTML, for programs that would rather show that.
    pub html: Option<String>,
}

/// A way for mails to leave.
#[async_trait]
pub trait Mailer: Send + Sync {
    /// Sends a mail, or says why it did not go. Sending it again does no harm.
    async fn send(&self, mail: &Mail) -> Result<(), BoxError>;
    /// Where mails go, for the log.
    fn target(&self) -> String;
}

/// The mailer that the settings name. Nothing is connected to yet.
///
/// # Errors
/// When a setting cannot work.
pub fn open(options: &Options, data_folder: &Path) -> Result<Arc<dyn Mailer>, BoxError> {
    options.check()?;
    let from = options.sender()?;
    Ok(match options.mailer {
        MailerKind::File => {
            let folder = match options.folder.as_str() {
                "" => data_folder.join("mails"),
                given => given.into(),
            };
            let files_max = usize::try_from(options.files_max)?;
            Arc::new(file::FileMailer::new(folder, from, files_max))
        }
        MailerKind::Smtp => Arc::new(smtp::SmtpMailer::new(options, from)?),
    })
}

/// The mail as it travels (RFC 5322).
fn compose(mail: &Mail, from: &Mailbox) -> Result<Message, BoxError> {
    let to: Address = mail
        .to
        .as_str()
        .parse()
        .map_err(|_| "no mail can be sent to this address")?;
    let id = format!("<{}@{}>", mail.id, from.email.domain());
    let builder = Message::builder()
        .message_id(Some(id))
        .from(from.clone())
        .to(Mailbox::new(None, to))
        .subject(mail.subject.as_ref());
    let message = match &mail.html {
        None => builder
            .header(ContentType::TEXT_PLAIN)
            .body(body(&mail.text)),
        Some(html) => {
            let part = |kind, text: &str| SinglePart::builder().header(kind).body(body(text));
            let both = MultiPart::alternative()
                .boundary(BOUNDARY)
                .singlepart(part(ContentType::TEXT_PLAIN, &mail.text))
                .singlepart(part(ContentType::TEXT_HTML, html));
            builder.multipart(both)
        }
    };
    message.map_err(Into::into)
}

/// As it is, if it may travel so (RFC 5322, 2.1.1): whoever looks at a file finds a link whole.
fn body(text: &str) -> Body {
    if text.is_ascii() && text.lines().all(|line| line.len() <= LINE_MAX) {
        let bytes = text.as_bytes().to_vec();
        return Body::dangerous_pre_encoded(bytes, ContentTransferEncoding::SevenBit);
    }
    Body::new(text.to_owned())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn mail(to: &str) -> Mail {
        Mail {
            id: "mail_1".to_owned(),
            to: Email::parse(to).unwrap(),
            subject: "Hello".into(),
            text: format!(
                "Good morning.\r\nhttps://shop.example/?token={}\r\n",
                "x".repeat(43)
            ),
            html: None,
        }
    }

    fn text(to: &str) -> String {
        let from = "The Shop <shop@shop.example>".parse().unwrap();
        let message = compose(&mail(to), &from).unwrap();
        String::from_utf8(message.formatted()).unwrap()
    }

    #[test]
    fn a_mail_says_whom_it_is_from_and_keeps_its_id() {
        let text = text("ann@example.com");
        for line in [
            "Message-ID: <mail_1@shop.example>\r\n",
            "From: \"The Shop\" <shop@shop.example>\r\n",
            "To: ann@example.com\r\n",
            "Subject: Hello\r\n",
            "\r\n\r\nGood morning.\r\nhttps://shop.example/?token=xxx",
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
    }

    #[test]
    fn an_address_of_another_script_travels_too() {
        assert!(text("ann@bücher.example").contains("\r\nTo: "));
    }

    #[test]
    fn what_is_said_twice_is_said_in_plain_text_first() {
        let from = "shop@shop.example".parse().unwrap();
        let both = Mail {
            html: Some("<p>Good morning.</p>\r\n".to_owned()),
            ..mail("ann@example.com")
        };
        let [first, again] = [(); 2].map(|()| compose(&both, &from).unwrap().formatted());
        let text = String::from_utf8(first).unwrap();
        assert!(
            text.contains("Content-Type: multipart/alternative;"),
            "{text}"
        );
        let plain = text.find("\r\n\r\nGood morning.").unwrap();
        assert!(plain < text.find("\r\n\r\n<p>Good morning.").unwrap());
        assert_eq!(text.len(), again.len());
    }
}

//! The section `[mail]`: how mails leave, and how often that is tried. Opens nothing.

use crate::config::Secret;
use contracts::BoxError;
use lettre::message::Mailbox;
use serde::{Deserialize, Serialize};

/// Every key with its documented default.
pub const DEFAULTS: &str = include_str!("../mail.toml");

/// How mails leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MailerKind {
    /// Each becomes a file.
    File,
    /// An SMTP server takes them.
    Smtp,
}

/// How the way to the server is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TlsKind {
    /// Not at all.
    None,
    /// After `STARTTLS`, without which nothing is sent.
    Starttls,
    /// From the first byte on.
    Tls,
}

/// The section `[mail]`; `mail.toml` says what each key means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// How mails leave.
    pub mailer: MailerKind,
    /// Whom they are from.
    pub from: String,
    /// Where files are written.
    pub folder: String,
    /// How many of them are kept.
    pub files_max: u32,
    /// The server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the way there is encrypted.
    pub tls: TlsKind,
    /// Who signs in there, if anybody.
    pub user: String,
    /// With which password.
    pub password: Secret,
    /// How long sending one mail may take.
    pub timeout_ms: u64,
    /// Tries before a mail is given up.
    pub tries_max: u32,
    /// The wait after the first failed try.
    pub retry_ms: u64,
    /// The longest wait.
    pub retry_ms_max: u64,
    /// Mails that are taken at a time.
    pub batch_max: u32,
    /// How often the queue is looked at.
    pub poll_ms: u64,
}

impl Options {
    /// Says what cannot work.
    ///
    /// # Errors
    /// One line that names the key.
    pub fn check(&self) -> Result<(), BoxError> {
        self.sender()?;
        let numbers = [
            ("timeout_ms", self.timeout_ms, 1_000, 120_000),
            ("retry_ms", self.retry_ms, 1, 3_600_000),
            ("retry_ms_max", self.retry_ms_max, 1, 86_400_000),
            ("poll_ms", self.poll_ms, 10, 60_000),
            ("tries_max", self.tries_max.into(), 1, 100),
            ("batch_max", self.batch_max.into(), 1, 1_000),
            ("files_max", self.files_max.into(), 1, 1_000_000),
        ];
        for (name, value, least, most) in numbers {
            if !(least..=most).contains(&value) {
                return Err(format!("mail.{name} must be {least} to {most}").into());
            }
        }
        if self.mailer == MailerKind::Smtp && self.host.is_empty() {
            return Err("mail.host must name the SMTP server".into());
        }
        if self.user.is_empty() == self.password.given().is_some() {
            return Err("mail.user and mail.password belong together".into());
        }
        if self.tls == TlsKind::None && self.password.given().is_some() {
            return Err("mail.password would be sent in clear with mail.tls = \"none\"".into());
        }
        Ok(())
    }

    pub(super) fn sender(&self) -> Result<Mailbox, BoxError> {
        let from = self.from.parse();
        from.map_err(|_| "mail.from must be an address, as \"Shop <shop@shop.example>\"".into())
    }

    /// How long a mail waits after so many failed tries.
    #[must_use]
    pub fn wait_ms(&self, failed: u32) -> u64 {
        let doublings = failed.saturating_sub(1).min(32);
        let factor = 1_u64.checked_shl(doublings).unwrap_or(u64::MAX);
        self.retry_ms.saturating_mul(factor).min(self.retry_ms_max)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::config::{Sources, load};

    pub(crate) fn options(changes: serde_json::Value) -> Options {
        #[derive(Deserialize)]
        struct All {
            mail: Options,
        }
        let sources = Sources {
            defaults: DEFAULTS,
            file: None,
            environment: false,
        };
        let flags = serde_json::json!({ "mail": changes });
        load::<All>(&sources, flags).unwrap().mail
    }

    #[test]
    fn the_defaults_write_files() {
        let options = options(serde_json::json!({}));
        assert_eq!(options.mailer, MailerKind::File);
        options.check().unwrap();
    }

    #[test]
    fn the_wait_doubles_up_to_its_bound() {
        let options = options(serde_json::json!({"retry_ms": 100, "retry_ms_max": 1_000}));
        let waits = [1, 2, 3, 4, 5, 100].map(|failed| options.wait_ms(failed));
        assert_eq!(waits, [100, 200, 400, 800, 1_000, 1_000]);
    }

    #[test]
    fn what_cannot_work_is_named() {
        for (changes, line) in [
            (serde_json::json!({"from": "nobody"}), "mail.from must be"),
            (serde_json::json!({"poll_ms": 1}), "mail.poll_ms must be"),
            (serde_json::json!({"user": "souk"}), "mail.user and"),
            (
                serde_json::json!({"user": "souk", "password": "x", "tls": "none"}),
                "mail.password would",
            ),
            (
                serde_json::json!({"mailer": "smtp", "host": ""}),
                "mail.host must",
            ),
        ] {
            let error = options(changes).check().unwrap_err().to_string();
            assert!(error.starts_with(line), "{error}");
        }
    }
}

//! How a service knows that another service of the same shop asks: HMAC-SHA-256 under a secret that all nodes share,
//! over everything of the request that is acted upon. It hides nothing: that is TLS's work, where it is needed.

use crate::{clock::Clock, digest};
use secrecy::{ExposeSecret, SecretString};
use std::sync::Arc;

/// Who calls.
pub const CALLER: &str = "x-souk-caller";
/// When it was signed, in milliseconds since 1970.
pub const TIME: &str = "x-souk-time";
/// In whose name, as the door proved it: base64url of JSON.
pub const PRINCIPAL: &str = "x-souk-principal";
/// The client's address, as the door knows it.
pub const CLIENT: &str = "x-souk-client";
/// The signature.
pub const SIGNATURE: &str = "x-souk-signature";

/// How all of these begin: nothing from outside may.
pub const PREFIX: &str = "x-souk-";

/// How old a signature may be, and how far two clocks apart.
const SKEW_MS_MAX: i64 = 60_000;
/// The shortest secret that is taken.
pub const SECRET_LENGTH_MIN: usize = 32;

/// Signs and checks. Clones share the secrets.
#[derive(Clone)]
pub struct Signer {
    /// The first signs; any of them is believed, so that a new one can be brought out node by node.
    secrets: Arc<[SecretString]>,
    caller: Arc<str>,
    clock: Clock,
}

/// What of a request is signed. Absent headers are empty.
#[derive(Debug, Clone, Copy, Default)]
pub struct Signable<'r> {
    /// The method.
    pub method: &'r str,
    /// Path and query.
    pub target: &'r str,
    /// In whose name.
    pub principal: &'r str,
    /// The client's address.
    pub client: &'r str,
    /// The whole body.
    pub body: &'r [u8],
}

/// What is sent beside the request.
#[derive(Debug, Clone)]
pub struct Signed {
    /// Who signed.
    pub caller: Arc<str>,
    /// When.
    pub time: String,
    /// The signature.
    pub signature: String,
}

/// Why a signature was not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unbelievable {
    /// A header is missing or cannot be read.
    #[error("the signature is missing")]
    Missing,
    /// Older or younger than it may be.
    #[error("the signature is of another time")]
    OtherTime,
    /// Of another request or secret.
    #[error("the signature does not hold")]
    Wrong,
}

impl Signer {
    /// A signer under these secrets, the first of which signs.
    ///
    /// # Errors
    /// A line that says what is wrong with the secrets, when none or a short one is given.
    pub fn new(secrets: Vec<SecretString>, caller: &str, clock: Clock) -> Result<Self, String> {
        if secrets.is_empty() {
            return Err("there is no secret to sign with".to_owned());
        }
        if secrets
            .iter()
            .any(|one| one.expose_secret().len() < SECRET_LENGTH_MIN)
        {
            return Err(format!("must have at least {SECRET_LENGTH_MIN} characters"));
        }
        Ok(Self {
            secrets: secrets.into(),
            caller: caller.into(),
            clock,
        })
    }

    /// Signs a request.
    #[must_use]
    pub fn sign(&self, request: &Signable<'_>) -> Signed {
        let time = self.clock.now().as_ms().to_string();
        let signature = self
            .secrets
            .first()
            .map(|secret| digest::base64url(&mac(secret, &self.caller, &time, request)));
        Signed {
            caller: Arc::clone(&self.caller),
            time,
            signature: signature.unwrap_or_default(),
        }
    }

    /// Whether a request comes from a service of this shop, and was signed just now.
    ///
    /// # Errors
    /// [`Unbelievable`], for logs and the answer alike.
    pub fn check(
        &self,
        request: &Signable<'_>,
        caller: &str,
        time: &str,
        signature: &str,
    ) -> Result<(), Unbelievable> {
        let sent = digest::from_base64url(signature).ok_or(Unbelievable::Missing)?;
        let signed_at: i64 = time.parse().map_err(|_| Unbelievable::Missing)?;
        let holds = self
            .secrets
            .iter()
            .any(|secret| digest::equal(&mac(secret, caller, time, request), &sent));
        if !holds {
            return Err(Unbelievable::Wrong);
        }
        let apart = self.clock.now().as_ms().saturating_sub(signed_at);
        if apart.saturating_abs() > SKEW_MS_MAX {
            return Err(Unbelievable::OtherTime);
        }
        Ok(())
    }
}

fn mac(secret: &SecretString, caller: &str, time: &str, request: &Signable<'_>) -> [u8; 32] {
    let parts: [&[u8]; 7] = [
        caller.as_bytes(),
        time.as_bytes(),
        request.method.as_bytes(),
        request.target.as_bytes(),
        request.principal.as_bytes(),
        request.client.as_bytes(),
        request.body,
    ];
    digest::hmac_sha256(secret.expose_secret().as_bytes(), &parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use contracts::values::Timestamp;

    fn signer(secrets: &[&str], ms: i64) -> Signer {
        let secrets = secrets
            .iter()
            .map(|text| SecretString::from(text.repeat(32)));
        let clock = Clock::manual(Timestamp::from_ms(ms));
        Signer::new(secrets.collect(), "orders", clock).unwrap()
    }

    const REQUEST: Signable<'_> = Signable {
        method: "POST",
        target: "/internal/catalog/reserve_all",
        principal: "p",
        client: "c",
        body: b"[]",
    };

    #[test]
    fn only_the_same_request_is_believed_and_only_for_a_minute() {
        let signed = signer(&["a"], 100_000).sign(&REQUEST);
        let check = |signer: &Signer, request: Signable<'_>| {
            signer.check(&request, "orders", &signed.time, &signed.signature)
        };
        let there = signer(&["a"], 100_000);
        assert_eq!(check(&there, REQUEST), Ok(()));
        for other in [
            Signable {
                method: "GET",
                ..REQUEST
            },
            Signable {
                target: "/internal/catalog/resolve_all",
                ..REQUEST
            },
            Signable {
                principal: "",
                ..REQUEST
            },
            Signable {
                client: "",
                ..REQUEST
            },
            Signable {
                body: b"[1]",
                ..REQUEST
            },
            // The same bytes, cut elsewhere.
            Signable {
                principal: "pc",
                client: "",
                ..REQUEST
            },
        ] {
            assert_eq!(check(&there, other), Err(Unbelievable::Wrong), "{other:?}");
        }
        for (ms, expected) in [
            (40_000, Ok(())),
            (160_000, Ok(())),
            (39_999, Err(Unbelievable::OtherTime)),
            (160_001, Err(Unbelievable::OtherTime)),
        ] {
            assert_eq!(check(&signer(&["a"], ms), REQUEST), expected, "{ms}");
        }
        let wrong_caller = there.check(&REQUEST, "payments", &signed.time, &signed.signature);
        assert_eq!(wrong_caller, Err(Unbelievable::Wrong));
        let none = there.check(&REQUEST, "", "", "");
        assert_eq!(none, Err(Unbelievable::Missing));
    }

    #[test]
    fn a_new_secret_can_be_brought_out_node_by_node() {
        let (before, between, after) =
            (signer(&["a"], 0), signer(&["b", "a"], 0), signer(&["b"], 0));
        let believes = |there: &Signer, here: &Signer| {
            let Signed {
                caller,
                time,
                signature,
            } = here.sign(&REQUEST);
            there.check(&REQUEST, &caller, &time, &signature).is_ok()
        };
        assert!(believes(&between, &before) && believes(&between, &after));
        assert!(believes(&after, &between) && !believes(&after, &before));
    }

    #[test]
    fn a_short_secret_is_refused() {
        assert!(Signer::new(vec!["short".into()], "orders", Clock::System).is_err());
        assert!(Signer::new(Vec::new(), "orders", Clock::System).is_err());
    }
}

//! Providers of identities by OpenID Connect: the authorization code flow with PKCE, as a client. It only finds out who
//! somebody is there; which account that is, others decide. What a provider says is believed when it is signed by a
//! key of its own and made for this attempt, and its tokens are forgotten at once.

mod config;
mod keys;
mod metadata;
mod token;

pub use config::OpenId;

use contracts::BoxError;
use keys::Keys;
use metadata::{Book, Known};
use platform::{
    clock::Clock,
    outward::{Outward, OutwardError, Question, header},
};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use std::{collections::BTreeMap, sync::Arc};
use token::{Doubt, Expected, Person};

/// Why a provider does not say who somebody is.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// It cannot be asked just now.
    #[error("it cannot be asked")]
    Away(#[source] BoxError),
    /// What it says cannot be believed, or it and the settings do not fit together.
    #[error("it cannot be believed")]
    Unbelievable(#[source] BoxError),
    /// It did not take the code.
    #[error("it did not take the code")]
    Denied,
    /// Too many others are asked just now.
    #[error("too many others are asked")]
    Overloaded,
}

impl From<OutwardError> for Fault {
    fn from(error: OutwardError) -> Self {
        match error {
            OutwardError::Overloaded => Self::Overloaded,
            OutwardError::Refused(_) | OutwardError::TooLarge | OutwardError::Broken(_) => {
                Self::Unbelievable(error.into())
            }
            OutwardError::Unresolved(_) | OutwardError::Unreachable(_) | OutwardError::Late(_) => {
                Self::Away(error.into())
            }
        }
    }
}

/// What binds an attempt to the browser that began it.
pub(crate) struct Binding {
    pub(crate) state: String,
    pub(crate) nonce: String,
    pub(crate) verifier: SecretString,
}

/// Somebody whom a provider knows.
pub(crate) struct Identified {
    pub(crate) subject: String,
    /// Whether the provider says that it asked for more than one proof.
    pub(crate) has_second_factor: bool,
    person: Person,
    access_token: SecretString,
}

/// An address that the provider vouches for, and what to call the person.
pub(crate) struct Vouched {
    pub(crate) email: String,
    pub(crate) name: Option<String>,
}

/// How providers are asked.
#[derive(Clone)]
pub(crate) struct Ways {
    pub(crate) outward: Outward,
    pub(crate) clock: Clock,
    /// Where browsers come back to, without the provider's name.
    pub(crate) public_url: String,
    /// How long an attempt may take.
    pub(crate) attempt_seconds: i64,
    /// How long a description and keys are believed.
    pub(crate) keys_seconds: i64,
    /// How soon they are asked for again because of an unknown key.
    pub(crate) keys_pause_seconds: i64,
}

/// A provider.
pub(crate) struct Provider {
    pub(crate) name: String,
    pub(crate) title: String,
    settings: OpenId,
    ways: Ways,
    book: Book,
}

/// All providers, by name.
pub(crate) type Providers = BTreeMap<String, Arc<Provider>>;

/// The answer of a token endpoint.
#[derive(Deserialize)]
struct Tokens {
    id_token: SecretString,
    access_token: SecretString,
}

/// Its refusal (RFC 6749, 5.2).
#[derive(Deserialize)]
struct TokenRefusal {
    error: String,
}

/// What a userinfo endpoint says.
#[derive(Deserialize)]
struct UserInfo {
    sub: String,
    #[serde(flatten)]
    person: Person,
}

impl Provider {
    pub(crate) fn new(name: &str, settings: OpenId, ways: Ways) -> Self {
        let title = if settings.title.is_empty() {
            name
        } else {
            &settings.title
        };
        Self {
            title: title.to_owned(),
            name: name.to_owned(),
            book: Book::default(),
            settings,
            ways,
        }
    }

    /// Which provider it is, whatever it is called here.
    pub(crate) fn issuer(&self) -> &str {
        &self.settings.issuer
    }

    fn redirect_uri(&self) -> String {
        format!("{}/login/with/{}/callback", self.ways.public_url, self.name)
    }

    /// Where the browser goes to be asked who it is.
    pub(crate) async fn entrance(&self, binding: &Binding) -> Result<String, Fault> {
        let known = self.book.description(self).await?;
        let entrance = known.authorization.clone().with_query(&[
            ("response_type", "code"),
            ("response_mode", "query"),
            ("client_id", &self.settings.client_id),
            ("redirect_uri", &self.redirect_uri()),
            ("scope", &self.settings.scope()),
            ("state", &binding.state),
            ("nonce", &binding.nonce),
            ("code_challenge", &token::challenge(&binding.verifier)),
            ("code_challenge_method", "S256"),
        ]);
        Ok(entrance.as_str().to_owned())
    }

    /// Whether an answer that the browser brought may be this provider's (RFC 9207).
    pub(crate) async fn may_have_said(&self, issuer: Option<&str>) -> Result<bool, Fault> {
        match issuer {
            Some(issuer) => Ok(issuer == self.issuer()),
            None => Ok(!self.book.description(self).await?.says_who_it_is),
        }
    }

    /// Who brought this code.
    pub(crate) async fn identify(
        &self,
        code: &SecretString,
        binding: &Binding,
    ) -> Result<Identified, Fault> {
        let known = self.book.description(self).await?;
        let tokens = self.exchange(&known, code, binding).await?;
        let keys = self.book.keys(self, &known).await?;
        let expected = Expected {
            issuer: self.issuer(),
            client_id: &self.settings.client_id,
            nonce: &binding.nonce,
            attempt_seconds: self.ways.attempt_seconds,
            now_seconds: self.now_seconds(),
        };
        let check =
            |keys: &Keys| token::check(&tokens.id_token, &tokens.access_token, keys, &expected);
        let proven = match check(&keys) {
            // The provider may have begun to sign with a new one since.
            Err(Doubt::UnknownKey) => {
                let newer = self.book.newer_keys(self, &known).await?;
                check(&newer)
            }
            proven => proven,
        }?;
        Ok(Identified {
            subject: proven.subject,
            has_second_factor: proven.has_second_factor,
            person: proven.person,
            access_token: tokens.access_token,
        })
    }

    /// The address of somebody that the provider vouches for, if it does; asked for where the token did not say it.
    pub(crate) async fn vouches_for(&self, who: Identified) -> Result<Option<Vouched>, Fault> {
        let known = self.book.description(self).await?;
        let person = match (&who.person.email, &known.userinfo) {
            (None, Some(address)) => {
                let question = Question::get(address.clone()).by_bearer(&who.access_token);
                let info: UserInfo = self.read(question.map_err(Fault::Unbelievable)?).await?;
                if info.sub != who.subject {
                    return Err(Fault::Unbelievable("it speaks of somebody else".into()));
                }
                info.person
            }
            (Some(_), _) | (None, None) => who.person,
        };
        let is_verified = person.is_verified();
        let email = person.email.filter(|_| is_verified);
        Ok(email.map(|email| Vouched {
            email,
            name: person.name,
        }))
    }

    async fn exchange(
        &self,
        known: &Known,
        code: &SecretString,
        binding: &Binding,
    ) -> Result<Tokens, Fault> {
        let redirect_uri = self.redirect_uri();
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("code", code.expose_secret()),
            ("redirect_uri", redirect_uri.as_str()),
            ("code_verifier", binding.verifier.expose_secret()),
        ];
        let id = self.settings.client_id.as_str();
        let secret = self.settings.client_secret.given();
        let question = match &secret {
            Some(secret) if known.takes_basic => {
                let question = Question::form(known.token.clone(), &fields);
                question
                    .by_client(id, secret)
                    .map_err(Fault::Unbelievable)?
            }
            secret => {
                fields.push(("client_id", id));
                if let Some(secret) = secret {
                    fields.push(("client_secret", secret.expose_secret()));
                }
                Question::form(known.token.clone(), &fields)
            }
        };
        self.read(question).await
    }

    /// Asks for JSON.
    async fn read<T: for<'de> Deserialize<'de>>(&self, question: Question) -> Result<T, Fault> {
        let json = header::HeaderValue::from_static("application/json");
        let question = question.with(header::ACCEPT, json);
        let answer = self.ways.outward.ask(question).await?;
        let status = answer.status;
        if status.is_server_error() || status.as_u16() == 429 {
            return Err(Fault::Away(format!("it answered {status}").into()));
        }
        if !status.is_success() {
            let refusal = serde_json::from_slice::<TokenRefusal>(&answer.body);
            return Err(match refusal {
                Ok(refusal) if refusal.error == "invalid_grant" => Fault::Denied,
                Ok(refusal) => {
                    let word: String = refusal.error.chars().take(40).collect();
                    Fault::Unbelievable(format!("it answered {status}, {word:?}").into())
                }
                Err(_) => Fault::Unbelievable(format!("it answered {status}").into()),
            });
        }
        serde_json::from_slice(&answer.body).map_err(|_| {
            // Not serde's own words: they quote what came.
            Fault::Unbelievable("its answer is not what the standard says".into())
        })
    }

    fn now_seconds(&self) -> i64 {
        self.ways.clock.now().as_ms().div_euclid(1_000)
    }
}

//! Who asks: a bearer token, an API key or the cookies of a browser become the principal beside the request.
//! Nothing else does, and whoever sends a bad token is told so rather than let in as nobody, except where they come to
//! prove themselves in another way.

use crate::{
    limits::Limits,
    origin::{Cause, Origin, is_unsafe},
};
use axum::http::{
    HeaderMap, HeaderValue, Method, Uri,
    header::{AUTHORIZATION, CACHE_CONTROL, SET_COOKIE},
};
use contracts::{
    BoxError,
    access::Principal,
    identity::{Identity, RefreshError, SignedIn},
    problem::{Code, Problem},
};
use platform::http::{
    ApiKey, KeyVerifier, TokenVerifier,
    cookies::{Cookies, Name},
};
use secrecy::{ExposeSecret, SecretString};
use std::{net::IpAddr, sync::Arc};

/// Proves who asks.
pub(crate) struct Sessions {
    pub(crate) verifier: TokenVerifier,
    pub(crate) keys: KeyVerifier,
    pub(crate) identity: Arc<dyn Identity>,
    pub(crate) cookies: Cookies,
    pub(crate) origin: Origin,
}

/// What of a request tells who asks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'r> {
    pub(crate) method: &'r Method,
    pub(crate) uri: &'r Uri,
    pub(crate) headers: &'r HeaderMap,
    pub(crate) client: IpAddr,
    /// Whether a page answers: its forms carry a proof of their own, which the storefront checks.
    pub(crate) is_page: bool,
    /// Whether the body is the proof: programs send their old token along when they sign in again.
    pub(crate) takes_credentials: bool,
}

/// Who asks, and the cookies that the answer must set.
#[derive(Debug, Default)]
pub(crate) struct Session {
    pub(crate) principal: Option<Principal>,
    pub(crate) cookies: Vec<HeaderValue>,
}

impl Asked<'_> {
    /// Whether it matters that somebody who meant to be known is taken for nobody: the same key would name
    /// another order. A page's form is looked at by a person, and credentials in the body speak for themselves.
    fn must_be_known(&self) -> bool {
        is_unsafe(self.method) && !self.is_page && !self.takes_credentials
    }
}

impl Sessions {
    /// Who asks.
    ///
    /// # Errors
    /// 401 for a token that is not valid, 403 for what another site's page sent, 429 for too many renewals.
    pub(crate) async fn open(&self, asked: Asked<'_>, limits: &Limits) -> Result<Session, Problem> {
        if asked.headers.contains_key(AUTHORIZATION) {
            let session = self.by_token(asked).await;
            return match session {
                Err(_) if asked.takes_credentials => Ok(Session::default()),
                session => session,
            };
        }
        let access = self.cookies.read(asked.headers, Name::Access);
        let refresh = self.cookies.read(asked.headers, Name::Refresh);
        self.check_cause(asked, access.is_some() || refresh.is_some())?;
        let known = match access.as_deref() {
            Some(token) => self.known(token).await?,
            None => None,
        };
        match (known, refresh) {
            (Some(principal), _) => Ok(Session {
                principal: Some(principal),
                cookies: Vec::new(),
            }),
            (None, Some(refresh)) => self.renew(refresh, asked, limits).await,
            (None, None) if access.is_some() => self.nobody(asked),
            (None, None) => Ok(Session::default()),
        }
    }

    /// Who a token proves. Where what is known here is not enough, identity is asked first.
    async fn known(&self, token: &str) -> Result<Option<Principal>, Problem> {
        let known = self.verifier.verify(token);
        if known
            .as_ref()
            .is_none_or(|known| is_enough(&self.verifier, known))
        {
            return Ok(known);
        }
        match self.verifier.catch_up(&*self.identity).await {
            Ok(()) => Ok(self.verifier.verify(token)),
            Err(error) => {
                tracing::warn!(error = %error, "an admin is not let in: nobody knows which sessions have ended");
                Err(Problem::new(Code::Unavailable)
                    .detail("whether this session has ended cannot be found out just now"))
            }
        }
    }

    async fn by_token(&self, asked: Asked<'_>) -> Result<Session, Problem> {
        let mut sent = asked.headers.get_all(AUTHORIZATION).iter();
        let (first, second) = (sent.next(), sent.next());
        let token = first
            .and_then(|header| header.to_str().ok())
            .and_then(bearer);
        let (Some(token), None) = (token, second) else {
            return Err(Problem::new(Code::Unauthenticated)
                .detail("send one header, Authorization: Bearer and an access token"));
        };
        let principal = if ApiKey::is_meant_by(token) {
            self.by_key(token, asked).await?
        } else {
            self.known(token).await?
        };
        let principal = principal.ok_or_else(|| Problem::new(Code::InvalidToken))?;
        Ok(Session {
            principal: Some(principal),
            cookies: Vec::new(),
        })
    }

    /// Whom an API key stands for. Nobody is let in by one while identity cannot say whether it is good.
    async fn by_key(&self, text: &str, asked: Asked<'_>) -> Result<Option<Principal>, Problem> {
        // Whoever proves themselves in another way is not asked for a second proof.
        if asked.takes_credentials {
            return Ok(None);
        }
        let known = self.keys.verify(text, asked.client, &*self.identity).await;
        known.map_err(|error| {
            tracing::warn!(error = %error, "an API key is not let in: nobody knows whether it is good");
            Problem::new(Code::Unavailable)
                .detail("whether this key is good cannot be found out just now")
        })
    }

    /// A browser adds cookies to whatever any site has it send; so what changes something must be told to come
    /// from here. A page's form has its own proof and may come from a browser that tells nothing.
    fn check_cause(&self, asked: Asked<'_>, has_cookies: bool) -> Result<(), Problem> {
        if !is_unsafe(asked.method) {
            return Ok(());
        }
        let fits = match self.origin.cause(asked.uri, asked.headers) {
            Cause::Ours => true,
            Cause::Foreign => !asked.is_page && !has_cookies,
            Cause::Untold => asked.is_page || !has_cookies,
        };
        if fits {
            Ok(())
        } else {
            Err(Problem::new(Code::CsrfFailed))
        }
    }

    async fn renew(
        &self,
        refresh: String,
        asked: Asked<'_>,
        limits: &Limits,
    ) -> Result<Session, Problem> {
        // Each renewal is work for identity's store, asked for before anybody is known.
        if let Some(refusal) = limits.take_renewal(asked.client).await {
            return Err(refusal);
        }
        match self.identity.refresh(SecretString::from(refresh)).await {
            Ok(signed_in) => Ok(self.renewed(&signed_in)),
            Err(RefreshError::Invalid | RefreshError::Reused) => self.nobody(asked),
            Err(error @ RefreshError::Internal(_)) => {
                // The cookies stay: they may be good as soon as identity is well again.
                tracing::error!(error = ?error, "a session could not be renewed");
                if asked.must_be_known() {
                    return Err(Problem::new(Code::Unavailable));
                }
                Ok(Session::default())
            }
        }
    }

    fn renewed(&self, signed_in: &SignedIn) -> Session {
        let principal = self.verifier.verify(signed_in.access_token.expose_secret());
        if principal.is_none() {
            tracing::error!("a token that identity has just signed is not valid at the door");
        }
        Session {
            principal,
            cookies: settable(self.cookies.signed_in(signed_in)),
        }
    }

    /// Nobody, whose cookies are worth nothing.
    fn nobody(&self, asked: Asked<'_>) -> Result<Session, Problem> {
        if asked.must_be_known() {
            return Err(
                Problem::new(Code::InvalidToken).detail("the session has ended: sign in again")
            );
        }
        Ok(Session {
            principal: None,
            cookies: settable(self.cookies.signed_out()),
        })
    }
}

/// Whether what is known here is enough to let somebody in by their token. What ended is heard every two seconds; when
/// it was not, an admin's token is not taken before identity was asked, while others' are: they can do less harm.
pub(crate) fn is_enough(verifier: &TokenVerifier, known: &Principal) -> bool {
    !known.is_admin() || verifier.is_up_to_date()
}

/// The token of an `Authorization` header, if its scheme is ours.
pub(crate) fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ').unwrap_or((header, ""));
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// What stands in place of an access token and cannot be one: those are three parts with dots between.
pub(crate) fn opaque_bearer(headers: &HeaderMap) -> Option<&str> {
    let token = headers.get(AUTHORIZATION)?.to_str().ok().and_then(bearer)?;
    (!token.is_empty() && !token.contains('.')).then_some(token)
}

fn settable(cookies: Result<[HeaderValue; 2], BoxError>) -> Vec<HeaderValue> {
    cookies.map_or_else(|_| Vec::new(), Vec::from)
}

/// Sets the session's cookies on an answer. The answer's own come after them, so that a page that signs
/// somebody in or out has the last word; and no cache may keep any of it.
pub(crate) fn set_cookies(headers: &mut HeaderMap, cookies: Vec<HeaderValue>) {
    if cookies.is_empty() {
        return;
    }
    let own: Vec<HeaderValue> = headers.get_all(SET_COOKIE).iter().cloned().collect();
    headers.remove(SET_COOKIE);
    for cookie in cookies.into_iter().chain(own) {
        headers.append(SET_COOKIE, cookie);
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
}

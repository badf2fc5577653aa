//! Cookies of the pages: the session's tokens, and the proof that a form came from a page of ours.
//! `HttpOnly` and `SameSite=Lax` always; `Secure` and the `__Host-` prefix when the shop is on TLS.

use crate::digest;
use axum::http::{HeaderMap, HeaderValue, header::COOKIE};
use contracts::{BoxError, identity::SignedIn};
use secrecy::ExposeSecret;
use std::fmt::Write as _;

/// Names and flags, by whether the shop's public address is on TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cookies {
    secure: bool,
}

/// A cookie of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Name {
    /// The access token.
    Access,
    /// The refresh token.
    Refresh,
    /// The form secret: a form's hidden `csrf` must fit to it.
    Form,
    /// A guest's cart and its token.
    Cart,
    /// A guest's last order and its token.
    Order,
    /// The currency that prices are shown in.
    Currency,
    /// What proves that a sign-in by a provider began in this browser.
    Attempt,
    /// The language that somebody chose.
    Language,
}

impl Name {
    const fn bare(self) -> &'static str {
        match self {
            Self::Access => "souk_access",
            Self::Refresh => "souk_refresh",
            Self::Form => "souk_form",
            Self::Cart => "souk_cart",
            Self::Order => "souk_order",
            Self::Currency => "souk_currency",
            Self::Attempt => "souk_attempt",
            Self::Language => "souk_language",
        }
    }
}

impl Cookies {
    /// For a shop whose public address is this.
    #[must_use]
    pub fn for_public_url(public_url: &str) -> Self {
        Self {
            secure: public_url.starts_with("https://"),
        }
    }

    fn full_name(self, name: Name) -> String {
        let prefix = if self.secure { "__Host-" } else { "" };
        format!("{prefix}{}", name.bare())
    }

    /// The value of a cookie that came, if it came.
    #[must_use]
    pub fn read(self, headers: &HeaderMap, name: Name) -> Option<String> {
        let wanted = self.full_name(name);
        headers
            .get_all(COOKIE)
            .iter()
            .filter_map(|header| header.to_str().ok())
            .flat_map(|header| header.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find(|(found, _)| *found == wanted)
            .map(|(_, value)| value.to_owned())
    }

    /// A `Set-Cookie` value that lasts this long; zero seconds removes the cookie.
    ///
    /// # Errors
    /// When the value cannot stand in a header.
    pub fn set(
        self,
        name: Name,
        value: &str,
        max_age_seconds: i64,
    ) -> Result<HeaderValue, BoxError> {
        let mut text = format!(
            "{}={value}; Path=/; HttpOnly; SameSite=Lax",
            self.full_name(name)
        );
        write!(text, "; Max-Age={max_age_seconds}")?;
        if self.secure {
            text.push_str("; Secure");
        }
        Ok(HeaderValue::from_str(&text)?)
    }
}

/// How long a browser keeps a refresh token; the token itself may end earlier.
pub const REFRESH_COOKIE_SECONDS: i64 = 30 * 24 * 60 * 60;

impl Cookies {
    /// The cookies of somebody who has just proven who they are.
    ///
    /// # Errors
    /// When a token cannot stand in a header.
    pub fn signed_in(self, session: &SignedIn) -> Result<[HeaderValue; 2], BoxError> {
        Ok([
            self.set(
                Name::Access,
                session.access_token.expose_secret(),
                session.expires_in,
            )?,
            self.set(
                Name::Refresh,
                session.refresh_token.expose_secret(),
                REFRESH_COOKIE_SECONDS,
            )?,
        ])
    }

    /// The cookies of somebody who is nobody any more.
    ///
    /// # Errors
    /// Never in practice: the values are empty.
    pub fn signed_out(self) -> Result<[HeaderValue; 2], BoxError> {
        Ok([
            self.set(Name::Access, "", 0)?,
            self.set(Name::Refresh, "", 0)?,
        ])
    }
}

/// What a form's hidden `csrf` field must hold, given the form secret of the cookie. Masked anew for every
/// page, so that compression tells nothing (BREACH).
///
/// # Errors
/// When the system gives no random bytes.
pub fn form_token(secret: &str) -> Result<String, BoxError> {
    let salt = digest::random::<16>()?;
    let proof = digest::hmac_sha256(secret.as_bytes(), &[&salt]);
    Ok(format!(
        "{}.{}",
        digest::base64url(&salt),
        digest::base64url(&proof)
    ))
}

/// Whether a form's hidden `csrf` field fits the form secret of the cookie.
#[must_use]
pub fn form_token_fits(secret: &str, token: &str) -> bool {
    let Some((salt, proof)) = token.split_once('.') else {
        return false;
    };
    let (Some(salt), Some(proof)) = (digest::from_base64url(salt), digest::from_base64url(proof))
    else {
        return false;
    };
    salt.len() == 16 && digest::equal(&proof, &digest::hmac_sha256(secret.as_bytes(), &[&salt]))
}

/// A new form secret.
///
/// # Errors
/// When the system gives no random bytes.
pub fn new_form_secret() -> Result<String, BoxError> {
    Ok(digest::base64url(&digest::random::<32>()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_token_fits_its_own_secret_only() {
        let (secret, other) = (new_form_secret().unwrap(), new_form_secret().unwrap());
        let token = form_token(&secret).unwrap();
        assert!(form_token_fits(&secret, &token));
        assert!(!form_token_fits(&other, &token) && !form_token_fits(&secret, ""));
        assert_ne!(token, form_token(&secret).unwrap(), "masked anew");
    }

    #[test]
    fn cookies_on_tls_are_bound_to_the_host() {
        let cookies = Cookies::for_public_url("https://shop.example");
        let set = cookies.set(Name::Access, "v", 60).unwrap();
        assert_eq!(
            set,
            "__Host-souk_access=v; Path=/; HttpOnly; SameSite=Lax; Max-Age=60; Secure"
        );
        let mut headers = HeaderMap::new();
        headers.insert(
            COOKIE,
            HeaderValue::from_static("a=b; __Host-souk_access=v; souk_access=evil"),
        );
        assert_eq!(cookies.read(&headers, Name::Access).as_deref(), Some("v"));
    }
}

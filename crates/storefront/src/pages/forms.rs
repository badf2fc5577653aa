//! What all forms share: the proof that they came from a page of ours, and where to go on
//! afterwards. A form without its proof changes nothing.

use axum::http::{HeaderMap, HeaderValue};
use contracts::{BoxError, problem::Code};
use platform::http::{
    Fault,
    cookies::{self, Cookies, Name},
};

/// What a form says that has lost its proof.
pub(super) const STALE: &str = "This page had been open for too long. Please send it once more.";
/// How long a form secret is kept: a page may stay open for a month.
const FORM_SECRET_SECONDS: i64 = 30 * 24 * 3_600;
/// The longest address that we go on to after a form.
const NEXT_BYTES_MAX: usize = 1_024;

/// The hidden field of a form, and the cookie it must fit to, if the browser has none yet.
pub(super) struct Proof {
    pub(super) token: String,
    pub(super) cookie: Option<HeaderValue>,
}

/// A proof for the forms of one page.
pub(super) fn proof(ours: Cookies, headers: &HeaderMap) -> Result<Proof, Fault> {
    if let Some(secret) = ours
        .read(headers, Name::Form)
        .filter(|secret| !secret.is_empty())
    {
        let token = cookies::form_token(&secret).map_err(unlucky)?;
        return Ok(Proof {
            token,
            cookie: None,
        });
    }
    let secret = cookies::new_form_secret().map_err(unlucky)?;
    let token = cookies::form_token(&secret).map_err(unlucky)?;
    let cookie = ours
        .set(Name::Form, &secret, FORM_SECRET_SECONDS)
        .map_err(unlucky)?;
    Ok(Proof {
        token,
        cookie: Some(cookie),
    })
}

/// A fresh form secret, for when the person behind the browser changes.
pub(super) fn new_secret(ours: Cookies) -> Result<HeaderValue, Fault> {
    let secret = cookies::new_form_secret().map_err(unlucky)?;
    ours.set(Name::Form, &secret, FORM_SECRET_SECONDS)
        .map_err(unlucky)
}

/// Whether a form came from a page of ours: its field fits the cookie. (The door has looked at what
/// the browser says of the form's origin before.)
pub(super) fn trusted(ours: Cookies, headers: &HeaderMap, token: &str) -> bool {
    ours.read(headers, Name::Form)
        .is_some_and(|secret| !secret.is_empty() && cookies::form_token_fits(&secret, token))
}

/// `next`, if it is an address inside this shop; empty otherwise (no open redirect).
pub(super) fn inside(next: &str) -> &str {
    let path = next.starts_with('/') && !next.starts_with("//");
    let plain = next
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if path && plain && next.len() <= NEXT_BYTES_MAX {
        next
    } else {
        ""
    }
}

/// Something of the machine's failed: the cause goes to the log.
pub(super) fn unlucky(error: BoxError) -> Fault {
    tracing::error!(%error, "a form could not be prepared");
    Fault::new(Code::Internal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::header;

    fn browser(cookie: &HeaderValue) -> HeaderMap {
        let pair = cookie.to_str().unwrap().split(';').next().unwrap();
        HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_str(pair).unwrap())])
    }

    #[test]
    fn a_form_of_ours_is_trusted_and_no_other() {
        let ours = Cookies::for_public_url("https://shop.example");
        let first = proof(ours, &HeaderMap::new()).unwrap();
        let headers = browser(&first.cookie.unwrap());
        assert!(trusted(ours, &headers, &first.token));
        assert!(!trusted(ours, &headers, "") && !trusted(ours, &HeaderMap::new(), &first.token));
        let again = proof(ours, &headers).unwrap();
        assert!(again.cookie.is_none() && trusted(ours, &headers, &again.token));
        let other = browser(&new_secret(ours).unwrap());
        assert!(!trusted(ours, &other, &again.token));
    }

    #[test]
    fn next_never_leads_outside() {
        assert_eq!(inside("/account?x=1"), "/account?x=1");
        for out in [
            "",
            "account",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/a\r\nset-cookie: x",
            "/a b",
            "/ж",
        ] {
            assert_eq!(inside(out), "", "{out:?}");
        }
    }
}

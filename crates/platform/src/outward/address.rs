//! An address that somebody else wrote down, read once and by one reader: what is looked at here is what is asked
//! later. An address that could be read in two ways is refused.

use hyper::{Uri, header::HeaderValue};
use std::net::IpAddr;
use url::{Host, Url};

/// The longest address that is read.
const BYTES_MAX: usize = 2_048;

/// Why an address is not asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is no address of the web.
    #[error("it cannot be read as an address of the web")]
    Unreadable,
    /// The way there is not encrypted, or not HTTP at all.
    #[error("it must begin with https://")]
    Scheme,
    /// A name and a password stand in it.
    #[error("no user and no password may stand in it")]
    User,
    /// It has a part behind `#`.
    #[error("nothing may stand behind #")]
    Fragment,
    /// Its host is not written as everybody writes it.
    #[error("its host must be written as {0}")]
    Spelling(String),
    /// Nobody said that this port may be asked.
    #[error("port {0} is not one that may be asked")]
    Port(u16),
    /// It leads inside.
    #[error("it leads to {0}, into a network that is not asked")]
    Inside(IpAddr),
}

/// A well-formed address. Whether it may be asked is for the settings to say.
#[derive(Clone, PartialEq, Eq)]
pub struct Address(Url);

impl std::fmt::Debug for Address {
    /// Without its path and query, where secrets may stand.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0.origin().ascii_serialization())
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self:?}")
    }
}

impl Address {
    /// Reads an address that begins with `https://` or `http://`.
    ///
    /// # Errors
    /// [`Refusal`] for whatever another reader might understand otherwise.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let is_plain = text
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        if text.len() > BYTES_MAX || !is_plain {
            return Err(Refusal::Unreadable);
        }
        let url = Url::parse(text).map_err(|_| Refusal::Unreadable)?;
        if !matches!(url.scheme(), "https" | "http") {
            return Err(Refusal::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refusal::User);
        }
        if url.fragment().is_some() {
            return Err(Refusal::Fragment);
        }
        check_spelling(text, &url)?;
        Ok(Self(url))
    }

    /// Whether the way there is encrypted.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// The port that is asked.
    #[must_use]
    pub fn port(&self) -> u16 {
        // Both schemes have one.
        self.0.port_or_known_default().unwrap_or_default()
    }

    /// The whole address, secrets and all, for whoever goes there.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The same with more parameters.
    #[must_use]
    pub fn with_query(mut self, parameters: &[(&str, &str)]) -> Self {
        self.0.query_pairs_mut().extend_pairs(parameters);
        self
    }

    /// The host: a name, or an address in the network.
    pub(super) fn host(&self) -> Result<Host<&str>, Refusal> {
        self.0.host().ok_or(Refusal::Unreadable)
    }

    /// What stands in `Host`, for signatures that hold it.
    ///
    /// # Errors
    /// Never for an address that was read.
    pub fn host_and_port(&self) -> Result<String, Refusal> {
        let host = self.0.host_str().ok_or(Refusal::Unreadable)?;
        Ok(match self.0.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        })
    }

    /// The same, for the head.
    pub(super) fn authority(&self) -> Result<HeaderValue, Refusal> {
        HeaderValue::from_str(&self.host_and_port()?).map_err(|_| Refusal::Unreadable)
    }

    /// Path and query, as the request line has them.
    pub(super) fn path(&self) -> Result<Uri, Refusal> {
        let text = match self.0.query() {
            Some(query) => format!("{}?{query}", self.0.path()),
            None => self.0.path().to_owned(),
        };
        text.parse().map_err(|_| Refusal::Unreadable)
    }
}

/// `0x7f.1`, `2130706433` and `127.0.0.1` are one address, and a name with a dot behind it is another name to some.
fn check_spelling(text: &str, url: &Url) -> Result<(), Refusal> {
    let host = url.host_str().filter(|host| !host.is_empty());
    let host = host.ok_or(Refusal::Unreadable)?;
    let bare = host.trim_end_matches('.');
    let rest = text
        .get(url.scheme().len()..)
        .and_then(|rest| rest.strip_prefix("://"));
    let written = rest.and_then(|rest| rest.get(..bare.len()));
    let is_written_so = written.is_some_and(|written| written.eq_ignore_ascii_case(bare));
    let behind = rest.and_then(|rest| rest.as_bytes().get(bare.len()));
    let ends_there = matches!(behind, None | Some(b'/' | b':' | b'?'));
    if bare == host && is_written_so && ends_there {
        Ok(())
    } else {
        Err(Refusal::Spelling(bare.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_in_one_way_or_not_at_all() {
        for (text, expected) in [
            ("", Refusal::Unreadable),
            ("provider.example", Refusal::Unreadable),
            ("https://", Refusal::Unreadable),
            ("https:// provider.example", Refusal::Unreadable),
            ("ht\ntps://provider.example", Refusal::Unreadable),
            (
                "https://provider.example\\@evil.example",
                Refusal::Unreadable,
            ),
            ("https://[::1", Refusal::Unreadable),
            ("https://[fe80::1%25eth0]/", Refusal::Unreadable),
            ("https://provider.example:65536", Refusal::Unreadable),
            ("https://%00.example/", Refusal::Unreadable),
            ("file:///etc/passwd", Refusal::Scheme),
            ("gopher://provider.example/", Refusal::Scheme),
            ("https://user@provider.example/", Refusal::User),
            ("https://:word@provider.example/", Refusal::User),
            ("https://provider.example#@evil.example", Refusal::Fragment),
            ("https://0x7f.1/", Refusal::Spelling("127.0.0.1".to_owned())),
            (
                "https://2130706433/",
                Refusal::Spelling("127.0.0.1".to_owned()),
            ),
            (
                "https://0177.0.0.1/",
                Refusal::Spelling("127.0.0.1".to_owned()),
            ),
            ("https://127.1/", Refusal::Spelling("127.0.0.1".to_owned())),
            (
                "https://127.0.0.1./",
                Refusal::Spelling("127.0.0.1".to_owned()),
            ),
            (
                "https://%31%32%37.0.0.1/",
                Refusal::Spelling("127.0.0.1".to_owned()),
            ),
            (
                "https://[0:0:0:0:0:0:0:1]/",
                Refusal::Spelling("[::1]".to_owned()),
            ),
            (
                "https://[::ffff:127.0.0.1]/",
                Refusal::Spelling("[::ffff:7f00:1]".to_owned()),
            ),
            (
                "https://provider.example./",
                Refusal::Spelling("provider.example".to_owned()),
            ),
            (
                "https:provider.example/",
                Refusal::Spelling("provider.example".to_owned()),
            ),
            (
                "https:///provider.example/",
                Refusal::Spelling("provider.example".to_owned()),
            ),
        ] {
            assert_eq!(Address::parse(text), Err(expected), "{text}");
        }
        assert!(Address::parse(&format!("https://a.example/{}", "x".repeat(2_048))).is_err());
    }

    #[test]
    fn what_is_asked_is_what_was_written() {
        let read = |text: &str| {
            let address = Address::parse(text).unwrap();
            let host = address.authority().unwrap();
            let host = host.to_str().unwrap().to_owned();
            (host, address.port(), address.path().unwrap().to_string())
        };
        let of = |host: &str, port, path: &str| (host.to_owned(), port, path.to_owned());
        assert_eq!(read("https://A.example"), of("a.example", 443, "/"));
        assert_eq!(
            read("https://a.example:8443/x?y=%2F"),
            of("a.example:8443", 8_443, "/x?y=%2F")
        );
        assert_eq!(read("http://[::1]:80/.."), of("[::1]", 80, "/"));
        assert_eq!(read("https://1.1.1.1/?"), of("1.1.1.1", 443, "/?"));
    }

    #[test]
    fn parameters_are_added_to_those_that_are_there() {
        let address = Address::parse("https://a.example/go?x=1").unwrap();
        let address = address.with_query(&[("y", "a b&c"), ("z", "é")]);
        assert_eq!(
            address.as_str(),
            "https://a.example/go?x=1&y=a+b%26c&z=%C3%A9"
        );
    }

    #[test]
    fn paths_and_queries_are_not_printed() {
        let address = Address::parse("https://a.example/hooks/secret?key=secret").unwrap();
        assert_eq!(
            format!("{address:?} {address}"),
            "https://a.example https://a.example"
        );
    }
}

//! The headers of a request, in a map or as they were read: most requests that the lane answers are never put into one.

use axum::http::{HeaderMap, HeaderName, HeaderValue};

/// The headers of a request. Names are alike whatever their case (RFC 9110, 5.1).
#[derive(Debug, Clone, Copy)]
pub enum Heads<'h> {
    /// As hyper has them.
    Map(&'h HeaderMap),
    /// As they were read, each a valid one.
    Read(&'h [httparse::Header<'h>]),
}

impl<'h> From<&'h HeaderMap> for Heads<'h> {
    fn from(map: &'h HeaderMap) -> Self {
        Self::Map(map)
    }
}

impl<'h> Heads<'h> {
    /// Every value under this name, in the order in which they came.
    pub fn all(self, name: &HeaderName) -> impl DoubleEndedIterator<Item = &'h [u8]> {
        let (map, read) = self.parts();
        let of_map = map.into_iter().flat_map(move |map| map.get_all(name));
        let of_read = read
            .iter()
            .filter(move |header| header.name.eq_ignore_ascii_case(name.as_str()));
        let of_map = of_map.map(HeaderValue::as_bytes);
        of_map.chain(of_read.map(|header| header.value))
    }

    /// The first value under this name, if it is text of visible ASCII.
    #[must_use]
    pub fn text(self, name: &HeaderName) -> Option<&'h str> {
        self.all(name).next().and_then(text)
    }

    /// Whether there is one of this name.
    #[must_use]
    pub fn has(self, name: &HeaderName) -> bool {
        self.all(name).next().is_some()
    }

    /// Each with its name, which is in any case.
    pub(in crate::http) fn each(self) -> impl Iterator<Item = (&'h str, &'h [u8])> {
        let (map, read) = self.parts();
        let of_map = map.into_iter().flatten();
        let of_map = of_map.map(|(name, value)| (name.as_str(), value.as_bytes()));
        of_map.chain(read.iter().map(|header| (header.name, header.value)))
    }

    const fn parts(self) -> (Option<&'h HeaderMap>, &'h [httparse::Header<'h>]) {
        match self {
            Self::Map(map) => (Some(map), &[]),
            Self::Read(read) => (None, read),
        }
    }
}

/// A value as text, if it is visible ASCII, with spaces and tabs between.
#[must_use]
pub fn text(value: &[u8]) -> Option<&str> {
    let is_visible = |byte: &u8| matches!(byte, b' '..=b'~' | b'\t');
    let value = std::str::from_utf8(value).ok()?;
    value.as_bytes().iter().all(is_visible).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::header::{ACCEPT, COOKIE, HOST};

    #[test]
    fn whatever_they_are_in_they_are_the_same() {
        let header = |name, value| httparse::Header { name, value };
        let read = [
            header("Accept", b"text/html".as_slice()),
            header("HOST", b"souk"),
            header("accept", b"\xe9"),
            header("x-a", b"a\tb ~"),
        ];
        let mut map = HeaderMap::new();
        for header in read {
            let name = HeaderName::from_bytes(header.name.as_bytes()).unwrap();
            map.append(name, HeaderValue::from_bytes(header.value).unwrap());
        }
        for heads in [Heads::Map(&map), Heads::Read(&read)] {
            let values: Vec<&[u8]> = heads.all(&ACCEPT).collect();
            assert_eq!(values, [b"text/html".as_slice(), b"\xe9"]);
            assert_eq!(heads.all(&ACCEPT).next_back(), Some(b"\xe9".as_slice()));
            assert_eq!(heads.text(&ACCEPT), Some("text/html"));
            assert_eq!(heads.text(&HOST), Some("souk"));
            assert_eq!((heads.text(&COOKIE), heads.has(&COOKIE)), (None, false));
            let mut each: Vec<_> = heads
                .each()
                .map(|(name, value)| (name.to_ascii_lowercase(), value))
                .collect();
            each.sort();
            assert_eq!(each.len(), 4);
            assert_eq!(each[3], ("x-a".to_owned(), b"a\tb ~".as_slice()));
        }
    }

    #[test]
    fn text_is_what_a_map_would_call_so() {
        for byte in 0..=u8::MAX {
            let value = [b'a', byte, b'z'];
            let of_map = HeaderValue::from_bytes(&value);
            let of_map = of_map
                .ok()
                .and_then(|value| value.to_str().ok().map(str::to_owned));
            assert_eq!(text(&value), of_map.as_deref(), "{byte}");
        }
    }
}

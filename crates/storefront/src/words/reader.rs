//! Which language a reader is answered in: the one that was chosen on a page, else the best of those that the browser
//! asks for (RFC 9110, 12.5.4), else the shop's. What a browser sends is looked at up to a bound.

use super::{Language, SPOKEN};
use crate::App;
use axum::{
    extract::{Request, State},
    http::{HeaderMap, header::ACCEPT_LANGUAGE},
    middleware::Next,
    response::Response,
};
use platform::http::cookies::{Cookies, Name};

/// How long a browser keeps the choice: a year.
pub(crate) const COOKIE_SECONDS: i64 = 365 * 24 * 3_600;
/// Languages of a header that are looked at: browsers send a handful.
const RANGES_MAX: usize = 24;
/// Bytes of a header that are looked at.
const BYTES_MAX: usize = 1_024;

/// Answers a request in its reader's language.
pub(crate) async fn in_the_readers_language(
    State(app): State<App>,
    request: Request,
    next: Next,
) -> Response {
    let language = of(request.headers(), app.cookies, app.language);
    SPOKEN.scope(language, next.run(request)).await
}

fn of(headers: &HeaderMap, cookies: Cookies, usual: Language) -> Language {
    let chosen = cookies.read(headers, Name::Language);
    let chosen = chosen.as_deref().and_then(Language::from_tag);
    chosen.or_else(|| asked_for(headers)).unwrap_or(usual)
}

/// The language that a browser likes best of those that there are: the highest weight, and of equal ones the first.
fn asked_for(headers: &HeaderMap) -> Option<Language> {
    let lines = headers.get_all(ACCEPT_LANGUAGE).iter();
    let lines = lines.filter_map(|line| line.to_str().ok());
    let lines = lines.filter(|line| line.len() <= BYTES_MAX);
    let ranges = lines.flat_map(|line| line.split(',')).take(RANGES_MAX);
    let mut best: Option<(u32, Language)> = None;
    for range in ranges {
        let (tag, weight) = range.split_once(';').unwrap_or((range, ""));
        let weight = weight_of(weight);
        let Some(language) = Language::from_tag(tag.trim()) else {
            continue;
        };
        if weight > best.map_or(0, |(weight, _)| weight) {
            best = Some((weight, language));
        }
    }
    best.map(|(_, language)| language)
}

/// A weight in thousandths: all without one, nothing where it cannot be read.
fn weight_of(parameter: &str) -> u32 {
    let parameter = parameter.trim();
    if parameter.is_empty() {
        return 1_000;
    }
    let value = parameter.split_once('=');
    let value = value.filter(|(name, _)| name.trim().eq_ignore_ascii_case("q"));
    let Some((_, value)) = value else {
        return 0;
    };
    match value
        .trim()
        .split_once('.')
        .unwrap_or_else(|| (value.trim(), ""))
    {
        ("1", part) if part.bytes().all(|digit| digit == b'0') && part.len() <= 3 => 1_000,
        ("0", part) if part.bytes().all(|digit| digit.is_ascii_digit()) && part.len() <= 3 => {
            format!("{part:0<3}").parse().unwrap_or(0)
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Language::{English, German};
    use axum::http::{HeaderValue, header::COOKIE};

    fn asks(text: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(ACCEPT_LANGUAGE, HeaderValue::from_static(text))])
    }

    #[test]
    fn the_highest_weight_wins_and_of_equal_ones_the_first() {
        for (header, best) in [
            ("de", Some(German)),
            ("de-AT, en;q=0.8", Some(German)),
            ("en;q=0.8, de;q=0.9", Some(German)),
            ("fr, de;q=0.5, en;q=0.5", Some(German)),
            ("fr, en-GB ; q=0.7, de;Q=0.3", Some(English)),
            ("de;q=0, en;q=0.001", Some(English)),
            ("de;q=0", None),
            ("fr, *;q=0.5", None),
            ("de;q=nine, de;level=1, de;q=1.5, de;q=0.1234", None),
            ("", None),
        ] {
            assert_eq!(asked_for(&asks(header)), best, "{header}");
        }
    }

    #[test]
    fn what_is_too_much_to_be_looked_at_is_not() {
        let many = vec!["fr"; RANGES_MAX].join(",") + ",de";
        let long = " ".repeat(BYTES_MAX) + "de";
        for text in [many, long] {
            let value = HeaderValue::from_str(&text).unwrap();
            let headers = HeaderMap::from_iter([(ACCEPT_LANGUAGE, value)]);
            assert_eq!(asked_for(&headers), None);
        }
    }

    #[test]
    fn a_choice_goes_before_what_the_browser_asks_for_and_that_before_the_shops_own() {
        let cookies = Cookies::for_public_url("http://localhost");
        let mut headers = asks("de");
        assert_eq!(of(&headers, cookies, English), German);
        assert_eq!(of(&HeaderMap::new(), cookies, German), German);
        headers.insert(COOKIE, HeaderValue::from_static("souk_language=en"));
        assert_eq!(of(&headers, cookies, German), English);
        headers.insert(COOKIE, HeaderValue::from_static("souk_language=xx"));
        assert_eq!(
            of(&headers, cookies, English),
            German,
            "a choice of nothing"
        );
    }
}

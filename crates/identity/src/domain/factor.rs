//! The codes of the second factor: which steps of time they may be of (RFC 6238), what somebody typed, and how secrets
//! are written for people and apps. No code is made by chance here, and none is kept.

use contracts::values::Timestamp;

/// What an app and the shop share: 160 bits, as RFC 4226 asks for.
pub(crate) const SECRET_BYTES: usize = 20;
/// A recovery code: 120 bits, so that a plain hash of it tells nothing.
pub(crate) const RECOVERY_BYTES: usize = 15;
/// How many there are at a time.
pub(crate) const RECOVERY_CODES: usize = 10;

const STEP_MS: i64 = 30_000;
/// Clocks differ, and typing takes its time: a code of the step before or after is taken as well.
const STEPS_AROUND: i64 = 1;
const DIGITS: usize = 6;
/// Longer than any code with its blanks and dashes.
const TYPED_BYTES_MAX: usize = 64;
const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// What somebody typed, as far as it can be a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Typed {
    /// Of an app.
    Code(u32),
    Recovery([u8; RECOVERY_BYTES]),
}

impl Typed {
    /// Reads it, however it is grouped, in capitals or not.
    pub(crate) fn read(text: &str) -> Option<Self> {
        if text.len() > TYPED_BYTES_MAX {
            return None;
        }
        let bare: String = text
            .chars()
            .filter(|c| !matches!(c, ' ' | '-'))
            .map(|c| c.to_ascii_uppercase())
            .collect();
        if bare.len() == DIGITS && bare.bytes().all(|byte| byte.is_ascii_digit()) {
            return bare.parse().ok().map(Self::Code);
        }
        from_base32(&bare)?.try_into().ok().map(Self::Recovery)
    }
}

/// The steps of which a code is good now, the earliest first: none that was used, and none before one that was.
pub(crate) fn steps(now: Timestamp, last_used: i64) -> impl Iterator<Item = i64> {
    let step = step_of(now);
    let around = step.saturating_sub(STEPS_AROUND)..=step.saturating_add(STEPS_AROUND);
    around.filter(move |step| *step > last_used)
}

/// Which step a moment belongs to.
pub(crate) fn step_of(now: Timestamp) -> i64 {
    now.as_ms().div_euclid(STEP_MS)
}

/// The code in a step's HMAC (RFC 4226, 5.3).
pub(crate) fn code_in(mac: &[u8; 20]) -> u32 {
    let [.., last] = mac;
    let rest = mac.get(usize::from(last & 0x0f)..);
    let four = rest.and_then(<[u8]>::first_chunk::<4>);
    debug_assert!(four.is_some(), "the offset is 15 at most");
    let number = four.map_or(0, |four| u32::from_be_bytes(*four) & 0x7fff_ffff);
    number % 1_000_000
}

/// A recovery code for people: four groups of six.
pub(crate) fn recovery_text(code: &[u8; RECOVERY_BYTES]) -> String {
    let mut text = String::new();
    for (place, letter) in base32(code).chars().enumerate() {
        if place > 0 && place.is_multiple_of(6) {
            text.push('-');
        }
        text.push(letter);
    }
    text
}

/// Base32 (RFC 4648) of a whole number of groups: five bytes, eight letters.
pub(crate) fn base32(bytes: &[u8]) -> String {
    debug_assert!(bytes.len().is_multiple_of(5), "nothing here needs padding");
    let mut text = String::new();
    for group in bytes.chunks(5) {
        let mut block = [0; 8];
        for (to, from) in block.iter_mut().skip(3).zip(group) {
            *to = *from;
        }
        let bits = u64::from_be_bytes(block);
        for place in [35, 30, 25, 20, 15, 10, 5, 0] {
            let letter = usize::try_from(bits >> place & 0x1f).ok();
            let letter = letter.and_then(|index| ALPHABET.get(index));
            text.extend(letter.map(|letter| char::from(*letter)));
        }
    }
    text
}

/// The bytes of a text that [`base32`] wrote.
pub(crate) fn from_base32(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(8) {
        return None;
    }
    let mut bytes = Vec::new();
    for group in text.as_bytes().chunks(8) {
        let mut bits = 0_u64;
        for letter in group {
            let value = ALPHABET.iter().position(|known| known == letter)?;
            bits = bits << 5 | u64::try_from(value).ok()?;
        }
        let [_, _, _, five @ ..] = bits.to_be_bytes();
        bytes.extend(five);
    }
    Some(bytes)
}

/// What an app reads from a picture: the shop and the account as it will show them, and the secret.
pub(crate) fn uri(public_url: &str, account: &str, secret: &str) -> String {
    let shop = public_url
        .split_once("://")
        .map_or(public_url, |(_, at)| at);
    let shop = escaped(shop.split('/').next().unwrap_or_default());
    let account = escaped(account);
    format!("otpauth://totp/{shop}:{account}?secret={secret}&issuer={shop}")
}

fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use platform::digest::hmac_sha1;
    use proptest::prelude::*;

    const fn at(seconds: i64) -> Timestamp {
        Timestamp::from_ms(0).plus_seconds(seconds)
    }

    #[test]
    fn the_codes_are_those_of_rfc_6238() {
        // Its appendix B has eight digits; these are their last six.
        for (seconds, code) in [
            (59, 287_082),
            (1_111_111_109, 81_804),
            (1_111_111_111, 50_471),
            (1_234_567_890, 5_924),
            (2_000_000_000, 279_037),
            (20_000_000_000, 353_130),
        ] {
            let step = step_of(at(seconds)).to_be_bytes();
            assert_eq!(code_in(&hmac_sha1(b"12345678901234567890", &step)), code);
        }
    }

    #[test]
    fn a_code_is_good_a_step_before_and_after_and_never_again() {
        let good = |last| steps(at(3_000), last).collect::<Vec<_>>();
        assert_eq!(good(0), [99, 100, 101]);
        assert_eq!(good(99), [100, 101]);
        assert_eq!(good(101), [0; 0]);
        assert_eq!(step_of(at(29)), 0);
        assert_eq!(step_of(at(30)), 1);
    }

    #[test]
    fn base32_is_that_of_rfc_4648() {
        assert_eq!(base32(b"fooba"), "MZXW6YTB");
        assert_eq!(from_base32("MZXW6YTB").unwrap(), b"fooba");
        for wrong in ["MZXW6YT", "MZXW6YT1", "mzxw6ytb", "MZXW6YT=", "MZXW6YTé"] {
            assert_eq!(from_base32(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_somebody_typed_is_a_code_of_one_kind_or_none() {
        for text in ["081804", " 081 804 ", "081-804"] {
            assert_eq!(Typed::read(text), Some(Typed::Code(81_804)), "{text}");
        }
        let code = [7; RECOVERY_BYTES];
        let text = recovery_text(&code);
        assert_eq!(text.len(), 27, "{text}");
        for text in [text.clone(), text.to_lowercase(), text.replace('-', " ")] {
            assert_eq!(Typed::read(&text), Some(Typed::Recovery(code)), "{text}");
        }
        for text in ["", "81804", "0818040", "08180a", "٠٨١٨٠٤", "AAAAAAAA"] {
            assert_eq!(Typed::read(text), None, "{text}");
        }
        assert_eq!(Typed::read(&" ".repeat(65)), None);
    }

    #[test]
    fn an_app_is_told_the_shop_and_the_account() {
        let uri = uri("https://shop.example/", "ann+x@example.com", "AAAA");
        let expected =
            "otpauth://totp/shop.example:ann%2Bx%40example.com?secret=AAAA&issuer=shop.example";
        assert_eq!(uri, expected);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(code: [u8; RECOVERY_BYTES]) {
            prop_assert_eq!(Typed::read(&recovery_text(&code)), Some(Typed::Recovery(code)));
        }

        #[test]
        fn no_text_and_no_clock_makes_it_fall_over(text: String, ms: i64, last: i64, mac: [u8; 20]) {
            let typed = Typed::read(&text);
            prop_assert!(typed.is_none() || text.len() >= 6);
            prop_assert!(steps(Timestamp::from_ms(ms), last).all(|step| step > last));
            prop_assert!(code_in(&mac) < 1_000_000);
        }
    }
}

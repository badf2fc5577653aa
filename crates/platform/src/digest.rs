//! Hashes, keyed hashes and random bytes: one crypto library behind one door. No passwords (identity has them).

use aws_lc_rs::{
    constant_time, digest, hmac,
    rand::{SecureRandom, SystemRandom},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use contracts::BoxError;
use serde::Serialize;
use std::io::Read;

/// SHA-256 over the parts, each preceded by its length, so that parts never run into each other.
#[must_use]
pub fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts {
        context.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        context.update(part);
    }
    first_bytes(context.finish().as_ref())
}

/// SHA-256 of the bytes as they are: for sums whose form others laid down.
#[must_use]
pub fn sha256_of(bytes: &[u8]) -> [u8; 32] {
    first_bytes(digest::digest(&digest::SHA256, bytes).as_ref())
}

/// SHA-256 of all that can be read, unframed, in the digits that `sha256sum` writes.
///
/// # Errors
/// When reading fails.
pub fn hex_sha256_of(mut reader: impl Read) -> std::io::Result<String> {
    let mut context = digest::Context::new(&digest::SHA256);
    let mut buffer = vec![0; 256 * 1_024];
    loop {
        let count = reader.read(&mut buffer)?;
        let Some(piece) = buffer.get(..count).filter(|piece| !piece.is_empty()) else {
            break;
        };
        context.update(piece);
    }
    let digits = context.finish();
    let digits = digits.as_ref().iter().map(|byte| format!("{byte:02x}"));
    Ok(digits.collect())
}

/// HMAC-SHA-256 (RFC 2104) over the parts, framed as in [`sha256`].
#[must_use]
pub fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key));
    for part in parts {
        context.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        context.update(part);
    }
    first_bytes(context.sign().as_ref())
}

/// HMAC-SHA-256 (RFC 2104) over the text as it is: for signatures whose form others laid down.
#[must_use]
pub fn hmac_sha256_of(key: &[u8], text: &[u8]) -> [u8; 32] {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    first_bytes(hmac::sign(&key, text).as_ref())
}

/// HMAC-SHA-1 (RFC 2104) over the text as it is. For the codes of RFC 6238, which apps make with it, and for nothing
/// else.
#[must_use]
pub fn hmac_sha1(key: &[u8], text: &[u8]) -> [u8; 20] {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key);
    first_bytes(hmac::sign(&key, text).as_ref())
}

/// Whether two secrets are equal, in a time that does not depend on where they differ.
#[must_use]
pub fn equal(one: &[u8], other: &[u8]) -> bool {
    constant_time::verify_slices_are_equal(one, other).is_ok()
}

/// Unguessable bytes from the operating system.
///
/// # Errors
/// When the operating system has none to give.
pub fn random<const N: usize>() -> Result<[u8; N], BoxError> {
    let mut bytes = [0; N];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| "the system gives no random bytes")?;
    Ok(bytes)
}

/// Bytes as URL-safe base64 without padding (RFC 4648, section 5).
#[must_use]
pub fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads URL-safe base64 without padding.
#[must_use]
pub fn from_base64url(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// The hash of a request: its scope (who, which address) and its body as parsed, so that spelling
/// differences of the JSON do not matter.
///
/// # Errors
/// When the body cannot be written as JSON.
pub fn fingerprint(scope: &str, body: &impl Serialize) -> Result<[u8; 32], BoxError> {
    Ok(sha256(&[scope.as_bytes(), &serde_json::to_vec(body)?]))
}

/// 16 bytes of an id that follow from a scope and a key: `UUIDv8` (RFC 9562, 5.8) over SHA-256, so that the
/// same request always means the same thing.
///
/// ```
/// use platform::digest::derived_id;
/// assert_eq!(derived_id("order usr_1", "my-first"), derived_id("order usr_1", "my-first"));
/// assert_ne!(derived_id("order usr_1", "my-first"), derived_id("order usr_2", "my-first"));
/// ```
#[must_use]
pub fn derived_id(scope: &str, key: &str) -> [u8; 16] {
    let hash = sha256(&[scope.as_bytes(), key.as_bytes()]);
    let mut id: [u8; 16] = first_bytes(&hash);
    let [_, _, _, _, _, _, version, _, variant, ..] = &mut id;
    *version = (*version & 0x0f) | 0x80;
    *variant = (*variant & 0x3f) | 0x80;
    id
}

fn first_bytes<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut first = [0; N];
    for (to, from) in first.iter_mut().zip(bytes) {
        *to = *from;
    }
    first
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_the_sum_that_others_count() {
        // FIPS 180-2, appendix B.1.
        let sum = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hex_sha256_of(&b"abc"[..]).unwrap(), sum);
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        assert_ne!(sha256(&[b"ab", b"c"]), sha256(&[b"a", b"bc"]));
        assert_ne!(derived_id("ann", "k1"), derived_id("annk", "1"));
    }

    #[test]
    fn hmac_sha1_is_that_of_rfc_2202() {
        let mac = hmac_sha1(b"Jefe", b"what do ya want for nothing?");
        let hex: String = mac.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
    }

    #[test]
    fn derived_ids_are_steady_and_of_version_8() {
        let id = derived_id("ann", "k1");
        assert_eq!(id, derived_id("ann", "k1"));
        assert_eq!((id[6] >> 4, id[8] >> 6), (8, 2));
    }
}

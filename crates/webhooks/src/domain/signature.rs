//! What goes out, signed as Standard Webhooks lays it down: over id, time and body, with each secret that is good.

use super::endpoint::Endpoint;
use base64::{Engine, engine::general_purpose::STANDARD};
use contracts::{
    values::{EventId, Timestamp},
    webhooks::EventView,
};
use platform::digest;
use secrecy::SecretString;

/// Bytes of a secret.
pub(crate) const SECRET_BYTES: usize = 32;

/// The secret as it is shown, once.
pub(crate) fn shown(secret: &[u8; SECRET_BYTES]) -> SecretString {
    format!("whsec_{}", STANDARD.encode(secret)).into()
}

/// What is sent of an event: the same bytes at each try.
///
/// # Errors
/// When it cannot be written as JSON.
pub(crate) fn body(event: &EventView) -> Result<String, serde_json::Error> {
    serde_json::to_string(event)
}

/// The header `webhook-signature` at this moment, in seconds since 1970.
pub(crate) fn header(
    endpoint: &Endpoint,
    id: EventId,
    at_seconds: i64,
    body: &str,
    now: Timestamp,
) -> String {
    let text = format!("{id}.{at_seconds}.{body}");
    let signed = |secret: &[u8; SECRET_BYTES]| {
        let mac = digest::hmac_sha256_of(secret, text.as_bytes());
        format!("v1,{}", STANDARD.encode(mac))
    };
    let former = endpoint.former.as_ref().filter(|(_, until)| *until > now);
    match former {
        Some((former, _)) => format!("{} {}", signed(&endpoint.secret), signed(former)),
        None => signed(&endpoint.secret),
    }
}

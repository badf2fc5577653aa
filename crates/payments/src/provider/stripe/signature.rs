//! Who sent a callback: `Stripe-Signature` is `t=SECONDS,v1=HEX[,v1=HEX]`, where HEX is HMAC-SHA-256 of `SECONDS.BODY`.
//! It is believed under each secret that is good just now, within five minutes, and not otherwise.

use crate::provider::SIGNATURE_SECONDS_MAX;
use contracts::{payments::CallbackError, values::Timestamp};
use platform::digest;
use secrecy::{ExposeSecret, SecretString};

/// Signatures that are looked at; Stripe sends one for each secret that it has for an address.
const SIGNATURES_MAX: usize = 8;

/// Checks a callback.
pub(super) fn check(
    header: &str,
    body: &[u8],
    secrets: &[SecretString],
    now: Timestamp,
) -> Result<(), CallbackError> {
    let bad = |why: &'static str| Err(CallbackError::BadSignature(why.into()));
    let parts = || header.split(',').map(str::trim);
    let Some(time) = parts().find_map(|part| part.strip_prefix("t=")) else {
        return bad("it has no time");
    };
    let Ok(seconds) = time.parse::<i64>() else {
        return bad("its time cannot be read");
    };
    let apart = now.as_ms().saturating_sub(seconds.saturating_mul(1_000));
    if apart.saturating_abs() > SIGNATURE_SECONDS_MAX.saturating_mul(1_000) {
        return bad("it is of another time");
    }
    let signed = [time.as_bytes(), b".", body].concat();
    let mut holds = false;
    for secret in secrets {
        let expected = hex(&digest::hmac_sha256_of(
            secret.expose_secret().as_bytes(),
            &signed,
        ));
        let given = parts().filter_map(|part| part.strip_prefix("v1="));
        for given in given.take(SIGNATURES_MAX) {
            // All are looked at, so that the time says nothing of which secret it is.
            holds |= digest::equal(expected.as_bytes(), given.as_bytes());
        }
    }
    if holds {
        Ok(())
    } else {
        bad("it is of another body or secret")
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

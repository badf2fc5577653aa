//! What is measured of identity. No account, no session and no key is ever a label.

use platform::metrics::{Gauge, Registry};
use std::sync::LazyLock;

static SIGNING_KEY_AGE: LazyLock<Gauge> = LazyLock::new(Gauge::default);

/// Adds the metrics of identity to a registry.
pub fn register(registry: &mut Registry) {
    registry.register(
        "souk_signing_key_age_seconds",
        "How long the key that signs tokens has done so; 0 where identity is not kept",
        SIGNING_KEY_AGE.clone(),
    );
}

/// The key that signs now has done so for as long.
pub(crate) fn signing_key_is_old(seconds: i64) {
    SIGNING_KEY_AGE.set(seconds);
}

//! What TLS is measured by: what became of handshakes and of new certificates, and how long the present one lasts.

use crate::metrics::{Counter, Family, Gauge, Registry};
use std::sync::LazyLock;

/// A day.
const DAY_SECONDS: i64 = 24 * 60 * 60;

type Outcome = [(&'static str, &'static str); 1];

/// How a handshake ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// Well.
    Done,
    /// With an error, theirs or ours.
    Failed,
    /// Not within its time.
    Late,
    /// Before it began: too many others were under way.
    Full,
}

impl Ended {
    const fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Late => "late",
            Self::Full => "full",
        }
    }
}

#[derive(Default)]
struct Counts {
    handshakes: Family<Outcome, Counter>,
    certificates: Family<Outcome, Counter>,
    left_seconds: Gauge,
}

static COUNTS: LazyLock<Counts> = LazyLock::new(Counts::default);

/// Adds them to a registry.
pub fn register(registry: &mut Registry) {
    registry.register(
        "souk_tls_handshakes",
        "Handshakes at the door, by how they ended",
        COUNTS.handshakes.clone(),
    );
    registry.register(
        "souk_tls_certificates",
        "Changed certificates, by whether they were taken",
        COUNTS.certificates.clone(),
    );
    registry.register(
        "souk_tls_certificate_left_seconds",
        "How long the door's certificate lasts, in whole days; 0 where there is none",
        COUNTS.left_seconds.clone(),
    );
}

/// A handshake has ended.
pub(super) fn ended(how: Ended) {
    let outcome = [("outcome", how.name())];
    COUNTS.handshakes.get_or_create_owned(&outcome).inc();
}

/// A changed pair was taken, or was not.
pub(super) fn exchanged(taken: bool) {
    let outcome = [("outcome", if taken { "taken" } else { "refused" })];
    COUNTS.certificates.get_or_create_owned(&outcome).inc();
}

/// So many days are left.
pub(super) fn days_left(days: i64) {
    COUNTS.left_seconds.set(days.saturating_mul(DAY_SECONDS));
}

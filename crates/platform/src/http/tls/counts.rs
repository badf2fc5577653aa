//! What TLS is measured by: what became of handshakes and of new certificates, and how long the present one lasts.

use super::Place;
use crate::metrics::{Counter, Family, Gauge, Registry};
use std::sync::LazyLock;

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
    days_left: Gauge,
}

static DOOR: LazyLock<Counts> = LazyLock::new(Counts::default);
static NODES: LazyLock<Counts> = LazyLock::new(Counts::default);

/// Adds them to a registry.
pub fn register(registry: &mut Registry) {
    registry.register(
        "souk_tls_handshakes",
        "Handshakes at the door, by how they ended",
        DOOR.handshakes.clone(),
    );
    registry.register(
        "souk_tls_certificates",
        "Changed certificates, by whether they were taken",
        DOOR.certificates.clone(),
    );
    registry.register(
        "souk_tls_certificate_days_left",
        "Whole days until the door's certificate ends; 0 where there is none",
        DOOR.days_left.clone(),
    );
    registry.register(
        "souk_internal_tls_handshakes",
        "Handshakes of other nodes that ask this one, by how they ended",
        NODES.handshakes.clone(),
    );
    registry.register(
        "souk_internal_tls_certificates",
        "Changed certificates between nodes, by whether they were taken",
        NODES.certificates.clone(),
    );
    registry.register(
        "souk_internal_tls_certificate_days_left",
        "Whole days until the certificate between nodes ends; 0 where there is none",
        NODES.days_left.clone(),
    );
}

fn of(place: Place) -> &'static Counts {
    match place {
        Place::Door => &DOOR,
        Place::Nodes => &NODES,
    }
}

/// A handshake has ended.
pub(super) fn ended(place: Place, how: Ended) {
    let outcome = [("outcome", how.name())];
    of(place).handshakes.get_or_create_owned(&outcome).inc();
}

/// A changed pair was taken, or was not.
pub(super) fn exchanged(place: Place, taken: bool) {
    let outcome = [("outcome", if taken { "taken" } else { "refused" })];
    of(place).certificates.get_or_create_owned(&outcome).inc();
}

/// So many days are left.
pub(super) fn days_left(place: Place, days: i64) {
    of(place).days_left.set(days);
}

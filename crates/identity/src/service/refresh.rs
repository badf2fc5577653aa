//! New tokens for a refresh token. One that comes back late was stolen from somebody: its session ends, for
//! the thief and for the owner.

use super::{Service, security::told, tokens::RefreshToken};
use crate::store::{Rotated, Rotation};
use contracts::identity::{RefreshError, SecurityEventKind, SignedIn};
use secrecy::SecretString;

pub(super) async fn refresh(
    service: &Service,
    token: SecretString,
) -> Result<SignedIn, RefreshError> {
    let unknown = || {
        service.note(service.event(SecurityEventKind::RefreshRefused));
        RefreshError::Invalid
    };
    let used = RefreshToken::read(&token).ok_or_else(unknown)?;
    let successor = service.issuer.successor(&used);
    let now = service.clock.now();
    let rotation = Rotation {
        used: used.hash(),
        successor: successor.hash(),
        at: now,
        expires_at: service.issuer.refresh_ends(now),
        life_seconds: i64::from(service.config.session_seconds_max),
        grace_ms: i64::from(service.config.refresh_grace_seconds).saturating_mul(1_000),
        reused: service.event(SecurityEventKind::RefreshTokenReused),
    };
    let reused = rotation.reused.clone();
    let (store, endings) = (service.store.clone(), service.endings.clone());
    let rotated = service.finish(async move {
        let rotated = store.rotate(rotation).await?;
        if let Rotated::Reused(user, session) = &rotated {
            endings.end_session(*session, now);
            told(&reused.of(*user).in_session(*session));
        }
        Ok::<_, platform::db::StoreError>(rotated)
    });
    let rotated = rotated.await.map_err(RefreshError::Internal)?;
    match rotated.map_err(|error| RefreshError::Internal(error.into()))? {
        Rotated::Over => Err(unknown()),
        Rotated::Reused(..) => Err(RefreshError::Reused),
        Rotated::Live(user, session) => service
            .issuer
            .sign_in(user, session, &successor, now)
            .map_err(RefreshError::Internal),
    }
}

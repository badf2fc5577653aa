//! One's own sessions: which there are, and their end, one by one or all at once. Whether a session of somebody
//! else's exists is told to nobody, and nobody ends it.

use super::{Service, security::told, tokens::RefreshToken};
use crate::{
    domain::{security::SecurityEvent, user::User},
    store::{NewSession, OpenSession},
};
use contracts::{
    BoxError,
    access::Principal,
    identity::{
        SecurityEventDetail, SecurityEventKind, SessionError, SessionQuery, SessionView, SignedIn,
    },
    values::{Cursor, Page, SessionId, UserId},
};
use platform::{db::StoreError, digest};

impl Service {
    /// A session that begins now, in this way: the store writes the event with it.
    pub(super) fn new_session(
        &self,
        kind: SecurityEventKind,
    ) -> Result<(NewSession, RefreshToken), BoxError> {
        self.issuer.session(self.event(kind))
    }

    /// Ends all sessions of a user; whether there is such an account.
    pub(super) async fn end_all_sessions(
        &self,
        id: UserId,
        event: SecurityEvent,
    ) -> Result<bool, StoreError> {
        let (store, endings) = (self.store.clone(), self.endings.clone());
        let ended = self.finish(async move {
            let epoch = store.end_sessions(id, event.clone()).await?;
            if let Some(epoch) = epoch {
                endings.end_user_before(id, epoch, event.at);
                told(&event);
            }
            Ok(epoch.is_some())
        });
        ended.await.map_err(StoreError::Other)?
    }

    /// The tokens of a session that has begun.
    pub(super) fn opened(
        &self,
        user: User,
        session: NewSession,
        token: &RefreshToken,
    ) -> Result<SignedIn, BoxError> {
        told(&session.event.by_owner(user.id).in_session(session.id));
        self.issuer.sign_in(user, session.id, token, session.at)
    }
}

pub(super) async fn list(
    service: &Service,
    who: &Principal,
    query: SessionQuery,
) -> Result<Page<SessionView>, SessionError> {
    let after = query.cursor.as_ref().map(position).transpose()?;
    let (limit, now) = (query.limit.get(), service.clock.now());
    // One more, to see whether there is another page.
    let found = service
        .store
        .open_sessions(who.user_id, after, limit.saturating_add(1), now);
    let mut sessions = found.await.map_err(failure)?;
    let next_cursor = cut(&mut sessions, limit);
    let shown = |session: OpenSession| SessionView {
        id: session.id,
        created_at: session.created_at,
        refreshed_at: session.refreshed_at,
        expires_at: session.expires_at,
        current: session.id == who.session_id,
    };
    Ok(Page {
        data: sessions.into_iter().map(shown).collect(),
        next_cursor,
    })
}

/// The session behind which a page begins.
fn position(cursor: &Cursor) -> Result<SessionId, SessionError> {
    let bytes = digest::from_base64url(cursor.as_str());
    let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
    bytes
        .map(SessionId::from_bytes)
        .ok_or(SessionError::BadCursor)
}

/// Cuts a page that was read one session too long; where the next one begins, if there is one.
fn cut(sessions: &mut Vec<OpenSession>, limit: u32) -> Option<Cursor> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = sessions.len() > limit;
    sessions.truncate(limit);
    let last = sessions.last().filter(|_| more)?;
    Cursor::parse(&digest::base64url(last.id.as_bytes())).ok()
}

pub(super) async fn end(
    service: &Service,
    who: &Principal,
    id: SessionId,
) -> Result<(), SessionError> {
    // Of two sessions the one that ends is named; who ended it is known by their account.
    let event = service.event(SecurityEventKind::SessionEnded);
    let event = event.by_owner(who.user_id).in_session(id);
    let event = event.because(SecurityEventDetail::ByOwner);
    let is_theirs = service.end_session(id, who.user_id, event).await;
    if is_theirs.map_err(failure)? {
        Ok(())
    } else {
        Err(SessionError::NotFound)
    }
}

/// Access tokens end by the epoch: one mark for all of them, however many sessions there are.
pub(super) async fn end_all(service: &Service, who: &Principal) -> Result<(), SessionError> {
    let event = service.event(SecurityEventKind::SessionsEnded).by(who);
    let event = event.of(who.user_id).because(SecurityEventDetail::ByOwner);
    let ended = service.end_all_sessions(who.user_id, event).await;
    // An account that has gone has no sessions.
    ended.map(drop).map_err(failure)
}

fn failure(error: StoreError) -> SessionError {
    SessionError::Internal(error.into())
}

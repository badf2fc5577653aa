//! Other people's accounts: listing them, and deciding whether they may sign in. Who may not has nothing left to get in
//! with on any node; what they ordered and paid goes on.

use super::{Service, links, profile::refusal, security::told};
use crate::{
    domain::{mail::MailKind, user::User},
    store::{LoginName, StatusChange, UserWish},
};
use contracts::{
    access::Principal,
    identity::{
        ProfileError, SecurityEventDetail, SecurityEventKind, SetUserStatus, UserCounts, UserQuery,
        UserStatus, UserView,
    },
    request::Precondition,
    values::{Cursor, Email, Page, UserId, fold, one_line},
};
use platform::{db::StoreError, digest};

const PREFIX_LENGTH_MAX: usize = 200;

impl Service {
    /// Accounts as [`contracts::identity::Identity::users`] lists them: for the command line.
    ///
    /// # Errors
    /// When the query cannot be read, or storage fails.
    pub async fn list_users(&self, query: UserQuery) -> Result<Page<UserView>, ProfileError> {
        list(self, query).await
    }

    /// Lets the account of an address sign in, or not any more. For the command line: whoever may open the database may
    /// do this.
    ///
    /// # Errors
    /// When there is no such account, it is the last admin's, or storage fails.
    pub async fn set_status_of(
        &self,
        email: Email,
        status: UserStatus,
    ) -> Result<UserView, ProfileError> {
        let found = self.store.credentials(LoginName::Email(email)).await;
        let found = found.map_err(failure)?.ok_or(ProfileError::NotFound)?;
        let change = StatusChange {
            id: found.user_id,
            sent: Precondition::LastWriterWins,
            status,
            event: self.event(kind(status)).by_system().of(found.user_id),
        };
        change_status(self, change).await
    }
}

pub(super) async fn counts(service: &Service) -> Result<UserCounts, ProfileError> {
    service.store.count_users().await.map_err(failure)
}

pub(super) async fn list(
    service: &Service,
    query: UserQuery,
) -> Result<Page<UserView>, ProfileError> {
    let unreadable = |parameter: &'static str| ProfileError::BadParameter {
        parameter: parameter.into(),
    };
    let prefix = query.q.as_deref().map(|text| {
        let text = one_line(text, 1, PREFIX_LENGTH_MAX);
        text.map(|text| fold(&text)).map_err(|_| unreadable("q"))
    });
    let after = query.cursor.as_ref().map(|cursor| {
        let bytes = digest::from_base64url(cursor.as_str());
        let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
        bytes
            .map(UserId::from_bytes)
            .ok_or_else(|| unreadable("cursor"))
    });
    let limit = query.limit.get();
    let wish = UserWish {
        prefix: prefix.transpose()?,
        role: query.role,
        status: query.status,
        after: after.transpose()?,
        // One more, to see whether there is another page.
        limit: limit.saturating_add(1),
    };
    let mut found = service.store.users(wish).await.map_err(failure)?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = found.len() > limit;
    found.truncate(limit);
    let last = found.last().filter(|_| more);
    Ok(Page {
        next_cursor: last
            .and_then(|last| Cursor::parse(&digest::base64url(last.id.as_bytes())).ok()),
        data: found.into_iter().map(User::view).collect(),
    })
}

/// An admin cannot keep themselves out; another has to, so that the shop is never left without one by a slip.
pub(super) async fn set_status(
    service: &Service,
    who: &Principal,
    id: UserId,
    sent: Precondition,
    wish: SetUserStatus,
) -> Result<UserView, ProfileError> {
    if id == who.user_id && wish.status == UserStatus::Disabled {
        return Err(ProfileError::Invalid {
            field: "/status".into(),
            reason: "must stay active: only another admin can disable you".to_owned(),
        });
    }
    let event = service.event(kind(wish.status)).by(who).of(id);
    let change = StatusChange {
        id,
        sent,
        status: wish.status,
        event,
    };
    change_status(service, change).await
}

const fn kind(status: UserStatus) -> SecurityEventKind {
    match status {
        UserStatus::Active => SecurityEventKind::AccountEnabled,
        UserStatus::Disabled => SecurityEventKind::AccountDisabled,
    }
}

async fn change_status(service: &Service, change: StatusChange) -> Result<UserView, ProfileError> {
    let (store, endings) = (service.store.clone(), service.endings.clone());
    let event = change.event.clone();
    let changed = service.finish(async move {
        let (user, changed) = store.set_status(change).await.map_err(refusal)?;
        if changed {
            endings.end_user_before(user.id, user.epoch, event.at);
            told(&event);
        }
        Ok::<_, ProfileError>(user)
    });
    Ok(changed.await.map_err(ProfileError::Internal)??.view())
}

/// Owes the user a link for another password. The old one stays good until the link is used.
pub(super) async fn send_reset(
    service: &Service,
    who: &Principal,
    id: UserId,
) -> Result<(), ProfileError> {
    let user = service.store.user(id).await.map_err(failure)?;
    let user = user.ok_or(ProfileError::NotFound)?;
    let unwritable = |reason: &str| ProfileError::Conflict {
        reason: reason.to_owned().into(),
    };
    if user.email.is_none() {
        return Err(unwritable("the account has no address to write to"));
    }
    if user.disabled_at.is_some() {
        return Err(unwritable("the account is disabled"));
    }
    let mut link = links::link(service, MailKind::ResetPassword);
    link.event = link.event.by(who).because(SecurityEventDetail::ByAdmin);
    let event = link.event.clone().of(id);
    let owed = service.store.owe_reset_to(id, link).await;
    if !owed.map_err(failure)? {
        return Err(unwritable("the account got several links of late"));
    }
    told(&event);
    Ok(())
}

pub(super) async fn end_sessions(
    service: &Service,
    who: &Principal,
    id: UserId,
) -> Result<(), ProfileError> {
    let event = service
        .event(SecurityEventKind::SessionsEnded)
        .by(who)
        .of(id);
    let event = event.because(SecurityEventDetail::ByAdmin);
    let there = service.end_all_sessions(id, event).await;
    if there.map_err(failure)? {
        Ok(())
    } else {
        Err(ProfileError::NotFound)
    }
}

fn failure(error: StoreError) -> ProfileError {
    ProfileError::Internal(error.into())
}

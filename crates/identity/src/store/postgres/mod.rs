//! Accounts and sessions in PostgreSQL, shared by several nodes. Every change is a compare-and-set in its statement;
//! what is decided from a row is decided under its lock. Locks are taken in one order everywhere: users, second factors
//! and recovery codes, sessions, refresh tokens, links, API keys and mails, and security events last.

mod accounts;
mod api_keys;
mod external;
mod factors;
mod links;
mod mails;
mod migrations;
mod rows;
mod secrets;
mod security;
mod sessions;
mod users;

pub(crate) use migrations::MIGRATIONS;

use super::{
    Credentials, DueMail, LoginName, MailTake, NewLink, NewSession, NewUser, OpenSession,
    PasswordChange, PasswordReset, Rename, RoleChange, Rotated, Rotation, Secrets, Setup,
    SigningKey, Store, TokenHash, failure, last_admin, of_password,
};
use crate::domain::{mail::MailKind, security::SecurityEvent, user::User};
use async_trait::async_trait;
use contracts::{
    access::Role,
    identity::{Ended, LoginError, PasswordError, ProfileError, RegisterError, UserDeleted},
    values::{Email, MailId, SessionId, Timestamp, UserId},
};
use platform::{
    db::{
        Abort, StoreError,
        postgres::{Database, Place},
    },
    outbox,
};

/// Identity's tables in one schema of a PostgreSQL server.
#[derive(Debug, Clone)]
pub(crate) struct PostgresStore {
    database: Database,
}

impl PostgresStore {
    pub(crate) async fn open(place: Place, now: Timestamp) -> Result<Self, StoreError> {
        Ok(Self {
            database: Database::open(place, &MIGRATIONS, now.as_ms()).await?,
        })
    }

    /// The database, for the relay of its outbox.
    pub(crate) fn database(&self) -> Database {
        self.database.clone()
    }
}

#[async_trait]
impl Store for PostgresStore {
    async fn secrets(
        &self,
        key: SigningKey,
        successor: [u8; 32],
        at: Timestamp,
    ) -> Result<Secrets, StoreError> {
        self.database
            .write((key, successor), move |c, (key, successor)| {
                Box::pin(secrets::load_or_keep(c, key, successor, at))
            })
            .await
            .map_err(failure)
    }

    async fn signing_keys(&self, now: Timestamp) -> Result<Vec<SigningKey>, StoreError> {
        secrets::keys(&self.database.read().await?, now).await
    }

    async fn rotate_key(
        &self,
        key: SigningKey,
        are_gone: bool,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.database
            .write(key, move |c, key| {
                Box::pin(secrets::rotate(c, key, are_gone, now))
            })
            .await
            .map_err(failure)
    }

    async fn register(
        &self,
        user: NewUser,
        session: NewSession,
    ) -> Result<User, Abort<RegisterError>> {
        self.database
            .write((user, session), |c, (user, session)| {
                Box::pin(async move {
                    let user = users::insert(c, user).await?;
                    sessions::insert(c, user.id, session).await?;
                    Ok(user)
                })
            })
            .await
    }

    async fn standing_setup_token(&self) -> Result<Option<(TokenHash, Timestamp)>, StoreError> {
        secrets::standing_setup_token(&self.database.read().await?).await
    }

    async fn renew_setup_token(
        &self,
        token: TokenHash,
        instead_of: Option<TokenHash>,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        self.database
            .write((token, instead_of), move |c, (token, instead_of)| {
                Box::pin(secrets::renew_setup_token(c, token, *instead_of, at))
            })
            .await
            .map_err(failure)
    }

    async fn setup_token_is_good(&self, token: TokenHash) -> Result<bool, StoreError> {
        secrets::setup_token_is_good(&self.database.read().await?, &token).await
    }

    async fn set_up(&self, setup: Setup) -> Result<User, Abort<RegisterError>> {
        self.database
            .write(setup, |c, setup| {
                Box::pin(async move {
                    if !secrets::use_setup_token(c, &setup.token, setup.user.at).await? {
                        return Err(Abort::Refused(RegisterError::SetupTokenInvalid));
                    }
                    let user = users::insert(c, &setup.user).await?;
                    sessions::insert(c, user.id, &setup.session).await?;
                    Ok(user)
                })
            })
            .await
    }

    async fn make_admin(&self, user: NewUser) -> Result<User, Abort<RegisterError>> {
        self.database
            .write(user, |c, user| {
                Box::pin(async move {
                    match users::promote(c, user).await? {
                        Some(admin) => {
                            links::forget(c, admin.id, MailKind::ResetPassword).await?;
                            sessions::end_all(c, admin.id, "password", user.at).await?;
                            security::insert(c, &user.event.clone().of(admin.id)).await?;
                            Ok(admin)
                        }
                        None => users::insert(c, user).await,
                    }
                })
            })
            .await
    }

    async fn credentials(&self, name: LoginName) -> Result<Option<Credentials>, StoreError> {
        users::credentials(&self.database.read().await?, &name).await
    }

    async fn credentials_of(&self, id: UserId) -> Result<Option<Credentials>, StoreError> {
        users::credentials_of(&self.database.read().await?, id).await
    }

    async fn open_session(
        &self,
        proven: Credentials,
        session: NewSession,
    ) -> Result<User, Abort<LoginError>> {
        self.database
            .write((proven, session), |c, (proven, session)| {
                Box::pin(async move {
                    c.outlive(proven.durability()).await?;
                    let user = users::still_proven(c, proven).await?;
                    let user = user.ok_or(Abort::Refused(LoginError::InvalidCredentials))?;
                    factors::spend(c, proven).await?;
                    sessions::insert(c, user.id, session).await?;
                    Ok(user)
                })
            })
            .await
    }

    async fn rotate(&self, rotation: Rotation) -> Result<Rotated, StoreError> {
        self.database
            .write(rotation, |c, rotation| {
                Box::pin(sessions::rotate(c, rotation))
            })
            .await
            .map_err(failure)
    }

    async fn end_session(
        &self,
        id: SessionId,
        user: UserId,
        event: SecurityEvent,
    ) -> Result<bool, StoreError> {
        self.database
            .write(event, move |c, event| {
                Box::pin(sessions::end_of_user(c, id, user, event))
            })
            .await
            .map_err(failure)
    }

    async fn open_sessions(
        &self,
        user: UserId,
        after: Option<SessionId>,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<OpenSession>, StoreError> {
        let connection = self.database.read().await?;
        sessions::open_of(&connection, user, after, limit, now).await
    }

    async fn end_sessions(
        &self,
        user: UserId,
        event: SecurityEvent,
    ) -> Result<Option<i64>, StoreError> {
        self.database
            .write(event, move |c, event| {
                Box::pin(async move {
                    let epoch = users::raise_epoch(c, user, event.at).await?;
                    if epoch.is_some() {
                        sessions::end_all(c, user, "logout", event.at).await?;
                        security::insert(c, event).await?;
                    }
                    Ok(epoch)
                })
            })
            .await
            .map_err(failure)
    }

    async fn change_password(
        &self,
        change: PasswordChange,
    ) -> Result<Vec<SessionId>, Abort<PasswordError>> {
        self.database
            .write(change, |c, change| {
                Box::pin(async move {
                    if !users::change_password(c, change).await? {
                        return Err(Abort::Refused(PasswordError::InvalidCredentials));
                    }
                    let spent = factors::spend(c, &change.proven).await;
                    spent.map_err(of_password)?;
                    let user = change.proven.user_id;
                    links::forget(c, user, MailKind::ResetPassword).await?;
                    mails::insert(c, user, &change.notice).await?;
                    security::insert(c, &change.event).await?;
                    Ok(sessions::end_others(c, user, change.kept, change.at).await?)
                })
            })
            .await
    }

    async fn end_session_of(
        &self,
        token: TokenHash,
        event: SecurityEvent,
    ) -> Result<Option<SessionId>, StoreError> {
        self.database
            .write((token, event), |c, (token, event)| {
                Box::pin(sessions::end_by_token(c, token, event))
            })
            .await
            .map_err(failure)
    }

    async fn user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        users::find(&self.database.read().await?, id).await
    }

    async fn rename(&self, change: Rename) -> Result<User, Abort<ProfileError>> {
        self.database
            .write(change, |c, change| Box::pin(users::rename(c, change)))
            .await
    }

    async fn set_roles(&self, change: RoleChange) -> Result<User, Abort<ProfileError>> {
        self.database
            .write(change, |c, change| {
                Box::pin(async move {
                    let keeps = change.roles.has(Role::Admin);
                    if !keeps && accounts::is_last_admin(c, change.id).await? {
                        return Err(Abort::Refused(last_admin("/roles")));
                    }
                    let user = users::set_roles(c, change).await?;
                    security::insert(c, &change.event).await?;
                    Ok(user)
                })
            })
            .await
    }

    async fn delete(
        &self,
        proven: Credentials,
        event: SecurityEvent,
    ) -> Result<i64, Abort<LoginError>> {
        self.database
            .write((proven, event), |c, (proven, event)| {
                Box::pin(async move {
                    let at = event.at;
                    let epoch = users::erase(c, proven, at).await?;
                    let epoch = epoch.ok_or(Abort::Refused(LoginError::InvalidCredentials))?;
                    factors::spend(c, proven).await?;
                    factors::forget(c, proven.user_id).await?;
                    sessions::end_all(c, proven.user_id, "deleted", at).await?;
                    mails::forget_all(c, proven.user_id).await?;
                    links::forget_all(c, proven.user_id).await?;
                    api_keys::forget_all(c, proven.user_id).await?;
                    external::forget_all(c, proven.user_id).await?;
                    security::forget_places(c, proven.user_id).await?;
                    security::insert(c, event).await?;
                    let told = UserDeleted {
                        user_id: proven.user_id,
                    };
                    outbox::postgres::append(c, &told, at).await?;
                    Ok(epoch)
                })
            })
            .await
    }

    async fn owe_reset(&self, email: Email, link: NewLink) -> Result<bool, StoreError> {
        self.database
            .write((email, link), |c, (email, link)| {
                Box::pin(async move {
                    match links::forgetful(c, email).await? {
                        Some(user) => Ok(links::owe(c, user, link).await?),
                        None => Ok(false),
                    }
                })
            })
            .await
            .map_err(failure)
    }

    async fn owe_verification(&self, user: UserId, link: NewLink) -> Result<bool, StoreError> {
        self.database
            .write(link, move |c, link| {
                Box::pin(async move {
                    let is_unverified = links::is_unverified(c, user).await?;
                    Ok(is_unverified && links::owe(c, user, link).await?)
                })
            })
            .await
            .map_err(failure)
    }

    async fn link_owner(
        &self,
        token: TokenHash,
        kind: MailKind,
        now: Timestamp,
    ) -> Result<Option<User>, StoreError> {
        links::owner(&self.database.read().await?, &token, kind, now).await
    }

    async fn reset_password(&self, reset: PasswordReset) -> Result<i64, Abort<PasswordError>> {
        self.database
            .write(reset, |c, reset| {
                Box::pin(async move {
                    let kind = MailKind::ResetPassword;
                    let epoch = links::reset(c, reset).await?;
                    let epoch = epoch.ok_or(Abort::Refused(PasswordError::LinkInvalid))?;
                    sessions::end_all(c, reset.user, "password", reset.at).await?;
                    // Of twins the second finds it gone, and all of this is undone.
                    if !links::take(c, reset).await? {
                        return Err(Abort::Refused(PasswordError::LinkInvalid));
                    }
                    links::forget(c, reset.user, kind).await?;
                    mails::insert(c, reset.user, &reset.notice).await?;
                    security::insert(c, &reset.event).await?;
                    Ok(epoch)
                })
            })
            .await
    }

    async fn verify_email(
        &self,
        token: TokenHash,
        event: SecurityEvent,
    ) -> Result<Option<UserId>, StoreError> {
        self.database
            .write((token, event), |c, (token, event)| {
                Box::pin(async move {
                    let (kind, at) = (MailKind::VerifyEmail, event.at);
                    let Some(user) = links::owner(c, token, kind, at).await? else {
                        return Ok(None);
                    };
                    links::verify(c, user.id, at).await?;
                    links::forget(c, user.id, kind).await?;
                    security::insert(c, &event.clone().by_owner(user.id)).await?;
                    Ok(Some(user.id))
                })
            })
            .await
            .map_err(failure)
    }

    async fn mails_are_due(&self, now: Timestamp) -> Result<bool, StoreError> {
        mails::are_due(&self.database.read().await?, now).await
    }

    async fn take_mails(&self, take: MailTake) -> Result<Vec<DueMail>, StoreError> {
        self.database
            .write(take, |c, take| {
                Box::pin(async move { Ok(mails::take(c, take).await?) })
            })
            .await
            .map_err(failure)
    }

    async fn put_off_mail(&self, id: MailId, until: Timestamp) -> Result<(), StoreError> {
        self.database
            .write(id, move |c, id| {
                Box::pin(async move { Ok(mails::put_off(c, *id, until).await?) })
            })
            .await
            .map_err(failure)
    }

    async fn forget_mail(&self, id: MailId) -> Result<(), StoreError> {
        self.database
            .write(id, |c, id| {
                Box::pin(async move { Ok(mails::forget(c, *id).await?) })
            })
            .await
            .map_err(failure)
    }

    async fn endings_since(&self, since: Timestamp) -> Result<Ended, StoreError> {
        let connection = self.database.read().await?;
        Ok(Ended {
            sessions: sessions::ended_since(&connection, since).await?,
            users: users::epochs_since(&connection, since).await?,
        })
    }

    /// Several commits: sessions take their tokens along, and two nodes that do both would wait for one another.
    async fn sweep(&self, now: Timestamp) -> Result<bool, StoreError> {
        let tokens = self
            .database
            .write((), move |c, ()| Box::pin(sessions::sweep_tokens(c, now)));
        let tokens = tokens.await.map_err(failure)?;
        let sessions = self
            .database
            .write((), move |c, ()| Box::pin(sessions::sweep(c, now)));
        let sessions = sessions.await.map_err(failure)?;
        let links = self.database.write((), move |c, ()| {
            Box::pin(async move { Ok(links::sweep(c, now).await?) })
        });
        let links = links.await.map_err(failure)?;
        let attempts = self.database.write((), move |c, ()| {
            Box::pin(
                async move { Ok(external::sweep(c, now).await? | api_keys::sweep(c, now).await?) },
            )
        });
        let attempts = attempts.await.map_err(failure)?;
        let factors = self
            .database
            .write((), move |c, ()| Box::pin(factors::sweep(c, now)));
        let factors = factors.await.map_err(failure)?;
        Ok(tokens || sessions || links || factors || attempts)
    }
}

//! The embedded store: statements beside the rows they read. Decides nothing that is not about rows.

mod accounts;
mod api_keys;
mod external;
mod factors;
mod links;
mod mails;
mod rows;
mod secrets;
mod security;
mod sessions;
mod users;

use super::{
    Credentials, DueMail, LoginName, MailTake, NewLink, NewSession, NewUser, OpenSession,
    PasswordChange, PasswordReset, Rename, RoleChange, Rotated, Rotation, Secrets, Setup,
    SigningKey, Store, TokenHash, failure, last_admin, of_password,
};
use crate::domain::{mail::MailKind, security::SecurityEvent, user::User};
use async_trait::async_trait;
use contracts::{
    access::Role,
    identity::{Ended, LoginError, PasswordError, ProfileError, RegisterError},
    values::{Email, MailId, SessionId, Timestamp, UserId},
};
use platform::db::{
    Abort, StoreError,
    migrate::{BASE, Migration},
    sqlite::{Database, Options},
};
use std::path::Path;

pub(crate) const MIGRATIONS: &[Migration] = &[
    BASE,
    Migration {
        number: 1,
        name: "users_and_sessions",
        sql: include_str!("../../../migrations/sqlite/0001_users_and_sessions.sql"),
    },
    Migration {
        number: 2,
        name: "mails",
        sql: include_str!("../../../migrations/sqlite/0002_mails.sql"),
    },
    Migration {
        number: 3,
        name: "mail_links",
        sql: include_str!("../../../migrations/sqlite/0003_mail_links.sql"),
    },
    Migration {
        number: 4,
        name: "security_events",
        sql: include_str!("../../../migrations/sqlite/0004_security_events.sql"),
    },
    Migration {
        number: 5,
        name: "second_factors",
        sql: include_str!("../../../migrations/sqlite/0005_second_factors.sql"),
    },
    Migration {
        number: 6,
        name: "external_names",
        sql: include_str!("../../../migrations/sqlite/0006_external_names.sql"),
    },
    Migration {
        number: 7,
        name: "api_keys",
        sql: include_str!("../../../migrations/sqlite/0007_api_keys.sql"),
    },
    Migration {
        number: 8,
        name: "finding_accounts",
        sql: include_str!("../../../migrations/sqlite/0008_finding_accounts.sql"),
    },
];

/// Identity's tables in one SQLite file.
#[derive(Debug, Clone)]
pub(crate) struct SqliteStore {
    database: Database,
}

impl SqliteStore {
    /// Opens (or makes) the file. It blocks: call it off the async threads.
    pub(crate) fn open(path: &Path, options: Options, now: Timestamp) -> Result<Self, StoreError> {
        let database = Database::open(path, options, MIGRATIONS, now.as_ms())?;
        Ok(Self { database })
    }

    /// The database, for the relay of its outbox.
    pub(crate) fn database(&self) -> Database {
        self.database.clone()
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn secrets(
        &self,
        key: SigningKey,
        successor: [u8; 32],
        at: Timestamp,
    ) -> Result<Secrets, StoreError> {
        let write = self
            .database
            .write(move |c| Ok(secrets::load_or_keep(c, &key, &successor, at)?));
        write.await.map_err(failure)
    }

    async fn signing_keys(&self, now: Timestamp) -> Result<Vec<SigningKey>, StoreError> {
        let read = self.database.read(move |c| Ok(secrets::keys(c, now)?));
        read.await
    }

    async fn rotate_key(
        &self,
        key: SigningKey,
        are_gone: bool,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let write = self
            .database
            .write(move |c| Ok(secrets::rotate(c, &key, are_gone, now)?));
        write.await.map_err(failure)
    }

    async fn register(
        &self,
        user: NewUser,
        session: NewSession,
    ) -> Result<User, Abort<RegisterError>> {
        let write = self.database.write(move |c| {
            let user = users::insert(c, &user)?;
            sessions::insert(c, user.id, &session)?;
            Ok(user)
        });
        write.await
    }

    async fn standing_setup_token(&self) -> Result<Option<(TokenHash, Timestamp)>, StoreError> {
        let read = self
            .database
            .read(|c| Ok(secrets::standing_setup_token(c)?));
        read.await
    }

    async fn renew_setup_token(
        &self,
        token: TokenHash,
        instead_of: Option<TokenHash>,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let write = self.database.write(move |c| {
            let renewed = secrets::renew_setup_token(c, &token, instead_of.as_ref(), at);
            Ok(renewed?)
        });
        write.await.map_err(failure)
    }

    async fn setup_token_is_good(&self, token: TokenHash) -> Result<bool, StoreError> {
        let read = self
            .database
            .read(move |c| Ok(secrets::setup_token_is_good(c, &token)?));
        read.await
    }

    async fn set_up(&self, setup: Setup) -> Result<User, Abort<RegisterError>> {
        let write = self.database.write(move |c| {
            if !secrets::use_setup_token(c, &setup.token, setup.user.at)? {
                return Err(Abort::Refused(RegisterError::SetupTokenInvalid));
            }
            let user = users::insert(c, &setup.user)?;
            sessions::insert(c, user.id, &setup.session)?;
            Ok(user)
        });
        write.await
    }

    async fn make_admin(&self, user: NewUser) -> Result<User, Abort<RegisterError>> {
        let write = self
            .database
            .write(move |c| match users::promote(c, &user)? {
                Some(admin) => {
                    links::forget(c, admin.id, MailKind::ResetPassword)?;
                    sessions::end_all(c, admin.id, "password", user.at)?;
                    security::insert(c, &user.event.clone().of(admin.id))?;
                    Ok(admin)
                }
                None => users::insert(c, &user),
            });
        write.await
    }

    async fn credentials(&self, name: LoginName) -> Result<Option<Credentials>, StoreError> {
        let read = self
            .database
            .read(move |c| Ok(users::credentials(c, &name)?));
        read.await
    }

    async fn credentials_of(&self, id: UserId) -> Result<Option<Credentials>, StoreError> {
        let read = self
            .database
            .read(move |c| Ok(users::credentials_of(c, id)?));
        read.await
    }

    async fn open_session(
        &self,
        proven: Credentials,
        session: NewSession,
    ) -> Result<User, Abort<LoginError>> {
        let durability = proven.durability();
        let write = self.database.write_to_outlive(durability, move |c| {
            let user = users::still_proven(c, &proven)?
                .ok_or(Abort::Refused(LoginError::InvalidCredentials))?;
            factors::spend(c, &proven)?;
            sessions::insert(c, user.id, &session)?;
            Ok(user)
        });
        write.await
    }

    async fn rotate(&self, rotation: Rotation) -> Result<Rotated, StoreError> {
        let write = self
            .database
            .write(move |c| Ok(sessions::rotate(c, &rotation)?));
        write.await.map_err(failure)
    }

    async fn end_session(
        &self,
        id: SessionId,
        user: UserId,
        event: SecurityEvent,
    ) -> Result<bool, StoreError> {
        let write = self
            .database
            .write(move |c| Ok(sessions::end_of_user(c, id, user, &event)?));
        write.await.map_err(failure)
    }

    async fn open_sessions(
        &self,
        user: UserId,
        after: Option<SessionId>,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<OpenSession>, StoreError> {
        let read = self
            .database
            .read(move |c| Ok(sessions::open_of(c, user, after, limit, now)?));
        read.await
    }

    async fn end_sessions(
        &self,
        user: UserId,
        event: SecurityEvent,
    ) -> Result<Option<i64>, StoreError> {
        let write = self.database.write(move |c| {
            let epoch = users::raise_epoch(c, user, event.at)?;
            if epoch.is_some() {
                sessions::end_all(c, user, "logout", event.at)?;
                security::insert(c, &event)?;
            }
            Ok(epoch)
        });
        write.await.map_err(failure)
    }

    async fn change_password(
        &self,
        change: PasswordChange,
    ) -> Result<Vec<SessionId>, Abort<PasswordError>> {
        let write = self.database.write(move |c| {
            if !users::change_password(c, &change)? {
                return Err(Abort::Refused(PasswordError::InvalidCredentials));
            }
            factors::spend(c, &change.proven).map_err(of_password)?;
            let user = change.proven.user_id;
            links::forget(c, user, MailKind::ResetPassword)?;
            mails::insert(c, user, &change.notice)?;
            security::insert(c, &change.event)?;
            Ok(sessions::end_others(c, user, change.kept, change.at)?)
        });
        write.await
    }

    async fn end_session_of(
        &self,
        token: TokenHash,
        event: SecurityEvent,
    ) -> Result<Option<SessionId>, StoreError> {
        let write = self
            .database
            .write(move |c| Ok(sessions::end_by_token(c, &token, event)?));
        write.await.map_err(failure)
    }

    async fn user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        let read = self.database.read(move |c| Ok(users::find(c, id)?));
        read.await
    }

    async fn rename(&self, change: Rename) -> Result<User, Abort<ProfileError>> {
        let write = self.database.write(move |c| users::rename(c, &change));
        write.await
    }

    async fn set_roles(&self, change: RoleChange) -> Result<User, Abort<ProfileError>> {
        let write = self.database.write(move |c| {
            if !change.roles.has(Role::Admin) && accounts::is_last_admin(c, change.id)? {
                return Err(Abort::Refused(last_admin("/roles")));
            }
            let user = users::set_roles(c, &change)?;
            security::insert(c, &change.event)?;
            Ok(user)
        });
        write.await
    }

    async fn delete(
        &self,
        proven: Credentials,
        event: SecurityEvent,
    ) -> Result<i64, Abort<LoginError>> {
        let write = self.database.write(move |c| {
            let at = event.at;
            let epoch = users::erase(c, &proven, at)?
                .ok_or(Abort::Refused(LoginError::InvalidCredentials))?;
            factors::spend(c, &proven)?;
            factors::forget(c, proven.user_id)?;
            sessions::end_all(c, proven.user_id, "deleted", at)?;
            mails::forget_all(c, proven.user_id)?;
            links::forget_all(c, proven.user_id)?;
            api_keys::forget_all(c, proven.user_id)?;
            external::forget_all(c, proven.user_id)?;
            security::forget_places(c, proven.user_id)?;
            security::insert(c, &event)?;
            let told = contracts::identity::UserDeleted {
                user_id: proven.user_id,
            };
            platform::outbox::append(c, &told, at)?;
            Ok(epoch)
        });
        write.await
    }

    async fn owe_reset(&self, email: Email, link: NewLink) -> Result<bool, StoreError> {
        let write = self
            .database
            .write(move |c| match links::forgetful(c, &email)? {
                Some(user) => Ok(links::owe(c, user, &link)?),
                None => Ok(false),
            });
        write.await.map_err(failure)
    }

    async fn owe_verification(&self, user: UserId, link: NewLink) -> Result<bool, StoreError> {
        let write = self
            .database
            .write(move |c| Ok(links::is_unverified(c, user)? && links::owe(c, user, &link)?));
        write.await.map_err(failure)
    }

    async fn link_owner(
        &self,
        token: TokenHash,
        kind: MailKind,
        now: Timestamp,
    ) -> Result<Option<User>, StoreError> {
        let read = self
            .database
            .read(move |c| Ok(links::owner(c, &token, kind, now)?));
        read.await
    }

    async fn reset_password(&self, reset: PasswordReset) -> Result<i64, Abort<PasswordError>> {
        let write = self.database.write(move |c| {
            let kind = MailKind::ResetPassword;
            let epoch = links::reset(c, &reset)?;
            let epoch = epoch.ok_or(Abort::Refused(PasswordError::LinkInvalid))?;
            if !links::take(c, &reset)? {
                return Err(Abort::Refused(PasswordError::LinkInvalid));
            }
            links::forget(c, reset.user, kind)?;
            sessions::end_all(c, reset.user, "password", reset.at)?;
            mails::insert(c, reset.user, &reset.notice)?;
            security::insert(c, &reset.event)?;
            Ok(epoch)
        });
        write.await
    }

    async fn verify_email(
        &self,
        token: TokenHash,
        event: SecurityEvent,
    ) -> Result<Option<UserId>, StoreError> {
        let write = self.database.write(move |c| {
            let (kind, at) = (MailKind::VerifyEmail, event.at);
            let Some(user) = links::owner(c, &token, kind, at)? else {
                return Ok(None);
            };
            links::verify(c, user.id, at)?;
            links::forget(c, user.id, kind)?;
            security::insert(c, &event.by_owner(user.id))?;
            Ok(Some(user.id))
        });
        write.await.map_err(failure)
    }

    async fn mails_are_due(&self, now: Timestamp) -> Result<bool, StoreError> {
        let read = self.database.read(move |c| Ok(mails::are_due(c, now)?));
        read.await
    }

    async fn take_mails(&self, take: MailTake) -> Result<Vec<DueMail>, StoreError> {
        let write = self.database.write(move |c| Ok(mails::take(c, &take)?));
        write.await.map_err(failure)
    }

    async fn put_off_mail(&self, id: MailId, until: Timestamp) -> Result<(), StoreError> {
        let write = self
            .database
            .write(move |c| Ok(mails::put_off(c, id, until)?));
        write.await.map_err(failure)
    }

    async fn forget_mail(&self, id: MailId) -> Result<(), StoreError> {
        let write = self.database.write(move |c| Ok(mails::forget(c, id)?));
        write.await.map_err(failure)
    }

    async fn endings_since(&self, since: Timestamp) -> Result<Ended, StoreError> {
        let read = self.database.read(move |c| {
            Ok(Ended {
                sessions: sessions::ended_since(c, since)?,
                users: users::epochs_since(c, since)?,
            })
        });
        read.await
    }

    async fn sweep(&self, now: Timestamp) -> Result<bool, StoreError> {
        let write = self.database.write(move |c| {
            let swept = sessions::sweep(c, now)? | links::sweep(c, now)? | factors::sweep(c, now)?;
            Ok(swept | external::sweep(c, now)? | api_keys::sweep(c, now)?)
        });
        write.await.map_err(failure)
    }
}

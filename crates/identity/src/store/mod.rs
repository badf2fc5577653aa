//! What identity keeps, as a trait: each method is one transaction that keeps one promise. Holds no rule of
//! its own beyond those of the rows, and never a password or a token in clear.

mod accounts;
pub(crate) mod api_keys;
mod external;
pub(crate) mod factors;
pub(crate) mod postgres;
mod security;
pub(crate) mod sqlite;
#[cfg(test)]
mod suite;

pub(crate) use accounts::{Accounts, ImportedUser, StatusChange, UserWish};
pub(crate) use external::{ExternalName, ExternalOpening, ExternalStore};
pub(crate) use security::{EventWish, SecurityLog};

use crate::domain::{mail::MailKind, roles::Roles, security::SecurityEvent, user::User};
use async_trait::async_trait;
use contracts::{
    identity::{Ended, LoginError, PasswordError, ProfileError, RegisterError},
    request::Precondition,
    values::{Email, MailId, SessionId, Timestamp, UserId, Username, Version},
};
use factors::{Factors, Spent};
use platform::db::{Abort, Durability, Schema, StoreError};
use secrecy::SecretString;
use std::convert::Infallible;

/// All steps of the schema.
pub const SCHEMA: Schema = Schema {
    sqlite: sqlite::MIGRATIONS,
    postgres: &postgres::MIGRATIONS,
};

/// Sessions and users that are read at a time.
const ENDINGS_MAX: u32 = 100_000;
/// Rows that one sweep takes.
const SWEEP_MAX: u32 = 500;
/// How long an ended session is kept, so that every node has heard of its end.
const KEEP_ENDED_SECONDS: i64 = 24 * 60 * 60;
/// A retired key verifies for as long as a token it signed may live, and then some.
const RETIRED_SECONDS: i64 = 3_600;

/// The hash of a token: what is kept instead of it.
pub(crate) type TokenHash = [u8; 32];

/// An account to open.
#[derive(Clone)]
pub(crate) struct NewUser {
    pub(crate) id: UserId,
    pub(crate) email: Option<Email>,
    pub(crate) username: Option<Username>,
    pub(crate) name: Option<String>,
    pub(crate) password_hash: SecretString,
    pub(crate) roles: Roles,
    pub(crate) at: Timestamp,
    /// For the audit log.
    pub(crate) event: SecurityEvent,
}

/// A session to open, with its first refresh token.
#[derive(Debug, Clone)]
pub(crate) struct NewSession {
    pub(crate) id: SessionId,
    pub(crate) token: TokenHash,
    pub(crate) at: Timestamp,
    pub(crate) expires_at: Timestamp,
    /// For the audit log.
    pub(crate) event: SecurityEvent,
}

/// The one-time token that was shown, and who wants to be the first admin with it.
pub(crate) struct Setup {
    pub(crate) token: TokenHash,
    pub(crate) user: NewUser,
    pub(crate) session: NewSession,
}

/// How somebody signs in.
#[derive(Debug, Clone)]
pub(crate) enum LoginName {
    Email(Email),
    Username(Username),
}

/// What a password is checked against.
#[derive(Clone)]
pub(crate) struct Credentials {
    pub(crate) user_id: UserId,
    pub(crate) password_hash: SecretString,
    pub(crate) disabled: bool,
    /// What ended all earlier access tokens, counted.
    pub(crate) epoch: i64,
    /// Whether a code is asked for as well.
    pub(crate) has_factor: bool,
    /// The code that was shown, to be used up in the commit of what it opens.
    pub(crate) spent: Option<Spent>,
}

impl Credentials {
    /// What a session must outlive that they open. Whoever loses one signs in again; a code that was used up stays
    /// used up.
    pub(crate) fn durability(&self) -> Durability {
        if self.spent.is_some() {
            Durability::PowerLoss
        } else {
            Durability::Kill
        }
    }
}

/// The use of a refresh token, and the successor it would have.
#[derive(Debug, Clone)]
pub(crate) struct Rotation {
    pub(crate) used: TokenHash,
    pub(crate) successor: TokenHash,
    pub(crate) at: Timestamp,
    pub(crate) expires_at: Timestamp,
    /// The longest life of a session.
    pub(crate) life_seconds: i64,
    pub(crate) grace_ms: i64,
    /// For the audit log, if the token was used before.
    pub(crate) reused: SecurityEvent,
}

/// What came of it.
pub(crate) enum Rotated {
    /// The successor is good for this session.
    Live(User, SessionId),
    /// The token was used before: the session has ended.
    Reused(UserId, SessionId),
    /// The token is unknown or over.
    Over,
}

/// A session that has not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OpenSession {
    pub(crate) id: SessionId,
    pub(crate) created_at: Timestamp,
    pub(crate) refreshed_at: Timestamp,
    pub(crate) expires_at: Timestamp,
}

/// Another password for somebody who has proven the one before.
pub(crate) struct PasswordChange {
    pub(crate) proven: Credentials,
    pub(crate) password_hash: SecretString,
    /// The session that asks: the only one that does not end.
    pub(crate) kept: SessionId,
    pub(crate) at: Timestamp,
    /// Tells the owner.
    pub(crate) notice: NewMail,
    /// For the audit log.
    pub(crate) event: SecurityEvent,
}

/// A mail that is owed to a user from now on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewMail {
    pub(crate) id: MailId,
    pub(crate) kind: MailKind,
    pub(crate) at: Timestamp,
    /// When it is not worth sending any more.
    pub(crate) expires_at: Timestamp,
}

/// A mail that was taken, to be sent.
pub(crate) struct DueMail {
    pub(crate) id: MailId,
    pub(crate) kind: MailKind,
    /// This one counted.
    pub(crate) tries: u32,
    pub(crate) expires_at: Timestamp,
    /// Where to, if the user still has an address.
    pub(crate) email: Option<Email>,
}

/// A link that is owed with its mail, unless so many were since a moment.
#[derive(Debug, Clone)]
pub(crate) struct NewLink {
    pub(crate) mail: NewMail,
    pub(crate) token: TokenHash,
    pub(crate) since: Timestamp,
    pub(crate) most: u32,
    /// For the audit log.
    pub(crate) event: SecurityEvent,
}

/// Another password for whoever has a link.
pub(crate) struct PasswordReset {
    pub(crate) token: TokenHash,
    /// Whose link it was when it was looked at.
    pub(crate) user: UserId,
    pub(crate) password_hash: SecretString,
    pub(crate) at: Timestamp,
    /// Tells the owner.
    pub(crate) notice: NewMail,
    /// For the audit log.
    pub(crate) event: SecurityEvent,
}

/// Whoever takes mails has them until a moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MailTake {
    pub(crate) now: Timestamp,
    pub(crate) until: Timestamp,
    pub(crate) limit: u32,
}

/// A change of one's own profile.
pub(crate) struct Rename {
    pub(crate) id: UserId,
    pub(crate) sent: Precondition,
    /// The new name, if it changes at all.
    pub(crate) name: Option<Option<String>>,
}

/// A change of roles.
pub(crate) struct RoleChange {
    pub(crate) id: UserId,
    pub(crate) sent: Precondition,
    pub(crate) roles: Roles,
    pub(crate) at: Timestamp,
    /// For the audit log.
    pub(crate) event: SecurityEvent,
}

/// A key that signs access tokens.
#[derive(Clone)]
pub(crate) struct SigningKey {
    pub(crate) kid: String,
    pub(crate) pkcs8: Vec<u8>,
    pub(crate) public_x: String,
    /// Known before it signs.
    pub(crate) signs_from: Timestamp,
    /// Until when it signs; what it signed is good for as long as a token lives.
    pub(crate) signs_until: Option<Timestamp>,
}

/// What the server keeps to itself.
#[derive(Clone)]
pub(crate) struct Secrets {
    /// The newest first: the first whose time has come signs, the others verify.
    pub(crate) keys: Vec<SigningKey>,
    /// Derives a refresh token's successor.
    pub(crate) successor: [u8; 32],
}

/// What identity keeps. An event that comes with a change is written in its commit.
#[async_trait]
pub(crate) trait Store:
    Accounts + api_keys::ApiKeys + ExternalStore + Factors + SecurityLog
{
    /// The server's secrets; those given are kept if there are none yet.
    async fn secrets(
        &self,
        key: SigningKey,
        successor: [u8; 32],
        at: Timestamp,
    ) -> Result<Secrets, StoreError>;
    /// The keys whose tokens may be good now, or later, the newest first.
    async fn signing_keys(&self, now: Timestamp) -> Result<Vec<SigningKey>, StoreError>;
    /// Keeps one more key. Those before it sign until it does; or they are gone at once, if somebody has seen them.
    async fn rotate_key(
        &self,
        key: SigningKey,
        are_gone: bool,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Opens an account and its first session.
    async fn register(
        &self,
        user: NewUser,
        session: NewSession,
    ) -> Result<User, Abort<RegisterError>>;

    /// The setup token that is good now, with when it was made.
    async fn standing_setup_token(&self) -> Result<Option<(TokenHash, Timestamp)>, StoreError>;
    /// Makes a setup token instead of this one, or of none that is good, if there is no admin; whether it did.
    async fn renew_setup_token(
        &self,
        token: TokenHash,
        instead_of: Option<TokenHash>,
        at: Timestamp,
    ) -> Result<bool, StoreError>;
    /// Whether a setup token is good.
    async fn setup_token_is_good(&self, token: TokenHash) -> Result<bool, StoreError>;
    /// Uses the setup token up for the first admin's account.
    async fn set_up(&self, setup: Setup) -> Result<User, Abort<RegisterError>>;
    /// Makes an admin: a new account, or the one of that address, which gets the password and loses its sessions.
    async fn make_admin(&self, user: NewUser) -> Result<User, Abort<RegisterError>>;

    /// What the password of a name is checked against.
    async fn credentials(&self, name: LoginName) -> Result<Option<Credentials>, StoreError>;
    /// What the password of a user is checked against.
    async fn credentials_of(&self, id: UserId) -> Result<Option<Credentials>, StoreError>;
    /// Opens a session, if what was proven still holds; its code is used up.
    async fn open_session(
        &self,
        proven: Credentials,
        session: NewSession,
    ) -> Result<User, Abort<LoginError>>;
    /// Uses a refresh token.
    async fn rotate(&self, rotation: Rotation) -> Result<Rotated, StoreError>;
    /// Ends a session, if it is this user's; whether it is.
    async fn end_session(
        &self,
        id: SessionId,
        user: UserId,
        event: SecurityEvent,
    ) -> Result<bool, StoreError>;
    /// A user's sessions that have not ended, the newest first, from behind one of them on.
    async fn open_sessions(
        &self,
        user: UserId,
        after: Option<SessionId>,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<OpenSession>, StoreError>;
    /// Ends all sessions of a user; answers the new epoch, if there is an account.
    async fn end_sessions(
        &self,
        user: UserId,
        event: SecurityEvent,
    ) -> Result<Option<i64>, StoreError>;
    /// Changes a password, if what was proven still holds, and ends the other sessions; answers them.
    async fn change_password(
        &self,
        change: PasswordChange,
    ) -> Result<Vec<SessionId>, Abort<PasswordError>>;
    /// Ends the session that a refresh token belongs to, if there is one.
    async fn end_session_of(
        &self,
        token: TokenHash,
        event: SecurityEvent,
    ) -> Result<Option<SessionId>, StoreError>;

    /// A user with an account.
    async fn user(&self, id: UserId) -> Result<Option<User>, StoreError>;
    /// Changes a profile.
    async fn rename(&self, change: Rename) -> Result<User, Abort<ProfileError>>;
    /// Changes roles, which ends the user's access tokens.
    async fn set_roles(&self, change: RoleChange) -> Result<User, Abort<ProfileError>>;
    /// Erases an account whose password was proven, ends its sessions, tells the others; answers the new epoch.
    async fn delete(
        &self,
        proven: Credentials,
        event: SecurityEvent,
    ) -> Result<i64, Abort<LoginError>>;

    /// Owes a link for another password to the user of this address; whether it does.
    async fn owe_reset(&self, email: Email, link: NewLink) -> Result<bool, StoreError>;
    /// Owes a link to a user whose address is not verified; whether it does.
    async fn owe_verification(&self, user: UserId, link: NewLink) -> Result<bool, StoreError>;
    /// Whose link of this kind it is, while it is good.
    async fn link_owner(
        &self,
        token: TokenHash,
        kind: MailKind,
        now: Timestamp,
    ) -> Result<Option<User>, StoreError>;
    /// Uses a link up for another password: ends all sessions and all other such links; answers the new epoch.
    async fn reset_password(&self, reset: PasswordReset) -> Result<i64, Abort<PasswordError>>;
    /// Uses a link up to verify an address; whose, if it was good.
    async fn verify_email(
        &self,
        token: TokenHash,
        event: SecurityEvent,
    ) -> Result<Option<UserId>, StoreError>;

    /// Whether there are mails to be sent.
    async fn mails_are_due(&self, now: Timestamp) -> Result<bool, StoreError>;
    /// Takes mails that are due, the longest due first: nobody else gets them until they are settled or their time
    /// is over.
    async fn take_mails(&self, take: MailTake) -> Result<Vec<DueMail>, StoreError>;
    /// Makes a mail wait.
    async fn put_off_mail(&self, id: MailId, until: Timestamp) -> Result<(), StoreError>;
    /// Forgets a mail that went, or never will.
    async fn forget_mail(&self, id: MailId) -> Result<(), StoreError>;

    /// What ended at this time or later.
    async fn endings_since(&self, since: Timestamp) -> Result<Ended, StoreError>;
    /// Forgets some sessions and tokens that are long over; whether there may be more.
    async fn sweep(&self, now: Timestamp) -> Result<bool, StoreError>;
}

/// The failure of a write that nothing refuses.
fn failure(abort: Abort<Infallible>) -> StoreError {
    match abort {
        Abort::Refused(never) => match never {},
        Abort::Failed(error) => error,
    }
}

/// Why the last admin who may sign in stays one.
fn last_admin(field: &'static str) -> ProfileError {
    ProfileError::Invalid {
        field: field.into(),
        reason: "must stay as it is: there is no other admin".to_owned(),
    }
}

/// The same refusal in the words of whoever changes a password.
fn of_password(abort: Abort<LoginError>) -> Abort<PasswordError> {
    match abort {
        Abort::Refused(refusal) => Abort::Refused(refusal.into()),
        Abort::Failed(error) => Abort::Failed(error),
    }
}

/// Why no row of that version was found.
fn stale(sent: Precondition, current: Option<Version>) -> ProfileError {
    match current {
        None => ProfileError::NotFound,
        Some(current) => ProfileError::VersionConflict { sent, current },
    }
}

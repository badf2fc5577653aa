//! Identity: who people are, and the tokens that prove it. Passwords never come back out.

mod api_keys;
mod errors;
mod external;
mod factors;
mod import;
mod links;
mod security;
mod sessions;
mod users;

pub use api_keys::{
    ApiKeyError, ApiKeyMade, ApiKeyQuery, ApiKeyView, KeyHolder, MakeApiKey, RotateApiKey, ShownKey,
};
pub use errors::{
    FactorError, LinkError, LoginError, PasswordError, ProfileError, RefreshError, RegisterError,
    SessionError,
};
pub use external::{
    BeginExternal, ChangeExternal, EndExternal, External, ExternalAttempt, ExternalEnd,
    ExternalError, ExternalLink, ProviderView,
};
pub use factors::{
    AnswerChallenge, BeginSecondFactor, ConfirmSecondFactor, FactorSecret, ProveTwice,
    RecoveryCodes, SecondFactorView, SecondFactors,
};
pub use import::{ImportUser, ImportUsers};
pub use links::{ForgotPassword, ResetPassword, VerifyEmail};
pub use security::{
    OwnSecurityEventQuery, SecurityActor, SecurityEventDetail, SecurityEventError,
    SecurityEventKind, SecurityEventQuery, SecurityEventView,
};
pub use sessions::{ChangePassword, SessionQuery, SessionView};
pub use users::{SetUserStatus, UserCounts, UserQuery, UserStatus};

use crate::{
    BoxError,
    access::{Principal, Role},
    event::Event,
    request::{Answered, IdempotencyKey, Precondition},
    values::{ApiKeyId, Counted, Email, Page, SessionId, Timestamp, UserId, Username, Version},
};
use async_trait::async_trait;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

/// A wish to open an account; e-mail, user name, or both.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterUser {
    /// The e-mail address.
    pub email: Option<Email>,
    /// The user name.
    pub username: Option<Username>,
    /// 8 to 128 characters of any kind.
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 128)]
    pub password: SecretString,
    /// What to call the person, up to 200 characters.
    pub name: Option<String>,
}

/// A wish to sign in, by e-mail or user name.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// The e-mail address.
    pub email: Option<Email>,
    /// The user name.
    pub username: Option<Username>,
    /// The password.
    #[schema(value_type = String, format = Password)]
    pub password: SecretString,
}

/// A refresh token, as the body of refresh and log-out.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshRequest {
    /// The opaque token of the last sign-in or refresh.
    #[schema(value_type = String)]
    pub refresh_token: SecretString,
}

/// A wish to delete one's account.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeleteAccount {
    /// The password, once more.
    #[schema(value_type = String, format = Password)]
    pub password: SecretString,
    /// A code, if the second factor is on.
    #[schema(value_type = Option<String>)]
    pub code: Option<SecretString>,
}

/// A wish to become the shop's first admin, with the token printed at the first start.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetupAdmin {
    /// The one-time token.
    #[schema(value_type = String)]
    pub setup_token: SecretString,
    /// The admin's e-mail address.
    pub email: Email,
    /// 8 to 128 characters of any kind.
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 128)]
    pub password: SecretString,
}

/// A change of one's own profile (RFC 7396 merge patch).
#[derive(Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PatchProfile {
    /// What to call the person; `null` forgets it.
    #[serde(
        default,
        deserialize_with = "crate::values::present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<String>)]
    pub name: Option<Option<String>>,
    /// The version that is changed, if no `If-Match` says so.
    pub version: Option<Version>,
}

/// A change of a user's roles.
#[derive(Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetRoles {
    /// All roles the user has from now on.
    pub roles: Vec<Role>,
    /// The version that is changed, if no `If-Match` says so.
    pub version: Option<Version>,
}

/// A user, as they and admins see them.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct UserView {
    /// The user's id.
    pub id: UserId,
    /// The e-mail address.
    pub email: Option<Email>,
    /// When a mail to this address was seen to arrive, if one was.
    pub verified_at: Option<Timestamp>,
    /// The user name.
    pub username: Option<Username>,
    /// What to call the person.
    pub name: Option<String>,
    /// What they may do.
    pub roles: Vec<Role>,
    /// Since when they may not sign in, if they may not.
    #[serde(default)]
    pub disabled_at: Option<Timestamp>,
    /// The version of this profile.
    pub version: Version,
    /// When the account was opened.
    pub created_at: Timestamp,
}

impl std::fmt::Debug for UserView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UserView")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// A user who has just proven who they are, and their tokens.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// Who.
    pub user: UserView,
    /// The access token (JWT).
    pub access_token: SecretString,
    /// After how many seconds the access token ends.
    pub expires_in: i64,
    /// The refresh token: works once.
    pub refresh_token: SecretString,
}

/// Sessions and users' earlier tokens that ended, each with the moment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// Sessions whose tokens are worth nothing any more.
    pub sessions: Vec<(SessionId, Timestamp)>,
    /// Users whose tokens of an earlier epoch than this are worth nothing any more.
    pub users: Vec<(UserId, i64, Timestamp)>,
}

/// A user has gone: whoever keeps personal data of theirs erases it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserDeleted {
    /// Who.
    pub user_id: UserId,
}

impl Event for UserDeleted {
    const NAME: &'static str = "identity.user_deleted.v1";
    fn subject(&self) -> String {
        self.user_id.to_string()
    }
}

/// A user's address was shown to be theirs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmailVerified {
    /// Whose it is.
    pub user_id: UserId,
}

impl Event for EmailVerified {
    const NAME: &'static str = "identity.email_verified.v1";
    fn subject(&self) -> String {
        self.user_id.to_string()
    }
}

/// Who knows which address was shown to be whose: what orders ask when they hear [`EmailVerified`], for events carry no
/// addresses.
#[async_trait]
pub trait Addresses: Send + Sync {
    /// This user's address, if it was shown to be theirs.
    async fn verified_address(&self, id: UserId) -> Result<Option<Email>, BoxError>;
    /// Whose this address is, if it was shown to be theirs.
    async fn owner(&self, email: &Email) -> Result<Option<UserId>, BoxError>;
    /// This user's address as they named it, for what is written to them about their own doings.
    async fn address(&self, id: UserId) -> Result<Option<Email>, BoxError>;
}

/// What the others may ask of identity.
#[async_trait]
pub trait Identity: External + SecondFactors + Send + Sync {
    /// Opens an account and signs it in.
    async fn register(&self, wish: RegisterUser) -> Result<SignedIn, RegisterError>;
    /// Makes the first admin, with the one-time token, and signs them in.
    async fn setup_admin(&self, wish: SetupAdmin) -> Result<SignedIn, RegisterError>;
    /// Signs in; an account whose second factor is on is asked for a code first.
    async fn login(&self, wish: Login) -> Result<SignedIn, LoginError>;
    /// Gives new tokens for a refresh token, which is used up (RFC 9700, 4.14.2).
    async fn refresh(&self, token: SecretString) -> Result<SignedIn, RefreshError>;
    /// Ends the session a refresh token belongs to; unknown tokens are nothing to end.
    async fn end_session_of(&self, token: SecretString) -> Result<(), RefreshError>;
    /// Ends the session an access token belongs to.
    async fn logout(&self, who: &Principal) -> Result<(), ProfileError>;
    /// One's own sessions that have not ended, the newest first.
    async fn sessions(
        &self,
        who: &Principal,
        query: SessionQuery,
    ) -> Result<Page<SessionView>, SessionError>;
    /// Ends one of one's own sessions.
    async fn end_own_session(&self, who: &Principal, id: SessionId) -> Result<(), SessionError>;
    /// Ends all of one's own sessions, this one too.
    async fn end_own_sessions(&self, who: &Principal) -> Result<(), SessionError>;
    /// Changes one's own password and ends all of one's other sessions.
    async fn change_password(
        &self,
        who: &Principal,
        wish: ChangePassword,
    ) -> Result<(), PasswordError>;
    /// Owes a link for another password to whoever has this address; done before anything is looked at.
    async fn forgot_password(&self, wish: ForgotPassword) -> Result<(), LinkError>;
    /// Sets another password by such a link, which is used up, and ends all sessions.
    async fn reset_password(&self, wish: ResetPassword) -> Result<(), PasswordError>;
    /// Owes the asker a link that verifies their address, unless it is verified.
    async fn ask_verification(&self, who: &Principal) -> Result<(), LinkError>;
    /// Verifies an address by such a link.
    async fn verify_email(&self, wish: VerifyEmail) -> Result<(), LinkError>;
    /// One's own profile.
    async fn me(&self, who: &Principal) -> Result<UserView, ProfileError>;
    /// One's own profile, to be given out with all else that is kept of one: tells the audit log.
    async fn export(&self, who: &Principal) -> Result<UserView, ProfileError>;
    /// Changes one's own profile.
    async fn patch_me(
        &self,
        who: &Principal,
        sent: Precondition,
        patch: PatchProfile,
    ) -> Result<UserView, ProfileError>;
    /// Deletes one's own account, ends all its sessions, erases its personal data.
    async fn delete_account(&self, who: &Principal, wish: DeleteAccount) -> Result<(), LoginError>;
    /// Any user's profile (admins; the caller checks).
    async fn user(&self, id: UserId) -> Result<UserView, ProfileError>;
    /// Changes a user's roles; their access tokens end (admins; the caller checks). Tells the audit log who asks.
    async fn set_roles(
        &self,
        who: &Principal,
        id: UserId,
        sent: Precondition,
        wish: SetRoles,
    ) -> Result<UserView, ProfileError>;
    /// Makes an API key of one's own; only this answer has its text.
    async fn make_api_key(
        &self,
        who: &Principal,
        key: Option<IdempotencyKey>,
        wish: MakeApiKey,
    ) -> Result<Answered<ApiKeyMade>, ApiKeyError>;
    /// One's own API keys, the newest first; anybody's for admins.
    async fn api_keys(
        &self,
        who: &Principal,
        query: ApiKeyQuery,
    ) -> Result<Page<ApiKeyView>, ApiKeyError>;
    /// One of one's own API keys; anybody's for admins.
    async fn api_key(&self, who: &Principal, id: ApiKeyId) -> Result<ApiKeyView, ApiKeyError>;
    /// Ends one of one's own API keys for good; anybody's for admins.
    async fn revoke_api_key(&self, who: &Principal, id: ApiKeyId) -> Result<(), ApiKeyError>;
    /// Gives one of one's own API keys another secret; only this answer has it.
    async fn rotate_api_key(
        &self,
        who: &Principal,
        id: ApiKeyId,
        wish: RotateApiKey,
    ) -> Result<ApiKeyMade, ApiKeyError>;
    /// Whom a key stands for, if it is good.
    async fn check_key(&self, shown: ShownKey) -> Result<Option<KeyHolder>, BoxError>;
    /// Accounts, the newest first (admins; the caller checks).
    async fn users(&self, query: UserQuery) -> Result<Page<UserView>, ProfileError>;
    /// How many accounts there are (admins; the caller checks).
    async fn user_counts(&self) -> Result<UserCounts, ProfileError>;
    /// Lets a user sign in, or not any more; then all their sessions and tokens end (admins; the caller checks). Nobody
    /// does it to themselves, and the last admin stays.
    async fn set_status(
        &self,
        who: &Principal,
        id: UserId,
        sent: Precondition,
        wish: SetUserStatus,
    ) -> Result<UserView, ProfileError>;
    /// Owes a user a link for another password (admins; the caller checks).
    async fn send_password_reset(&self, who: &Principal, id: UserId) -> Result<(), ProfileError>;
    /// Ends all sessions of a user (admins; the caller checks).
    async fn end_sessions_of(&self, who: &Principal, id: UserId) -> Result<(), ProfileError>;
    /// Security events, the newest first (admins; the caller checks).
    async fn security_events(
        &self,
        query: SecurityEventQuery,
    ) -> Result<Page<SecurityEventView>, SecurityEventError>;
    /// How many security events of each of these kinds the log shows, in their order (admins; the caller checks).
    async fn security_event_counts(
        &self,
        kinds: Vec<SecurityEventKind>,
    ) -> Result<Vec<Counted>, SecurityEventError>;
    /// Security events of one's own account, the newest first. Of what somebody else did, it is not told who and from
    /// where.
    async fn own_security_events(
        &self,
        who: &Principal,
        query: OwnSecurityEventQuery,
    ) -> Result<Page<SecurityEventView>, SecurityEventError>;
    /// The public keys that verify access tokens (RFC 7517).
    async fn public_keys(&self) -> Result<serde_json::Value, BoxError>;
    /// What ended since this moment before its tokens did: for whoever checks tokens away from identity.
    async fn ended_since(&self, since: Timestamp) -> Result<Ended, BoxError>;
}

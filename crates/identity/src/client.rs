//! Identity, far: the same contract, asked of another node. Nothing is kept and nothing is decided here.

use crate::calls::{self, Codes, KeyMade, Pair, Sent, Tokens};
use async_trait::async_trait;
use contracts::{
    BoxError,
    access::Principal,
    identity::{
        AnswerChallenge, ApiKeyError, ApiKeyMade, ApiKeyQuery, ApiKeyView, BeginSecondFactor,
        ChangePassword, ConfirmSecondFactor, DeleteAccount, Ended, FactorError, FactorSecret,
        ForgotPassword, Identity, KeyHolder, LinkError, Login, LoginError, MakeApiKey,
        OwnSecurityEventQuery, PasswordError, PatchProfile, ProfileError, ProveTwice,
        RecoveryCodes, RefreshError, RegisterError, RegisterUser, ResetPassword, RotateApiKey,
        SecondFactorView, SecondFactors, SecurityEventError, SecurityEventKind, SecurityEventQuery,
        SecurityEventView, SessionError, SessionQuery, SessionView, SetRoles, SetUserStatus,
        SetupAdmin, ShownKey, SignedIn, UserCounts, UserQuery, UserView, VerifyEmail,
    },
    request::{Answered, IdempotencyKey, Precondition},
    values::{ApiKeyId, Counted, Page, SessionId, Timestamp, UserId},
};
use platform::call::Peer;
use secrecy::SecretString;

/// The identity of other nodes.
#[derive(Clone)]
pub struct Client {
    pub(crate) peer: Peer,
}

impl Client {
    /// The accounts that these instances keep.
    #[must_use]
    pub const fn new(peer: Peer) -> Self {
        Self { peer }
    }
}

#[async_trait]
impl Identity for Client {
    async fn register(&self, wish: RegisterUser) -> Result<SignedIn, RegisterError> {
        let answer = self.peer.ask(calls::REGISTER, &wish.into()).await;
        answer.map(Tokens::into)
    }

    async fn setup_admin(&self, wish: SetupAdmin) -> Result<SignedIn, RegisterError> {
        let answer = self.peer.ask(calls::SETUP_ADMIN, &wish.into()).await;
        answer.map(Tokens::into)
    }

    async fn login(&self, wish: Login) -> Result<SignedIn, LoginError> {
        let answer = self.peer.ask(calls::LOGIN, &wish.into()).await;
        answer.map(Tokens::into)
    }

    async fn refresh(&self, token: SecretString) -> Result<SignedIn, RefreshError> {
        let answer = self.peer.ask(calls::REFRESH, &Sent(token)).await;
        answer.map(Tokens::into)
    }

    async fn end_session_of(&self, token: SecretString) -> Result<(), RefreshError> {
        self.peer.ask(calls::END_SESSION_OF, &Sent(token)).await
    }

    async fn logout(&self, who: &Principal) -> Result<(), ProfileError> {
        self.peer.ask(calls::LOGOUT, &who.into()).await
    }

    async fn sessions(
        &self,
        who: &Principal,
        query: SessionQuery,
    ) -> Result<Page<SessionView>, SessionError> {
        self.peer.ask(calls::SESSIONS, &(who.into(), query)).await
    }

    async fn end_own_session(&self, who: &Principal, id: SessionId) -> Result<(), SessionError> {
        let arguments = (who.into(), id);
        self.peer.ask(calls::END_OWN_SESSION, &arguments).await
    }

    async fn end_own_sessions(&self, who: &Principal) -> Result<(), SessionError> {
        self.peer.ask(calls::END_OWN_SESSIONS, &who.into()).await
    }

    async fn change_password(
        &self,
        who: &Principal,
        wish: ChangePassword,
    ) -> Result<(), PasswordError> {
        let arguments = (who.into(), wish.into());
        self.peer.ask(calls::CHANGE_PASSWORD, &arguments).await
    }

    async fn forgot_password(&self, wish: ForgotPassword) -> Result<(), LinkError> {
        self.peer.ask(calls::FORGOT_PASSWORD, &wish).await
    }

    async fn reset_password(&self, wish: ResetPassword) -> Result<(), PasswordError> {
        self.peer.ask(calls::RESET_PASSWORD, &wish.into()).await
    }

    async fn ask_verification(&self, who: &Principal) -> Result<(), LinkError> {
        self.peer.ask(calls::ASK_VERIFICATION, &who.into()).await
    }

    async fn verify_email(&self, wish: VerifyEmail) -> Result<(), LinkError> {
        self.peer.ask(calls::VERIFY_EMAIL, &wish.into()).await
    }

    async fn me(&self, who: &Principal) -> Result<UserView, ProfileError> {
        self.peer.ask(calls::ME, &who.into()).await
    }

    async fn export(&self, who: &Principal) -> Result<UserView, ProfileError> {
        self.peer.ask(calls::EXPORT, &who.into()).await
    }

    async fn patch_me(
        &self,
        who: &Principal,
        sent: Precondition,
        patch: PatchProfile,
    ) -> Result<UserView, ProfileError> {
        let arguments = (who.into(), sent, patch);
        self.peer.ask(calls::PATCH_ME, &arguments).await
    }

    async fn delete_account(&self, who: &Principal, wish: DeleteAccount) -> Result<(), LoginError> {
        let arguments = (who.into(), wish.into());
        self.peer.ask(calls::DELETE_ACCOUNT, &arguments).await
    }

    async fn user(&self, id: UserId) -> Result<UserView, ProfileError> {
        self.peer.ask(calls::USER, &id).await
    }

    async fn set_roles(
        &self,
        who: &Principal,
        id: UserId,
        sent: Precondition,
        wish: SetRoles,
    ) -> Result<UserView, ProfileError> {
        let arguments = (who.into(), id, sent, wish);
        self.peer.ask(calls::SET_ROLES, &arguments).await
    }

    async fn users(&self, query: UserQuery) -> Result<Page<UserView>, ProfileError> {
        self.peer.ask(calls::USERS, &query).await
    }

    async fn user_counts(&self) -> Result<UserCounts, ProfileError> {
        self.peer.ask(calls::USER_COUNTS, &()).await
    }

    async fn set_status(
        &self,
        who: &Principal,
        id: UserId,
        sent: Precondition,
        wish: SetUserStatus,
    ) -> Result<UserView, ProfileError> {
        let arguments = (who.into(), id, sent, wish);
        self.peer.ask(calls::SET_STATUS, &arguments).await
    }

    async fn send_password_reset(&self, who: &Principal, id: UserId) -> Result<(), ProfileError> {
        let arguments = (who.into(), id);
        self.peer.ask(calls::SEND_PASSWORD_RESET, &arguments).await
    }

    async fn end_sessions_of(&self, who: &Principal, id: UserId) -> Result<(), ProfileError> {
        let arguments = (who.into(), id);
        self.peer.ask(calls::END_SESSIONS_OF, &arguments).await
    }

    async fn security_events(
        &self,
        query: SecurityEventQuery,
    ) -> Result<Page<SecurityEventView>, SecurityEventError> {
        self.peer.ask(calls::SECURITY_EVENTS, &query).await
    }

    async fn security_event_counts(
        &self,
        kinds: Vec<SecurityEventKind>,
    ) -> Result<Vec<Counted>, SecurityEventError> {
        self.peer.ask(calls::SECURITY_EVENT_COUNTS, &kinds).await
    }

    async fn own_security_events(
        &self,
        who: &Principal,
        query: OwnSecurityEventQuery,
    ) -> Result<Page<SecurityEventView>, SecurityEventError> {
        let arguments = (who.into(), query);
        self.peer.ask(calls::OWN_SECURITY_EVENTS, &arguments).await
    }

    async fn make_api_key(
        &self,
        who: &Principal,
        key: Option<IdempotencyKey>,
        wish: MakeApiKey,
    ) -> Result<Answered<ApiKeyMade>, ApiKeyError> {
        let arguments = (who.into(), key, wish.into());
        let made = self.peer.ask(calls::MAKE_API_KEY, &arguments).await;
        made.map(|made| made.map(KeyMade::into))
    }

    async fn api_keys(
        &self,
        who: &Principal,
        query: ApiKeyQuery,
    ) -> Result<Page<ApiKeyView>, ApiKeyError> {
        self.peer.ask(calls::API_KEYS, &(who.into(), query)).await
    }

    async fn api_key(&self, who: &Principal, id: ApiKeyId) -> Result<ApiKeyView, ApiKeyError> {
        self.peer.ask(calls::API_KEY, &(who.into(), id)).await
    }

    async fn revoke_api_key(&self, who: &Principal, id: ApiKeyId) -> Result<(), ApiKeyError> {
        self.peer
            .ask(calls::REVOKE_API_KEY, &(who.into(), id))
            .await
    }

    async fn rotate_api_key(
        &self,
        who: &Principal,
        id: ApiKeyId,
        wish: RotateApiKey,
    ) -> Result<ApiKeyMade, ApiKeyError> {
        let arguments = (who.into(), id, wish.into());
        let made = self.peer.ask(calls::ROTATE_API_KEY, &arguments).await;
        made.map(KeyMade::into)
    }

    async fn check_key(&self, shown: ShownKey) -> Result<Option<KeyHolder>, BoxError> {
        Ok(self.peer.ask(calls::CHECK_KEY, &shown).await?)
    }

    async fn public_keys(&self) -> Result<serde_json::Value, BoxError> {
        Ok(self.peer.ask(calls::PUBLIC_KEYS, &()).await?)
    }

    async fn ended_since(&self, since: Timestamp) -> Result<Ended, BoxError> {
        Ok(self.peer.ask(calls::ENDED_SINCE, &since).await?)
    }
}

#[async_trait]
impl SecondFactors for Client {
    async fn answer_challenge(&self, wish: AnswerChallenge) -> Result<SignedIn, LoginError> {
        let answer = self.peer.ask(calls::ANSWER_CHALLENGE, &wish.into()).await;
        answer.map(Tokens::into)
    }

    async fn second_factor(&self, who: &Principal) -> Result<SecondFactorView, FactorError> {
        self.peer.ask(calls::SECOND_FACTOR, &who.into()).await
    }

    async fn begin_second_factor(
        &self,
        who: &Principal,
        wish: BeginSecondFactor,
    ) -> Result<FactorSecret, FactorError> {
        let arguments = (who.into(), wish.into());
        let answer = self.peer.ask(calls::BEGIN_SECOND_FACTOR, &arguments).await;
        answer.map(Pair::into)
    }

    async fn confirm_second_factor(
        &self,
        who: &Principal,
        wish: ConfirmSecondFactor,
    ) -> Result<RecoveryCodes, FactorError> {
        let arguments = (who.into(), wish.into());
        let answer = self
            .peer
            .ask(calls::CONFIRM_SECOND_FACTOR, &arguments)
            .await;
        answer.map(Codes::into)
    }

    async fn renew_recovery_codes(
        &self,
        who: &Principal,
        wish: ProveTwice,
    ) -> Result<RecoveryCodes, FactorError> {
        let arguments = (who.into(), wish.into());
        let answer = self.peer.ask(calls::RENEW_RECOVERY_CODES, &arguments).await;
        answer.map(Codes::into)
    }

    async fn end_second_factor(
        &self,
        who: &Principal,
        wish: ProveTwice,
    ) -> Result<(), FactorError> {
        let arguments = (who.into(), wish.into());
        self.peer.ask(calls::END_SECOND_FACTOR, &arguments).await
    }

    async fn take_second_factor_off(
        &self,
        who: &Principal,
        id: UserId,
    ) -> Result<(), ProfileError> {
        let arguments = (who.into(), id);
        self.peer
            .ask(calls::TAKE_SECOND_FACTOR_OFF, &arguments)
            .await
    }
}

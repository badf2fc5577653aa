//! The use cases, one verb a file. They decide by the domain's rules and write in one store call each; a
//! password or token in clear goes no further than this room.

mod api_keys;
mod codes;
mod delete;
mod endings;
mod external;
mod factors;
mod hashing;
mod import;
mod key_uses;
mod links;
mod login;
mod logout;
mod mails;
mod passwords;
mod profile;
mod proof;
mod refresh;
mod register;
mod roles;
mod security;
mod sessions;
mod setup;
mod signing;
mod tokens;
mod upkeep;
mod users;
mod vault;

pub use api_keys::Wanted;
pub(crate) use endings::Endings;
pub use signing::SigningKeyView;

use crate::{
    Post,
    config::Config,
    domain::{
        security::SecurityEvent,
        throttle::{self, Throttle},
    },
    provider::Providers,
    store::Store,
};
use async_trait::async_trait;
use contracts::{
    BoxError,
    access::Principal,
    identity::{
        ApiKeyError, ApiKeyMade, ApiKeyQuery, ApiKeyView, ChangePassword, DeleteAccount, Ended,
        ForgotPassword, Identity, KeyHolder, LinkError, Login, LoginError, MakeApiKey,
        OwnSecurityEventQuery, PasswordError, PatchProfile, ProfileError, RefreshError,
        RegisterError, RegisterUser, ResetPassword, RotateApiKey, SecurityEventError,
        SecurityEventKind, SecurityEventQuery, SecurityEventView, SessionError, SessionQuery,
        SessionView, SetRoles, SetUserStatus, SetupAdmin, ShownKey, SignedIn, UserCounts,
        UserQuery, UserView, VerifyEmail,
    },
    request::{Answered, IdempotencyKey, Precondition},
    values::{ApiKeyId, Counted, Email, Page, SessionId, Timestamp, UserId},
};
use hashing::Hasher;
use key_uses::Uses;
use platform::{
    clock::Clock,
    db::{Database, StoreError},
    digest,
    http::{KeySet, Revocations},
    outward,
    tasks::Tasks,
};
use proof::Prover;
use secrecy::SecretString;
use security::Recorder;
use std::sync::{Arc, Mutex};
use tokens::Issuer;
use tokio::sync::Semaphore;
use vault::Vault;

/// What the service stands on.
pub(crate) struct Ground {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) outbox: Database,
    pub(crate) config: Config,
    pub(crate) clock: Clock,
    pub(crate) keys: KeySet,
    pub(crate) revocations: Revocations,
    pub(crate) tasks: Tasks,
    pub(crate) post: Post,
    pub(crate) outward: outward::Options,
}

/// Identity, near: the accounts and tokens of a shop.
pub struct Service {
    store: Arc<dyn Store>,
    /// For the relay, and for people who look at what is parked.
    outbox: Database,
    config: Config,
    clock: Clock,
    tasks: Tasks,
    post: Post,
    hasher: Hasher,
    prover: Prover,
    issuer: Issuer,
    /// What this process trusts.
    keys: KeySet,
    vault: Vault,
    endings: Endings,
    /// Counts what was refused.
    recorder: Recorder,
    /// One for each forgotten password that is being looked for.
    asks: Arc<Semaphore>,
    /// Of API keys.
    uses: Uses,
    /// Whom people may sign in by.
    providers: Providers,
}

impl Service {
    /// Loads (or makes) the keys, and what ended of late.
    pub(crate) async fn start(ground: Ground) -> Result<Self, BoxError> {
        let config = ground.config;
        config.check()?;
        let now = ground.clock.now();
        let (key, successor) = (tokens::fresh_key(now)?, digest::random()?);
        let secrets = ground.store.secrets(key, successor, now).await?;
        signing::trust(&ground.keys, &secrets.keys)?;
        let hasher = Hasher::new(&config)?;
        let dummy = hasher.dummy()?;
        let rules = throttle::Rules {
            failures_max: config.login_failures_max,
            window_seconds: config.login_failure_window_seconds,
            wait_seconds_max: config.login_delay_seconds_max,
            accounts_max: usize::try_from(config.login_accounts_max)?,
        };
        let recorder = Recorder::new(&config)?;
        let throttle = Throttle::new(rules);
        let url = &ground.post.public_url;
        let providers = external::providers(&config, &ground.outward, &ground.clock, url)?;
        let service = Self {
            providers,
            prover: Prover {
                hasher: hasher.clone(),
                dummy,
                throttle: Arc::new(Mutex::new(throttle)),
                clock: ground.clock.clone(),
                recorder: recorder.clone(),
            },
            recorder,
            vault: Vault::new(&secrets.successor)?,
            issuer: Issuer::new(&config, &secrets)?,
            keys: ground.keys,
            endings: Endings::new(ground.revocations),
            asks: Arc::new(Semaphore::new(usize::try_from(config.link_asks_max)?)),
            uses: Uses::new(usize::try_from(config.api_key_uses_max)?),
            store: ground.store,
            outbox: ground.outbox,
            clock: ground.clock,
            tasks: ground.tasks,
            post: ground.post,
            hasher,
            config,
        };
        upkeep::recall_endings(&service).await?;
        Ok(service)
    }

    /// The one-time token that makes the first admin, if the shop has none: the same on all nodes and after each
    /// start, until it is used.
    ///
    /// # Errors
    /// When storage fails.
    pub async fn setup_token(&self) -> Result<Option<SecretString>, StoreError> {
        setup::token(self).await
    }

    /// Makes an admin: a new account, or the one of that address, which gets this password and whose sessions
    /// end. For the command line: whoever may open the database may do this.
    ///
    /// # Errors
    /// When the password breaks a rule, or storage fails.
    pub async fn create_admin(
        &self,
        email: Email,
        password: SecretString,
    ) -> Result<UserView, RegisterError> {
        setup::create_admin(self, email, password).await
    }

    /// Takes the second factor off the account of that address, and ends its sessions; whether it was on. For the
    /// command line: whoever may open the database may do this.
    ///
    /// # Errors
    /// When there is no such account, or storage fails.
    pub async fn take_second_factor_off_of(&self, email: Email) -> Result<bool, ProfileError> {
        factors::take_off_of(self, email).await
    }

    /// The database with the outbox.
    #[must_use]
    pub fn outbox(&self) -> Database {
        self.outbox.clone()
    }

    pub(crate) fn clock(&self) -> Clock {
        self.clock.clone()
    }

    /// Keeps this process's memory of what ended up to date, sweeps what is long over, sends the mails that are
    /// owed, and writes what was refused, until told to stop.
    pub(crate) fn start_upkeep(self: &Arc<Self>, tasks: &Tasks) {
        upkeep::start(self, tasks);
        mails::start(self, tasks);
        key_uses::start(self, tasks);
        security::start(self, tasks);
    }

    /// Runs a change to its end even if the caller hangs up: what a commit ended must also be marked.
    async fn finish<T, F>(&self, work: F) -> Result<T, BoxError>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let answer = self.tasks.finish(work).await;
        answer.ok_or_else(|| "the work fell over".into())
    }

    /// Whether it is a session of theirs; another's is not touched.
    async fn end_session(
        &self,
        id: SessionId,
        user: UserId,
        event: SecurityEvent,
    ) -> Result<bool, StoreError> {
        let (store, endings, at) = (self.store.clone(), self.endings.clone(), event.at);
        let ended = self.finish(async move {
            let is_theirs = store.end_session(id, user, event.clone()).await?;
            if is_theirs {
                endings.end_session(id, at);
                security::told(&event);
            }
            Ok(is_theirs)
        });
        ended.await.map_err(StoreError::Other)?
    }
}

#[async_trait]
impl Identity for Service {
    async fn register(&self, wish: RegisterUser) -> Result<SignedIn, RegisterError> {
        register::register(self, wish).await
    }

    async fn setup_admin(&self, wish: SetupAdmin) -> Result<SignedIn, RegisterError> {
        setup::setup_admin(self, wish).await
    }

    async fn login(&self, wish: Login) -> Result<SignedIn, LoginError> {
        login::login(self, wish).await
    }

    async fn refresh(&self, token: SecretString) -> Result<SignedIn, RefreshError> {
        refresh::refresh(self, token).await
    }

    async fn end_session_of(&self, token: SecretString) -> Result<(), RefreshError> {
        logout::end_session_of(self, token).await
    }

    async fn logout(&self, who: &Principal) -> Result<(), ProfileError> {
        logout::logout(self, who).await
    }

    async fn sessions(
        &self,
        who: &Principal,
        query: SessionQuery,
    ) -> Result<Page<SessionView>, SessionError> {
        sessions::list(self, who, query).await
    }

    async fn end_own_session(&self, who: &Principal, id: SessionId) -> Result<(), SessionError> {
        sessions::end(self, who, id).await
    }

    async fn end_own_sessions(&self, who: &Principal) -> Result<(), SessionError> {
        sessions::end_all(self, who).await
    }

    async fn change_password(
        &self,
        who: &Principal,
        wish: ChangePassword,
    ) -> Result<(), PasswordError> {
        passwords::change(self, who, wish).await
    }

    async fn forgot_password(&self, wish: ForgotPassword) -> Result<(), LinkError> {
        links::forgot(self, wish)
    }

    async fn reset_password(&self, wish: ResetPassword) -> Result<(), PasswordError> {
        links::reset(self, wish).await
    }

    async fn ask_verification(&self, who: &Principal) -> Result<(), LinkError> {
        links::ask_verification(self, who).await
    }

    async fn verify_email(&self, wish: VerifyEmail) -> Result<(), LinkError> {
        links::verify(self, wish).await
    }

    async fn me(&self, who: &Principal) -> Result<UserView, ProfileError> {
        profile::user(self, who.user_id).await
    }

    async fn export(&self, who: &Principal) -> Result<UserView, ProfileError> {
        profile::export(self, who).await
    }

    async fn patch_me(
        &self,
        who: &Principal,
        sent: Precondition,
        patch: PatchProfile,
    ) -> Result<UserView, ProfileError> {
        profile::patch(self, who.user_id, sent, patch).await
    }

    async fn delete_account(&self, who: &Principal, wish: DeleteAccount) -> Result<(), LoginError> {
        delete::delete_account(self, who, wish).await
    }

    async fn user(&self, id: UserId) -> Result<UserView, ProfileError> {
        profile::user(self, id).await
    }

    async fn set_roles(
        &self,
        who: &Principal,
        id: UserId,
        sent: Precondition,
        wish: SetRoles,
    ) -> Result<UserView, ProfileError> {
        roles::set_roles(self, who, id, sent, wish).await
    }

    async fn users(&self, query: UserQuery) -> Result<Page<UserView>, ProfileError> {
        users::list(self, query).await
    }

    async fn user_counts(&self) -> Result<UserCounts, ProfileError> {
        users::counts(self).await
    }

    async fn set_status(
        &self,
        who: &Principal,
        id: UserId,
        sent: Precondition,
        wish: SetUserStatus,
    ) -> Result<UserView, ProfileError> {
        users::set_status(self, who, id, sent, wish).await
    }

    async fn send_password_reset(&self, who: &Principal, id: UserId) -> Result<(), ProfileError> {
        users::send_reset(self, who, id).await
    }

    async fn end_sessions_of(&self, who: &Principal, id: UserId) -> Result<(), ProfileError> {
        users::end_sessions(self, who, id).await
    }

    async fn security_events(
        &self,
        query: SecurityEventQuery,
    ) -> Result<Page<SecurityEventView>, SecurityEventError> {
        security::list(self, query).await
    }

    async fn security_event_counts(
        &self,
        kinds: Vec<SecurityEventKind>,
    ) -> Result<Vec<Counted>, SecurityEventError> {
        security::counts(self, kinds).await
    }

    async fn own_security_events(
        &self,
        who: &Principal,
        query: OwnSecurityEventQuery,
    ) -> Result<Page<SecurityEventView>, SecurityEventError> {
        security::list_own(self, who, query).await
    }

    async fn make_api_key(
        &self,
        who: &Principal,
        key: Option<IdempotencyKey>,
        wish: MakeApiKey,
    ) -> Result<Answered<ApiKeyMade>, ApiKeyError> {
        api_keys::make(self, who, key, wish).await
    }

    async fn api_keys(
        &self,
        who: &Principal,
        query: ApiKeyQuery,
    ) -> Result<Page<ApiKeyView>, ApiKeyError> {
        api_keys::list(self, who, query).await
    }

    async fn api_key(&self, who: &Principal, id: ApiKeyId) -> Result<ApiKeyView, ApiKeyError> {
        api_keys::find(self, who, id).await
    }

    async fn revoke_api_key(&self, who: &Principal, id: ApiKeyId) -> Result<(), ApiKeyError> {
        api_keys::revoke(self, who, id).await
    }

    async fn rotate_api_key(
        &self,
        who: &Principal,
        id: ApiKeyId,
        wish: RotateApiKey,
    ) -> Result<ApiKeyMade, ApiKeyError> {
        api_keys::rotate(self, who, id, wish).await
    }

    async fn check_key(&self, shown: ShownKey) -> Result<Option<KeyHolder>, BoxError> {
        api_keys::check_shown(self, shown).await
    }

    async fn public_keys(&self) -> Result<serde_json::Value, BoxError> {
        self.issuer.public_keys()
    }

    async fn ended_since(&self, since: Timestamp) -> Result<Ended, BoxError> {
        Ok(self.store.endings_since(since).await?)
    }
}

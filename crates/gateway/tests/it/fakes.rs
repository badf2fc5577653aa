//! What stands behind the door in these tests: services that record and answer by a script, an identity that
//! only renews sessions, and a key that signs tokens.

use async_trait::async_trait;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use axum::{
    Router,
    extract::Request,
    http::{HeaderMap, StatusCode, header::IF_MATCH},
    response::{IntoResponse, Response},
};
use contracts::identity::{
    BeginExternal, ChangeExternal, EndExternal, External, ExternalAttempt, ExternalEnd,
    ExternalError, ExternalLink, ProviderView,
};
use contracts::{
    BoxError,
    access::{AccessClaims, Principal, Role},
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
    values::{ApiKeyId, Counted, Page, SessionId, Timestamp, UserId, Version},
};
use http_body_util::BodyExt;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use platform::{
    clock::Clock,
    digest,
    http::{KeySet, Revocations, TokenVerifier, VerifierOptions, auth::ClientAddress},
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use std::{
    net::IpAddr,
    sync::{Arc, Mutex},
};

/// A request as a service got it.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) address: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
    pub(crate) text: String,
    pub(crate) who: Option<UserId>,
    pub(crate) client: Option<IpAddr>,
}

impl Seen {
    /// `PATCH /api/v1/products/p1 "3" {"name":"Tea"}`
    pub(crate) fn line(&self) -> String {
        let if_match = self.headers.get(IF_MATCH).map(|tag| tag.to_str().unwrap());
        let body = (!self.body.is_null()).then(|| self.body.to_string());
        let start = format!("{} {}", self.method, self.address);
        [Some(start), if_match.map(str::to_owned), body]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(" ")
    }

    pub(crate) fn is(&self, method: &str, path: &str) -> bool {
        self.method == method && self.address.split('?').next() == Some(path)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// What the services were asked, in order.
pub(crate) type Log = Arc<Mutex<Vec<Seen>>>;
/// How they answer; `None` is a 404.
pub(crate) type Script = Arc<dyn Fn(&Seen) -> Option<Response> + Send + Sync>;

/// A service that records and answers by the script.
pub(crate) fn service(name: &'static str, log: &Log, script: &Script) -> Router {
    let (log, script) = (Arc::clone(log), Arc::clone(script));
    Router::new().fallback(move |request: Request| async move {
        let (parts, body) = request.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let seen = Seen {
            method: parts.method.to_string(),
            address: parts.uri.to_string(),
            headers: parts.headers,
            body: serde_json::from_slice(&bytes).unwrap_or_default(),
            text: String::from_utf8(bytes.to_vec()).unwrap(),
            who: parts.extensions.get::<Principal>().map(|who| who.user_id),
            client: parts
                .extensions
                .get::<ClientAddress>()
                .map(|client| client.0),
        };
        log.lock().unwrap().push(seen.clone());
        let response = script(&seen).unwrap_or_else(|| StatusCode::NOT_FOUND.into_response());
        ([("x-answered-by", name)], response).into_response()
    })
}

/// A JSON answer.
pub(crate) fn answer(status: u16, body: &Value) -> Option<Response> {
    let status = StatusCode::from_u16(status).unwrap();
    Some((status, axum::Json(body.clone())).into_response())
}

const ISSUER: &str = "https://shop.example";
const AUDIENCE: &str = "souk";

/// Signs tokens as identity would.
pub(crate) struct Signer {
    key: EncodingKey,
    keys: KeySet,
    pub(crate) revocations: Revocations,
    pub(crate) clock: Clock,
}

impl Signer {
    pub(crate) fn new() -> Self {
        let document = Ed25519KeyPair::generate_pkcs8v1(&aws_lc_rs::rand::SystemRandom::new());
        let document = document.unwrap();
        let pair = Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap();
        let keys = KeySet::default();
        let public = digest::base64url(pair.public_key().as_ref());
        keys.insert("k1", &public).unwrap();
        Self {
            key: EncodingKey::from_ed_der(document.as_ref()),
            keys,
            revocations: Revocations::default(),
            clock: Clock::manual(Timestamp::from_ms(1_766_000_000_000)),
        }
    }

    pub(crate) fn verifier(&self) -> TokenVerifier {
        let options = VerifierOptions {
            issuer: ISSUER.to_owned(),
            audience: AUDIENCE.to_owned(),
        };
        TokenVerifier::new(
            &options,
            self.keys.clone(),
            self.revocations.clone(),
            self.clock.clone(),
        )
    }

    /// A token that lives for 15 minutes.
    pub(crate) fn token(&self, user_id: UserId, roles: &[Role]) -> String {
        let now = self.clock.now().as_ms() / 1_000;
        let claims = AccessClaims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: user_id,
            sid: SessionId::generate(),
            jti: "j1".to_owned(),
            roles: roles.to_vec(),
            epoch: 1,
            iat: now,
            nbf: now,
            exp: now.saturating_add(900),
        };
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some("k1".to_owned());
        header.typ = Some("at+jwt".to_owned());
        jsonwebtoken::encode(&header, &claims, &self.key).unwrap()
    }
}

/// An identity whose refresh tokens are `good`, `broken` (its store is away) and all others (not valid).
pub(crate) struct FakeIdentity {
    pub(crate) user_id: UserId,
    pub(crate) access_token: String,
    pub(crate) renewals: Arc<Mutex<u32>>,
    /// What has ended; nothing while its store is away.
    pub(crate) ended: Arc<Mutex<Option<Ended>>>,
    pub(crate) keys: Arc<FakeKeys>,
}

/// The API keys that a fake identity knows, and how often it was asked.
#[derive(Default)]
pub(crate) struct FakeKeys {
    pub(crate) known: Mutex<Vec<([u8; 32], KeyHolder)>>,
    pub(crate) asked: Mutex<u32>,
    pub(crate) is_away: Mutex<bool>,
}

impl FakeKeys {
    fn check(&self, shown: &ShownKey) -> Result<Option<KeyHolder>, BoxError> {
        let mut asked = self.asked.lock().unwrap();
        *asked = asked.saturating_add(1);
        if *self.is_away.lock().unwrap() {
            return Err(away());
        }
        let known = self.known.lock().unwrap();
        let mut known = known.iter();
        let found = known.find(|(hash, holder)| *hash == shown.hash && holder.id == shown.id);
        Ok(found.map(|(_, holder)| holder.clone()))
    }
}

fn away() -> contracts::BoxError {
    "not asked in these tests".into()
}

#[async_trait]
impl External for FakeIdentity {
    async fn providers(&self) -> Result<Vec<ProviderView>, ExternalError> {
        Err(ExternalError::Internal(away()))
    }
    async fn begin_external(&self, _: BeginExternal) -> Result<ExternalAttempt, ExternalError> {
        Err(ExternalError::Internal(away()))
    }
    async fn begin_link(
        &self,
        _: &Principal,
        _: ChangeExternal,
    ) -> Result<ExternalAttempt, ExternalError> {
        Err(ExternalError::Internal(away()))
    }
    async fn end_external(
        &self,
        _: Option<&Principal>,
        _: EndExternal,
    ) -> Result<ExternalEnd, ExternalError> {
        Err(ExternalError::Internal(away()))
    }
    async fn external_links(&self, _: &Principal) -> Result<Vec<ExternalLink>, ExternalError> {
        Err(ExternalError::Internal(away()))
    }
    async fn unlink_external(&self, _: &Principal, _: ChangeExternal) -> Result<(), ExternalError> {
        Err(ExternalError::Internal(away()))
    }
}

#[async_trait]
impl SecondFactors for FakeIdentity {
    async fn answer_challenge(&self, _: AnswerChallenge) -> Result<SignedIn, LoginError> {
        Err(LoginError::Internal(away()))
    }
    async fn second_factor(&self, _: &Principal) -> Result<SecondFactorView, FactorError> {
        Err(LoginError::Internal(away()).into())
    }
    async fn begin_second_factor(
        &self,
        _: &Principal,
        _: BeginSecondFactor,
    ) -> Result<FactorSecret, FactorError> {
        Err(LoginError::Internal(away()).into())
    }
    async fn confirm_second_factor(
        &self,
        _: &Principal,
        _: ConfirmSecondFactor,
    ) -> Result<RecoveryCodes, FactorError> {
        Err(LoginError::Internal(away()).into())
    }
    async fn renew_recovery_codes(
        &self,
        _: &Principal,
        _: ProveTwice,
    ) -> Result<RecoveryCodes, FactorError> {
        Err(LoginError::Internal(away()).into())
    }
    async fn end_second_factor(&self, _: &Principal, _: ProveTwice) -> Result<(), FactorError> {
        Err(LoginError::Internal(away()).into())
    }
    async fn take_second_factor_off(&self, _: &Principal, _: UserId) -> Result<(), ProfileError> {
        Err(ProfileError::Internal(away()))
    }
}

#[async_trait]
impl Identity for FakeIdentity {
    async fn refresh(&self, token: SecretString) -> Result<SignedIn, RefreshError> {
        let mut renewals = self.renewals.lock().unwrap();
        *renewals = renewals.saturating_add(1);
        drop(renewals);
        match token.expose_secret() {
            "good" => Ok(SignedIn {
                user: serde_json::from_value(user_json(self.user_id)).unwrap(),
                access_token: SecretString::from(self.access_token.clone()),
                expires_in: 900,
                refresh_token: SecretString::from("next"),
            }),
            "broken" => Err(RefreshError::Internal(away())),
            _ => Err(RefreshError::Invalid),
        }
    }
    async fn register(&self, _: RegisterUser) -> Result<SignedIn, RegisterError> {
        Err(RegisterError::Internal(away()))
    }
    async fn setup_admin(&self, _: SetupAdmin) -> Result<SignedIn, RegisterError> {
        Err(RegisterError::Internal(away()))
    }
    async fn login(&self, _: Login) -> Result<SignedIn, LoginError> {
        Err(LoginError::Internal(away()))
    }
    async fn end_session_of(&self, _: SecretString) -> Result<(), RefreshError> {
        Err(RefreshError::Internal(away()))
    }
    async fn logout(&self, _: &Principal) -> Result<(), ProfileError> {
        Err(ProfileError::Internal(away()))
    }
    async fn sessions(
        &self,
        _: &Principal,
        _: SessionQuery,
    ) -> Result<Page<SessionView>, SessionError> {
        Err(SessionError::Internal(away()))
    }
    async fn end_own_session(&self, _: &Principal, _: SessionId) -> Result<(), SessionError> {
        Err(SessionError::Internal(away()))
    }
    async fn end_own_sessions(&self, _: &Principal) -> Result<(), SessionError> {
        Err(SessionError::Internal(away()))
    }
    async fn change_password(&self, _: &Principal, _: ChangePassword) -> Result<(), PasswordError> {
        Err(PasswordError::Internal(away()))
    }
    async fn forgot_password(&self, _: ForgotPassword) -> Result<(), LinkError> {
        Err(LinkError::Internal(away()))
    }
    async fn reset_password(&self, _: ResetPassword) -> Result<(), PasswordError> {
        Err(PasswordError::Internal(away()))
    }
    async fn ask_verification(&self, _: &Principal) -> Result<(), LinkError> {
        Err(LinkError::Internal(away()))
    }
    async fn verify_email(&self, _: VerifyEmail) -> Result<(), LinkError> {
        Err(LinkError::Internal(away()))
    }
    async fn me(&self, _: &Principal) -> Result<UserView, ProfileError> {
        Err(ProfileError::Internal(away()))
    }
    async fn export(&self, _: &Principal) -> Result<UserView, ProfileError> {
        Err(ProfileError::Internal(away()))
    }
    async fn patch_me(
        &self,
        _: &Principal,
        _: Precondition,
        _: PatchProfile,
    ) -> Result<UserView, ProfileError> {
        Err(ProfileError::Internal(away()))
    }
    async fn delete_account(&self, _: &Principal, _: DeleteAccount) -> Result<(), LoginError> {
        Err(LoginError::Internal(away()))
    }
    async fn user(&self, _: UserId) -> Result<UserView, ProfileError> {
        Err(ProfileError::Internal(away()))
    }
    async fn users(&self, _: UserQuery) -> Result<Page<UserView>, ProfileError> {
        Err(ProfileError::Internal(away()))
    }
    async fn user_counts(&self) -> Result<UserCounts, ProfileError> {
        Err(ProfileError::Internal(away()))
    }

    async fn set_status(
        &self,
        _: &Principal,
        _: UserId,
        _: Precondition,
        _: SetUserStatus,
    ) -> Result<UserView, ProfileError> {
        Err(ProfileError::Internal(away()))
    }
    async fn send_password_reset(&self, _: &Principal, _: UserId) -> Result<(), ProfileError> {
        Err(ProfileError::Internal(away()))
    }
    async fn end_sessions_of(&self, _: &Principal, _: UserId) -> Result<(), ProfileError> {
        Err(ProfileError::Internal(away()))
    }
    async fn security_events(
        &self,
        _: SecurityEventQuery,
    ) -> Result<Page<SecurityEventView>, SecurityEventError> {
        Err(SecurityEventError::Internal(away()))
    }
    async fn security_event_counts(
        &self,
        _: Vec<SecurityEventKind>,
    ) -> Result<Vec<Counted>, SecurityEventError> {
        Err(SecurityEventError::Internal(away()))
    }

    async fn own_security_events(
        &self,
        _: &Principal,
        _: OwnSecurityEventQuery,
    ) -> Result<Page<SecurityEventView>, SecurityEventError> {
        Err(SecurityEventError::Internal(away()))
    }
    async fn set_roles(
        &self,
        _: &Principal,
        _: UserId,
        _: Precondition,
        _: SetRoles,
    ) -> Result<UserView, ProfileError> {
        Err(ProfileError::Internal(away()))
    }
    async fn make_api_key(
        &self,
        _: &Principal,
        _: Option<IdempotencyKey>,
        _: MakeApiKey,
    ) -> Result<Answered<ApiKeyMade>, ApiKeyError> {
        Err(ApiKeyError::Internal(away()))
    }
    async fn api_keys(
        &self,
        _: &Principal,
        _: ApiKeyQuery,
    ) -> Result<Page<ApiKeyView>, ApiKeyError> {
        Err(ApiKeyError::Internal(away()))
    }
    async fn api_key(&self, _: &Principal, _: ApiKeyId) -> Result<ApiKeyView, ApiKeyError> {
        Err(ApiKeyError::Internal(away()))
    }
    async fn revoke_api_key(&self, _: &Principal, _: ApiKeyId) -> Result<(), ApiKeyError> {
        Err(ApiKeyError::Internal(away()))
    }
    async fn rotate_api_key(
        &self,
        _: &Principal,
        _: ApiKeyId,
        _: RotateApiKey,
    ) -> Result<ApiKeyMade, ApiKeyError> {
        Err(ApiKeyError::Internal(away()))
    }
    async fn check_key(&self, shown: ShownKey) -> Result<Option<KeyHolder>, BoxError> {
        self.keys.check(&shown)
    }
    async fn public_keys(&self) -> Result<Value, BoxError> {
        Ok(json!({"keys": []}))
    }
    async fn ended_since(&self, _: Timestamp) -> Result<Ended, BoxError> {
        self.ended.lock().unwrap().clone().ok_or_else(away)
    }
}

/// A user as identity shows them.
pub(crate) fn user_json(id: UserId) -> Value {
    json!({
        "id": id, "email": "ann@example.com", "username": "Ann", "name": null, "roles": ["customer"],
        "version": Version::FIRST, "created_at": "2026-01-01T00:00:00Z",
    })
}

//! API keys of machines: made and changed by their owner's password, ended by their owner or an admin, and told at the
//! door whom they stand for. A key's text is answered once and kept nowhere, not even for a request that is repeated.

use super::{Service, codes, mails, proof, security::told};
use crate::{
    domain::{
        api_keys::{self, Standing},
        mail::MailKind,
        security::{Actor, SecurityEvent},
        user::User,
    },
    store::{
        Credentials, LoginName,
        api_keys::{KeyUse, NewApiKey, Revoked, Turn},
    },
};
use contracts::{
    BoxError,
    access::Principal,
    identity::{
        ApiKeyError, ApiKeyMade, ApiKeyQuery, ApiKeyView, KeyHolder, MakeApiKey, RotateApiKey,
        SecurityEventDetail, SecurityEventKind, ShownKey,
    },
    request::{Answered, IdempotencyKey},
    scopes::Scope,
    values::{ApiKeyId, Cursor, Email, Page, Timestamp, UserId, ValueError},
};
use platform::{
    db::{Abort, StoreError, keys::KeyedRequest},
    digest,
    http::ApiKey,
};
use secrecy::SecretString;

/// Keys that the command line shows: more than may stand.
const LISTED_MAX: u32 = 2_000;

/// What a key is to be like, apart from who wants it.
pub struct Wanted {
    /// What it is called.
    pub name: String,
    /// What it may be used for.
    pub scopes: Vec<Scope>,
    /// When it ends, if it does by itself.
    pub expires_at: Option<Timestamp>,
}

/// For the command line: whoever may open the database has proven enough.
impl Service {
    /// Makes a key for the account with this address.
    ///
    /// # Errors
    /// When there is no such account, a rule is broken, or storage fails.
    pub async fn make_key_for(
        &self,
        email: Email,
        wanted: Wanted,
    ) -> Result<ApiKeyMade, ApiKeyError> {
        let proven = credentials(self, email).await?;
        let user = owner(self, proven.user_id).await?;
        let wanted = check(self, &user, wanted)?;
        let event = self.event(SecurityEventKind::ApiKeyMade);
        let event = event.of(user.id).by_system();
        let made = keep(self, proven, wanted, None, event).await?;
        Ok(made.value)
    }

    /// The keys of the account with this address, the newest first: all that stand, and some that do not any more.
    ///
    /// # Errors
    /// When there is no such account, or storage fails.
    pub async fn keys_of(&self, email: Email) -> Result<Vec<ApiKeyView>, ApiKeyError> {
        let owner = credentials(self, email).await?.user_id;
        let keys = self.store.api_keys(owner, None, LISTED_MAX).await;
        keys.map_err(failure)
    }

    /// Ends a key for good; whether there is one.
    ///
    /// # Errors
    /// When storage fails.
    pub async fn end_key(&self, id: ApiKeyId) -> Result<bool, ApiKeyError> {
        let event = self.event(SecurityEventKind::ApiKeyRevoked);
        end(self, id, None, event.by_system()).await
    }
}

async fn credentials(service: &Service, email: Email) -> Result<Credentials, ApiKeyError> {
    let found = service.store.credentials(LoginName::Email(email)).await;
    found.map_err(failure)?.ok_or(ApiKeyError::NotFound)
}

pub(super) async fn make(
    service: &Service,
    who: &Principal,
    key: Option<IdempotencyKey>,
    wish: MakeApiKey,
) -> Result<Answered<ApiKeyMade>, ApiKeyError> {
    let scope = format!("{} POST /api/v1/api-keys", who.user_id);
    let body = (&wish.name, &wish.scopes, wish.expires_at);
    let request = key.map(|key| KeyedRequest::new(&scope, &key, &body));
    let request = request.transpose().map_err(ApiKeyError::Internal)?;
    let wanted = Wanted {
        name: wish.name,
        scopes: wish.scopes,
        expires_at: wish.expires_at,
    };
    let user = owner(service, who.user_id).await?;
    // What is refused by a look must not cost us a hash.
    let wanted = check(service, &user, wanted)?;
    let proven = prove(service, who, (wish.password, wish.code)).await?;
    let used = codes::told_of(&proven);
    let event = service.event(SecurityEventKind::ApiKeyMade);
    let event = event.by(who).of(who.user_id);
    let made = keep(service, proven, wanted, request, event).await;
    // A repetition uses nothing up.
    let used = used.filter(|_| !matches!(&made, Ok(made) if made.replayed));
    counted(service, who.user_id, used, made)
}

async fn owner(service: &Service, id: UserId) -> Result<User, ApiKeyError> {
    let user = service.store.user(id).await.map_err(failure)?;
    user.ok_or(ApiKeyError::InvalidCredentials)
}

fn check(service: &Service, user: &User, wanted: Wanted) -> Result<Wanted, ApiKeyError> {
    let now = service.clock.now();
    let longest = service.config.api_key_seconds_max;
    Ok(Wanted {
        name: api_keys::name(&wanted.name).map_err(invalid("/name"))?,
        scopes: api_keys::scopes(&wanted.scopes, user.roles.as_slice())
            .map_err(invalid("/scopes"))?,
        expires_at: api_keys::expiry(wanted.expires_at, now, longest)
            .map_err(invalid("/expires_at"))?,
    })
}

fn invalid(field: &'static str) -> impl FnOnce(ValueError) -> ApiKeyError {
    move |ValueError(reason)| ApiKeyError::Invalid {
        field: field.into(),
        reason,
    }
}

async fn prove(
    service: &Service,
    who: &Principal,
    (password, code): (SecretString, Option<SecretString>),
) -> Result<Credentials, ApiKeyError> {
    let id = who.user_id;
    let found = service.store.credentials_of(id).await.map_err(failure)?;
    codes::came(found.as_ref(), code.as_ref())?;
    let account = proof::account_of_user(id);
    let refused = service.event(SecurityEventKind::PasswordRefused);
    let refused = refused.by(who).of(id);
    let proving = proof::prove(service, account, found, password, refused);
    Ok(codes::prove(service, proving.await?, code.as_ref()).await?)
}

/// What the count of wrong tries hears of a commit that should have used a code up.
fn counted<T>(
    service: &Service,
    owner: UserId,
    used: Option<SecurityEvent>,
    outcome: Result<T, ApiKeyError>,
) -> Result<T, ApiKeyError> {
    match &outcome {
        Ok(_) => codes::used(service, owner, used),
        Err(ApiKeyError::CodeInvalid) => codes::missed(service, owner),
        Err(_) => {}
    }
    outcome
}

async fn keep(
    service: &Service,
    proven: Credentials,
    wanted: Wanted,
    request: Option<KeyedRequest>,
    event: SecurityEvent,
) -> Result<Answered<ApiKeyMade>, ApiKeyError> {
    let secret = ApiKey::fresh(ApiKeyId::generate()).map_err(ApiKeyError::Internal)?;
    let at = service.clock.now();
    let made = service.store.make_api_key(NewApiKey {
        id: secret.id(),
        proven,
        name: wanted.name,
        scopes: wanted.scopes,
        secret: secret.hash(),
        expires_at: wanted.expires_at,
        at,
        most: service.config.api_keys_max,
        request,
        by_command: event.actor == Actor::System,
        notice: mails::notice(MailKind::ApiKeyMade, at),
        event: event.clone(),
    });
    let made = made.await.map_err(refusal)?;
    if made.replayed {
        // The text of the first answer is nowhere any more, and another one would not be that key's.
        return Ok(made.map(|key| ApiKeyMade {
            key: shown(key, at),
            secret: None,
        }));
    }
    told(&event);
    Ok(made.map(|key| ApiKeyMade {
        key: shown(key, at),
        secret: Some(secret.into_text()),
    }))
}

pub(super) async fn list(
    service: &Service,
    who: &Principal,
    query: ApiKeyQuery,
) -> Result<Page<ApiKeyView>, ApiKeyError> {
    let owner = query.owner.unwrap_or(who.user_id);
    if owner != who.user_id && !who.is_admin() {
        return Err(ApiKeyError::Forbidden);
    }
    let after = query.cursor.as_ref().map(position).transpose()?;
    let limit = query.limit.get();
    // One more, to see whether there is another page.
    let found = service
        .store
        .api_keys(owner, after, limit.saturating_add(1));
    let mut keys = found.await.map_err(failure)?;
    let next_cursor = cut(&mut keys, limit);
    let now = service.clock.now();
    Ok(Page {
        data: keys.into_iter().map(|key| shown(key, now)).collect(),
        next_cursor,
    })
}

/// The key behind which a page begins.
fn position(cursor: &Cursor) -> Result<ApiKeyId, ApiKeyError> {
    let bytes = digest::from_base64url(cursor.as_str());
    let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
    bytes
        .map(ApiKeyId::from_bytes)
        .ok_or(ApiKeyError::BadCursor)
}

/// Cuts a page that was read one key too long; where the next one begins, if there is one.
fn cut(keys: &mut Vec<ApiKeyView>, limit: u32) -> Option<Cursor> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = keys.len() > limit;
    keys.truncate(limit);
    let last = keys.last().filter(|_| more)?;
    Cursor::parse(&digest::base64url(last.id.as_bytes())).ok()
}

pub(super) async fn find(
    service: &Service,
    who: &Principal,
    id: ApiKeyId,
) -> Result<ApiKeyView, ApiKeyError> {
    let key = service.store.api_key(id).await.map_err(failure)?;
    let key = key.filter(|key| key.owner == who.user_id || who.is_admin());
    let key = key.ok_or(ApiKeyError::NotFound)?;
    Ok(shown(key, service.clock.now()))
}

/// As callers see it: a secret that is over is not there.
fn shown(key: ApiKeyView, now: Timestamp) -> ApiKeyView {
    ApiKeyView {
        former_until: key.former_until.filter(|until| *until > now),
        ..key
    }
}

pub(super) async fn revoke(
    service: &Service,
    who: &Principal,
    id: ApiKeyId,
) -> Result<(), ApiKeyError> {
    let owner = (!who.is_admin()).then_some(who.user_id);
    let event = service.event(SecurityEventKind::ApiKeyRevoked);
    if end(service, id, owner, event.by(who)).await? {
        Ok(())
    } else {
        Err(ApiKeyError::NotFound)
    }
}

/// Ends a key, of this owner if one is named; whether there is one.
async fn end(
    service: &Service,
    id: ApiKeyId,
    owner: Option<UserId>,
    event: SecurityEvent,
) -> Result<bool, ApiKeyError> {
    let (store, endings, at) = (service.store.clone(), service.endings.clone(), event.at);
    let ended = service.finish(async move {
        match store.revoke_api_key(id, owner, event).await? {
            Revoked::Now(event) => told(&event),
            Revoked::Before => {}
            Revoked::Nothing => return Ok(false),
        }
        endings.end_key(id, at);
        Ok::<_, StoreError>(true)
    });
    ended.await.map_err(ApiKeyError::Internal)?.map_err(failure)
}

pub(super) async fn rotate(
    service: &Service,
    who: &Principal,
    id: ApiKeyId,
    wish: RotateApiKey,
) -> Result<ApiKeyMade, ApiKeyError> {
    let longest = service.config.api_key_grace_seconds_max;
    if wish.grace_seconds > longest {
        let message = ValueError::new(format!("must be {longest} at most"));
        return Err(invalid("/grace_seconds")(message));
    }
    // A key that is not there must not cost us a hash.
    let key = service.store.api_key(id).await.map_err(failure)?;
    let is_theirs = key.is_some_and(|key| key.owner == who.user_id && key.revoked_at.is_none());
    if !is_theirs {
        return Err(ApiKeyError::NotFound);
    }
    let proven = prove(service, who, (wish.password, wish.code)).await?;
    let used = codes::told_of(&proven);
    let secret = ApiKey::fresh(id).map_err(ApiKeyError::Internal)?;
    let at = service.clock.now();
    let turn = Turn {
        id,
        proven,
        secret: secret.hash(),
        grace_seconds: wish.grace_seconds,
        at,
        notice: mails::notice(MailKind::ApiKeyMade, at),
        event: service
            .event(SecurityEventKind::ApiKeyRotated)
            .by(who)
            .of(who.user_id),
    };
    let event = turn.event.clone();
    let turned = service.store.turn_api_key(turn).await.map_err(refusal);
    let key = counted(service, who.user_id, used, turned)?;
    told(&event);
    Ok(ApiKeyMade {
        key: shown(key, at),
        secret: Some(secret.into_text()),
    })
}

/// Whom a key stands for, as of now: the owner with the roles that they have today.
pub(super) async fn check_shown(
    service: &Service,
    shown: ShownKey,
) -> Result<Option<KeyHolder>, BoxError> {
    let now = service.clock.now();
    let refused = |why, owner| Ok(refuse(service, &shown, why, owner));
    let Some(found) = service.store.find_api_key(shown.id).await? else {
        return refused(SecurityEventDetail::UnknownKey, None);
    };
    let is_it = |hash: &[u8; 32]| digest::equal(hash, &shown.hash);
    let owner = Some(found.holder.user_id);
    let ends_at = match found.secrets.judge(is_it, now) {
        Standing::Good(ends_at) if !found.has_ended => ends_at,
        Standing::Good(_) | Standing::Over => return refused(SecurityEventDetail::EndedKey, owner),
        // Whoever knows the id alone says nothing about its owner.
        Standing::Foreign => return refused(SecurityEventDetail::UnknownKey, None),
    };
    let one = KeyUse {
        id: shown.id,
        at: now,
        from: shown.from,
    };
    service.uses.note(one, found.last_used_at);
    Ok(Some(KeyHolder {
        ends_at,
        ..found.holder
    }))
}

/// Nobody, and a line of the audit log that says so.
fn refuse(
    service: &Service,
    shown: &ShownKey,
    why: SecurityEventDetail,
    owner: Option<UserId>,
) -> Option<KeyHolder> {
    let event = service.event(SecurityEventKind::ApiKeyRefused);
    service.note(SecurityEvent {
        account: owner,
        client: Some(shown.from),
        ..event.because(why)
    });
    None
}

fn refusal(abort: Abort<ApiKeyError>) -> ApiKeyError {
    abort.into_refusal(|| ApiKeyError::Overloaded, ApiKeyError::Internal)
}

fn failure(error: StoreError) -> ApiKeyError {
    ApiKeyError::Internal(error.into())
}

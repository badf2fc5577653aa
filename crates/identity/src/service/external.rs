//! Signing in by a provider, and linking one to an account. A person is the account that their provider's name for them
//! was linked to, never the one that has their e-mail address: whoever can write an address into an account somewhere
//! else must not get into one here.

use super::{Service, codes, login, mails, proof, register, security::told, tokens::Issuer};
use crate::{
    config::Config,
    domain::{mail::MailKind, name::display_name},
    provider::{Binding, Fault, Identified, OpenId, Provider, Providers, Vouched, Ways},
    store::{Credentials, ExternalName, ExternalOpening, TokenHash},
};
use async_trait::async_trait;
use contracts::{
    BoxError,
    access::Principal,
    identity::{
        BeginExternal, ChangeExternal, EndExternal, External, ExternalAttempt, ExternalEnd,
        ExternalError, ExternalLink, LoginError, ProviderView, RegisterError, SecurityEventDetail,
        SecurityEventKind, SignedIn,
    },
    values::{Email, SessionId, Timestamp, UserId},
};
use platform::{
    clock::Clock,
    db::{Abort, StoreError},
    digest,
    outward::{self, Outward},
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use std::{sync::Arc, time::Duration};
use tokio::time::timeout;

/// The longest ticket that is read.
const TICKET_BYTES_MAX: usize = 3_072;
/// The longest address within the shop that an attempt goes on to.
const NEXT_BYTES_MAX: usize = 1_024;

/// What a ticket says: the browser keeps it, and the seal over it is ours.
#[derive(Serialize, Deserialize)]
struct Ticket {
    provider: String,
    next: String,
    /// Whose account the provider is to be linked to, by which session.
    linked_by: Option<(UserId, SessionId)>,
    begun_at: Timestamp,
    /// 256 bits by chance, from which all follows that binds the attempt.
    chance: String,
}

/// The providers of the settings; a shop without any reads no root certificates.
pub(super) fn providers(
    config: &Config,
    outward: &outward::Options,
    clock: &Clock,
    public_url: &str,
) -> Result<Providers, BoxError> {
    if config.openid.is_empty() {
        return Ok(Providers::new());
    }
    let ways = Ways {
        outward: Outward::new(outward.clone())?,
        clock: clock.clone(),
        public_url: public_url.trim_end_matches('/').to_owned(),
        attempt_seconds: i64::from(config.openid_attempt_seconds),
        keys_seconds: i64::from(config.openid_keys_seconds),
        keys_pause_seconds: i64::from(config.openid_keys_pause_seconds),
    };
    let provider = |(name, settings): (&String, &OpenId)| {
        settings.admit(name, outward)?;
        let provider = Provider::new(name, settings.clone(), ways.clone());
        Ok((name.clone(), Arc::new(provider)))
    };
    config.openid.iter().map(provider).collect()
}

impl Ticket {
    fn new(wish: BeginExternal, begun_at: Timestamp) -> Result<Self, ExternalError> {
        let chance = digest::random::<32>().map_err(ExternalError::Internal)?;
        let mut next = wish.next;
        if next.len() > NEXT_BYTES_MAX {
            next.clear();
        }
        Ok(Self {
            provider: wish.provider,
            next,
            linked_by: None,
            begun_at,
            chance: digest::base64url(&chance),
        })
    }

    /// The ticket with our seal.
    fn sealed(&self, issuer: &Issuer) -> Result<SecretString, ExternalError> {
        let text =
            serde_json::to_vec(self).map_err(|error| ExternalError::Internal(error.into()))?;
        let seal = issuer.seal(b"external ticket", &text);
        let text = digest::base64url(&text);
        Ok(SecretString::from(format!(
            "{text}.{}",
            digest::base64url(&seal)
        )))
    }

    fn read(sealed: &SecretString, issuer: &Issuer) -> Option<Self> {
        let sealed = sealed.expose_secret();
        if sealed.len() > TICKET_BYTES_MAX {
            return None;
        }
        let (text, seal) = sealed.split_once('.')?;
        let (text, seal) = (digest::from_base64url(text)?, digest::from_base64url(seal)?);
        if !digest::equal(&seal, &issuer.seal(b"external ticket", &text)) {
            return None;
        }
        serde_json::from_slice(&text).ok()
    }

    /// What the provider is given. None of it tells what the ticket is.
    fn binding(&self, issuer: &Issuer) -> Binding {
        let of = |purpose: &[u8]| digest::base64url(&issuer.seal(purpose, self.chance.as_bytes()));
        Binding {
            state: of(b"external state"),
            nonce: of(b"external nonce"),
            verifier: SecretString::from(of(b"external verifier")),
        }
    }

    fn hash(&self) -> TokenHash {
        digest::sha256(&[b"external attempt", self.chance.as_bytes()])
    }
}

#[async_trait]
impl External for Service {
    async fn providers(&self) -> Result<Vec<ProviderView>, ExternalError> {
        Ok(self
            .providers
            .values()
            .map(|provider| view(provider))
            .collect())
    }

    async fn begin_external(&self, wish: BeginExternal) -> Result<ExternalAttempt, ExternalError> {
        let ticket = Ticket::new(wish, self.clock.now())?;
        begin(self, ticket).await
    }

    async fn begin_link(
        &self,
        who: &Principal,
        wish: ChangeExternal,
    ) -> Result<ExternalAttempt, ExternalError> {
        provider(self, &wish.provider)?;
        let name = wish.provider.clone();
        let proven = prove(self, who, wish).await?;
        let used = codes::told_of(&proven);
        let spent = self.store.spend(proven).await;
        let spent = spent.map_err(login_refusal);
        let spent = codes::counted(self, who.user_id, used, spent);
        spent.map_err(ExternalError::from_login)?;
        let begin_wish = BeginExternal {
            provider: name,
            next: String::new(),
        };
        let mut ticket = Ticket::new(begin_wish, self.clock.now())?;
        ticket.linked_by = Some((who.user_id, who.session_id));
        begin(self, ticket).await
    }

    async fn end_external(
        &self,
        who: Option<&Principal>,
        wish: EndExternal,
    ) -> Result<ExternalEnd, ExternalError> {
        let ended = end(self, who, wish).await;
        let refused = self.event(SecurityEventKind::SignInRefused);
        match &ended {
            Err(ExternalError::Disabled) => {
                self.note(refused.because(SecurityEventDetail::Disabled));
            }
            Err(
                ExternalError::AttemptOver | ExternalError::Denied | ExternalError::Unbelievable(_),
            ) => self.note(refused),
            Ok(_) | Err(_) => {}
        }
        ended
    }

    async fn external_links(&self, who: &Principal) -> Result<Vec<ExternalLink>, ExternalError> {
        let issuers = self.store.external_issuers(who.user_id).await;
        let issuers = issuers.map_err(internal)?;
        let link = |(issuer, linked_at): (String, Timestamp)| {
            let mut known = self.providers.values();
            // A provider that the shop has no more leads nowhere.
            let provider = known.find(|provider| provider.issuer() == issuer)?;
            Some(ExternalLink {
                provider: view(provider),
                linked_at,
            })
        };
        Ok(issuers.into_iter().filter_map(link).collect())
    }

    async fn unlink_external(
        &self,
        who: &Principal,
        wish: ChangeExternal,
    ) -> Result<(), ExternalError> {
        let issuer = provider(self, &wish.provider)?.issuer().to_owned();
        let proven = prove(self, who, wish).await?;
        let used = codes::told_of(&proven);
        let event = self.event(SecurityEventKind::ExternalSignInUnlinked);
        let event = event.by(who).of(who.user_id);
        let notice = mails::notice(MailKind::ProviderUnlinked, event.at);
        let unlinking = self
            .store
            .unlink_external(proven, issuer, event.clone(), notice);
        let unlinked = unlinking.await.map_err(login_refusal);
        let unlinked = codes::counted(self, who.user_id, used, unlinked);
        if !unlinked.map_err(ExternalError::from_login)? {
            return Err(ExternalError::NotLinked);
        }
        told(&event);
        Ok(())
    }
}

fn view(provider: &Provider) -> ProviderView {
    ProviderView {
        name: provider.name.clone(),
        title: provider.title.clone(),
    }
}

fn provider<'s>(service: &'s Service, name: &str) -> Result<&'s Arc<Provider>, ExternalError> {
    let provider = service.providers.get(name);
    provider.ok_or(ExternalError::UnknownProvider)
}

/// Whoever has the session has the password as well, and a code where one is asked for.
async fn prove(
    service: &Service,
    who: &Principal,
    wish: ChangeExternal,
) -> Result<Credentials, ExternalError> {
    let found = service.store.credentials_of(who.user_id).await;
    let found = found.map_err(internal)?;
    codes::came(found.as_ref(), wish.code.as_ref()).map_err(ExternalError::from_login)?;
    let account = proof::account_of_user(who.user_id);
    let refused = service.event(SecurityEventKind::PasswordRefused);
    let refused = refused.by(who).of(who.user_id);
    let proving = proof::prove(service, account, found, wish.password, refused);
    let proven = proving.await.map_err(ExternalError::from_login)?;
    let proven = codes::prove(service, proven, wish.code.as_ref()).await;
    proven.map_err(ExternalError::from_login)
}

async fn begin(service: &Service, ticket: Ticket) -> Result<ExternalAttempt, ExternalError> {
    let provider = provider(service, &ticket.provider)?;
    let binding = ticket.binding(&service.issuer);
    let location = in_time(service, provider, provider.entrance(&binding)).await?;
    Ok(ExternalAttempt {
        location,
        ticket: ticket.sealed(&service.issuer)?,
        expires_in: i64::from(service.config.openid_attempt_seconds),
    })
}

async fn end(
    service: &Service,
    who: Option<&Principal>,
    wish: EndExternal,
) -> Result<ExternalEnd, ExternalError> {
    let provider = provider(service, &wish.provider)?;
    let ticket = Ticket::read(&wish.ticket, &service.issuer).ok_or(ExternalError::AttemptOver)?;
    let binding = ticket.binding(&service.issuer);
    let now = service.clock.now();
    let ends_at = ticket
        .begun_at
        .plus_seconds(i64::from(service.config.openid_attempt_seconds));
    let is_asker_s = match (ticket.linked_by, who) {
        (None, _) => true,
        (Some(by), Some(who)) => by == (who.user_id, who.session_id),
        (Some(_), None) => false,
    };
    let is_bound = ticket.provider == wish.provider
        && digest::equal(wish.state.as_bytes(), binding.state.as_bytes())
        && (ticket.begun_at..ends_at).contains(&now)
        && is_asker_s;
    // Used up whatever comes of it; of two tabs with one ticket one is late.
    if !is_bound || !use_up(service, &ticket, ends_at).await? {
        return Err(ExternalError::AttemptOver);
    }
    let asking = async {
        if !provider.may_have_said(wish.issuer.as_deref()).await? {
            return Err(Fault::Unbelievable(
                "another provider's answer came back".into(),
            ));
        }
        let code = wish.code.as_ref().ok_or(Fault::Denied)?;
        provider.identify(code, &binding).await
    };
    let identified = in_time(service, provider, asking).await?;
    match ticket.linked_by {
        Some((user, session)) => {
            let event = service.event(SecurityEventKind::ExternalSignInLinked);
            let event = event.by_owner(user).in_session(session);
            let name = name_of(provider, &identified);
            let notice = mails::notice(MailKind::ProviderLinked, event.at);
            let linked = service
                .store
                .link_external(user, name, event.clone(), notice);
            linked.await.map_err(refusal)?;
            told(&event);
            Ok(ExternalEnd::Linked)
        }
        None => sign_in(service, provider, identified, ticket.next).await,
    }
}

async fn use_up(
    service: &Service,
    ticket: &Ticket,
    ends_at: Timestamp,
) -> Result<bool, ExternalError> {
    let used = service.store.use_attempt(ticket.hash(), ends_at).await;
    used.map_err(internal)
}

/// No more time than the settings give the provider, and its faults told apart.
async fn in_time<T>(
    service: &Service,
    provider: &Provider,
    asking: impl Future<Output = Result<T, Fault>>,
) -> Result<T, ExternalError> {
    let longest = Duration::from_millis(u64::from(service.config.openid_timeout_ms));
    let answer = timeout(longest, Box::pin(asking)).await;
    let answer = answer.unwrap_or_else(|late| Err(Fault::Away(late.into())));
    answer.map_err(|fault| {
        let name = provider.name.as_str();
        match fault {
            Fault::Away(cause) => {
                tracing::warn!(provider = name, error = ?cause, "provider {name} cannot be asked");
                ExternalError::ProviderAway(cause)
            }
            Fault::Unbelievable(cause) => {
                tracing::warn!(provider = name, error = ?cause, "provider {name} cannot be believed");
                ExternalError::Unbelievable(cause)
            }
            Fault::Denied => ExternalError::Denied,
            Fault::Overloaded => ExternalError::Overloaded,
        }
    })
}

async fn sign_in(
    service: &Service,
    provider: &Provider,
    identified: Identified,
    next: String,
) -> Result<ExternalEnd, ExternalError> {
    let name = name_of(provider, &identified);
    let has_second_factor = identified.has_second_factor;
    if let Some(end) = open(service, &name, has_second_factor, &next).await? {
        return Ok(end);
    }
    let vouching = provider.vouches_for(identified);
    let vouched = in_time(service, provider, vouching).await?;
    let vouched = vouched.ok_or(ExternalError::AddressUnverified)?;
    match register(service, &name, vouched).await {
        // Or a twin of this attempt was faster.
        Err(error @ (ExternalError::AddressTaken | ExternalError::LinkTaken)) => {
            let end = open(service, &name, has_second_factor, &next).await?;
            end.ok_or(error)
        }
        registered => Ok(ExternalEnd::SignedIn {
            session: Box::new(registered?),
            next,
        }),
    }
}

fn name_of(provider: &Provider, identified: &Identified) -> ExternalName {
    ExternalName {
        issuer: provider.issuer().to_owned(),
        subject: identified.subject.clone(),
    }
}

/// Signs in whoever has an account, or asks for a code first.
async fn open(
    service: &Service,
    name: &ExternalName,
    has_second_factor: bool,
    next: &str,
) -> Result<Option<ExternalEnd>, ExternalError> {
    let opening = service.new_session(SecurityEventKind::SignedInExternally);
    let (session, token) = opening.map_err(ExternalError::Internal)?;
    let opened = service
        .store
        .open_external_session(name.clone(), has_second_factor, session.clone())
        .await;
    let next = next.to_owned();
    match opened.map_err(internal)? {
        ExternalOpening::Opened(user) => {
            let session = service.opened(user, session, &token);
            let session = Box::new(session.map_err(ExternalError::Internal)?);
            Ok(Some(ExternalEnd::SignedIn { session, next }))
        }
        ExternalOpening::NeedsCode(user) => {
            let challenge = challenge(service, user).await?;
            Ok(Some(ExternalEnd::CodeRequired { challenge, next }))
        }
        ExternalOpening::Disabled => Err(ExternalError::Disabled),
        ExternalOpening::Unknown => Ok(None),
    }
}

/// The same as after the right password.
async fn challenge(service: &Service, user: UserId) -> Result<String, ExternalError> {
    let found = service.store.credentials_of(user).await.map_err(internal)?;
    let found = found.ok_or(ExternalError::Disabled)?;
    let refusal = login::challenge(service, &found).await;
    if let LoginError::SecondFactorRequired {
        challenge: Some(challenge),
    } = refusal
    {
        return Ok(challenge);
    }
    // If it was turned off this very moment, whoever waits begins anew.
    Err(ExternalError::from_login(refusal))
}

/// Opens an account for somebody new.
async fn register(
    service: &Service,
    name: &ExternalName,
    vouched: Vouched,
) -> Result<SignedIn, ExternalError> {
    let email = Email::parse(&vouched.email).map_err(|_| ExternalError::AddressUnverified)?;
    let person = register::Person {
        email: Some(email),
        username: None,
        // What cannot be shown is left out: the person may write it themselves.
        name: vouched.name.and_then(|name| display_name(&name).ok()),
        roles: register::roles(service.config.registration_role),
    };
    // A password that nobody has. Whoever wants one sets it by a link in a mail.
    let chance = digest::random::<32>().map_err(ExternalError::Internal)?;
    let password = SecretString::from(digest::base64url(&chance));
    let event = service.event(SecurityEventKind::Registered);
    let user = register::new_user(service, person, password, event).await;
    let user = user.map_err(|error| {
        if matches!(error, RegisterError::Overloaded) {
            ExternalError::Overloaded
        } else {
            ExternalError::Internal(error.into())
        }
    })?;
    let event = user.event.clone();
    let opening = service.new_session(SecurityEventKind::SignedInExternally);
    let (session, token) = opening.map_err(ExternalError::Internal)?;
    let registered = service
        .store
        .register_external(user, name.clone(), session.clone())
        .await;
    let user = registered.map_err(refusal)?;
    told(&event);
    let opened = service.opened(user, session, &token);
    opened.map_err(ExternalError::Internal)
}

fn internal(error: StoreError) -> ExternalError {
    ExternalError::Internal(error.into())
}

fn refusal(abort: Abort<ExternalError>) -> ExternalError {
    abort.into_refusal(|| ExternalError::Overloaded, ExternalError::Internal)
}

fn login_refusal(abort: Abort<LoginError>) -> LoginError {
    abort.into_refusal(|| LoginError::Overloaded, LoginError::Internal)
}

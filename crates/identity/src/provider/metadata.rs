//! A provider's description and keys (OpenID Connect Discovery 1.0): asked for when they are needed, believed for a
//! while, and asked for again before that only for a key that nobody knows, and not too often.

use super::{Fault, OpenId, Provider, keys::Keys};
use platform::outward::{Address, Question};
use serde::Deserialize;
use std::sync::{Arc, RwLock};

const WELL_KNOWN: &str = "/.well-known/openid-configuration";

/// What a provider says of itself.
#[derive(Deserialize)]
struct Sent {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    userinfo_endpoint: Option<String>,
    code_challenge_methods_supported: Option<Vec<String>>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

/// The same, read.
pub(super) struct Known {
    pub(super) authorization: Address,
    pub(super) token: Address,
    pub(super) userinfo: Option<Address>,
    pub(super) takes_basic: bool,
    /// Whether its answers name it.
    pub(super) says_who_it_is: bool,
    keys: Address,
}

/// Something and when it was asked for.
type Dated<T> = RwLock<Option<(i64, Arc<T>)>>;

/// What is known of one provider.
#[derive(Default)]
pub(super) struct Book {
    description: Dated<Known>,
    keys: Dated<Keys>,
}

fn younger<T>(page: &Dated<T>, now_seconds: i64, longest_seconds: i64) -> Option<Arc<T>> {
    let page = page.read().ok()?;
    let (asked_at, known) = page.as_ref()?;
    let age = now_seconds.saturating_sub(*asked_at);
    (0..longest_seconds)
        .contains(&age)
        .then(|| Arc::clone(known))
}

fn keep<T>(page: &Dated<T>, now_seconds: i64, found: T) -> Arc<T> {
    let found = Arc::new(found);
    if let Ok(mut page) = page.write() {
        *page = Some((now_seconds, Arc::clone(&found)));
    }
    found
}

impl Book {
    pub(super) async fn description(&self, of: &Provider) -> Result<Arc<Known>, Fault> {
        let now = of.now_seconds();
        if let Some(known) = younger(&self.description, now, of.ways.keys_seconds) {
            return Ok(known);
        }
        let issuer = of.settings.issuer.trim_end_matches('/');
        let sent = of
            .read(Question::get(address(&format!("{issuer}{WELL_KNOWN}"))?))
            .await?;
        Ok(keep(&self.description, now, read(sent, &of.settings)?))
    }

    pub(super) async fn keys(&self, of: &Provider, known: &Known) -> Result<Arc<Keys>, Fault> {
        match younger(&self.keys, of.now_seconds(), of.ways.keys_seconds) {
            Some(keys) => Ok(keys),
            None => self.ask_for_keys(of, known).await,
        }
    }

    /// The keys once more, unless they were asked for just now: tokens with names of chance must not have us ask for
    /// each of them.
    pub(super) async fn newer_keys(
        &self,
        of: &Provider,
        known: &Known,
    ) -> Result<Arc<Keys>, Fault> {
        match younger(&self.keys, of.now_seconds(), of.ways.keys_pause_seconds) {
            Some(keys) => Ok(keys),
            None => self.ask_for_keys(of, known).await,
        }
    }

    async fn ask_for_keys(&self, of: &Provider, known: &Known) -> Result<Arc<Keys>, Fault> {
        let now = of.now_seconds();
        let sent: Box<serde_json::value::RawValue> =
            of.read(Question::get(known.keys.clone())).await?;
        let keys = Keys::read(sent.get().as_bytes())
            .map_err(|_| Fault::Unbelievable("its keys cannot be read".into()))?;
        Ok(keep(&self.keys, now, keys))
    }
}

fn read(sent: Sent, settings: &OpenId) -> Result<Known, Fault> {
    let refused = |why: &'static str| Err(Fault::Unbelievable(why.into()));
    // Or one provider could speak for another (Discovery 1.0, 4.3).
    if sent.issuer != settings.issuer {
        return refused("its description is another issuer's");
    }
    let is_missing = |methods: &Option<Vec<String>>, wanted: &str| {
        let methods = methods.as_ref();
        methods.is_some_and(|methods| methods.iter().all(|method| method != wanted))
    };
    if is_missing(&sent.code_challenge_methods_supported, "S256") {
        return refused("it does not know PKCE with S256");
    }
    let authorization = address(&sent.authorization_endpoint)?;
    let is_encrypted = |address: &Address| {
        // What the settings allow to be asked without encryption may be visited so.
        address.is_encrypted() || settings.issuer.starts_with("http://")
    };
    if !is_encrypted(&authorization) {
        return refused("its entrance is not encrypted");
    }
    Ok(Known {
        authorization,
        token: address(&sent.token_endpoint)?,
        userinfo: sent.userinfo_endpoint.as_deref().map(address).transpose()?,
        keys: address(&sent.jwks_uri)?,
        takes_basic: !is_missing(
            &sent.token_endpoint_auth_methods_supported,
            "client_secret_basic",
        ),
        says_who_it_is: sent.authorization_response_iss_parameter_supported,
    })
}

fn address(text: &str) -> Result<Address, Fault> {
    Address::parse(text).map_err(|why| Fault::Unbelievable(why.into()))
}

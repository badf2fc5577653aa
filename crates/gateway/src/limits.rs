//! Rate limits: which bucket a request is counted in, for whom, and what the answer says of it. They may become others
//! while the door is open. Calls between services never come through here.

use crate::{
    address, config,
    routes::{Route, Service},
    seeds::Address,
};
use axum::http::{HeaderName, Method, Uri};
use contracts::{
    access::Principal,
    problem::{Code, Problem},
};
use platform::{
    http::lane::Told,
    limit::{Limiter, MemoryLimiter, Quota, SharedLimiter, Verdict},
    metrics,
    redis::Redis,
};
use std::{
    net::IpAddr,
    sync::{Arc, PoisonError, RwLock},
};

// draft-ietf-httpapi-ratelimit-headers
/// The headers that callers are told by.
pub(crate) const TOLD: [&str; 2] = ["ratelimit", "ratelimit-policy"];
const RATE_LIMIT: HeaderName = HeaderName::from_static(TOLD[0]);
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static(TOLD[1]);

/// Forms of the pages that take a password or a code, or send a link for another password.
const PASSWORD_FORMS: &[&str] = &[
    "/sign-in",
    "/sign-in/code",
    "/register-account",
    "/forgot-password",
    "/reset-password",
    "/setup",
    "/account/providers/link",
    "/account/providers/unlink",
    "/account/security/password",
    "/account/security/second-factor",
    "/account/security/second-factor/confirm",
    "/account/security/second-factor/codes",
    "/account/security/second-factor/off",
];
/// What is asked here, and below, takes a password or a code.
const SECOND_FACTOR: &str = "/api/v1/me/second-factor";
/// Each visit has us ask a provider of identities.
const BY_PROVIDERS: &str = "/login/with/";
const CHECKOUT_FORM: &str = "/checkout";
const REFRESH: &str = "/api/v1/auth/refresh";
/// The limit of whatever has no other one.
const DEFAULT: &str = "default";
/// All callers together are one.
const EVERYBODY: &str = "all";
/// Counts of a search.
const FACETS: &str = "/api/v1/products/facets";
/// Reads all that is kept of somebody.
const EXPORT: &str = "/api/v1/me/export";
const EXPORT_COST: u32 = 20;

/// Where a request is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bucket {
    /// Whatever is in no other one, with its cost.
    Default(u32),
    Checkout,
    /// What costs a hash, or sends a mail: counted by address, by its network, and for the whole shop.
    Login,
    /// What takes a refresh token: counted beside the former, by address only. It costs next to nothing, and people
    /// who are known already must not be kept out by those who are not.
    Renewal,
}

impl Bucket {
    /// The bucket of a request.
    pub(crate) fn of(route: Route<'_>, method: &Method, uri: &Uri) -> Self {
        let path = uri.path();
        let posts = method == Method::POST;
        match route {
            Route::Seed(address) => Self::of_seed(address, method),
            Route::Service(Service::Identity) if posts && path == REFRESH => Self::Renewal,
            Route::Service(Service::Identity) if takes_secret(method, path) => Self::Login,
            Route::Service(Service::Orders | Service::Payments) if posts && is_collection(path) => {
                Self::Checkout
            }
            Route::Page if posts && PASSWORD_FORMS.contains(&path) => Self::Login,
            Route::Page if path.starts_with(BY_PROVIDERS) => Self::Login,
            Route::Page if posts && path == CHECKOUT_FORM => Self::Checkout,
            Route::Service(_)
            | Route::Own(_)
            | Route::Asset
            | Route::Picture
            | Route::Page
            | Route::Nothing => Self::Default(cost(method, uri)),
        }
    }

    fn of_seed(address: Address<'_>, method: &Method) -> Self {
        match address {
            Address::Refresh => Self::Renewal,
            Address::Register | Address::Login | Address::Delete => Self::Login,
            Address::Orders | Address::Payments if method == Method::POST => Self::Checkout,
            Address::Logout
            | Address::Products
            | Address::Product(_)
            | Address::Orders
            | Address::Order(_)
            | Address::OrderStatus(_)
            | Address::OrdersOf(_)
            | Address::Payments => Self::Default(if is_read(method) { 1 } else { 2 }),
        }
    }
}

fn takes_secret(method: &Method, path: &str) -> bool {
    let signs_in = path.starts_with("/api/v1/auth/") && path != "/api/v1/auth/logout";
    let of_keys = path.strip_prefix("/api/v1/api-keys");
    let makes_key = of_keys.is_some_and(|rest| rest.is_empty() || rest.ends_with("/rotate"));
    let below = path.strip_prefix(SECOND_FACTOR);
    let proves_again = below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    match *method {
        Method::POST => signs_in || proves_again || makes_key,
        Method::DELETE => path == "/api/v1/me" || proves_again,
        _ => false,
    }
}

fn is_collection(path: &str) -> bool {
    matches!(path, "/api/v1/orders" | "/api/v1/payments")
}

fn is_read(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

fn cost(method: &Method, uri: &Uri) -> u32 {
    let searches = || {
        uri.query()
            .is_some_and(|query| query.split('&').any(|pair| pair.starts_with("q=")))
    };
    if uri.path() == EXPORT {
        return EXPORT_COST;
    }
    // Counts look at everything, with words or without.
    if is_read(method) && !searches() && uri.path() != FACETS {
        1
    } else {
        2
    }
}

/// By what somebody is counted who is known: a machine by its key, so that it takes nothing from its owner.
fn name(who: &Principal) -> String {
    who.key
        .as_ref()
        .map_or_else(|| who.user_id.to_string(), |key| key.id.to_string())
}

/// The limits of the door. Clones are the same ones.
#[derive(Clone)]
pub struct Limits {
    redis: Option<Redis>,
    now: Arc<RwLock<Arc<Limiters>>>,
}

/// What is counted by just now.
struct Limiters {
    settings: config::Limits,
    default: Arc<dyn Limiter>,
    checkout: Arc<dyn Limiter>,
    login: Arc<dyn Limiter>,
    login_network: Arc<dyn Limiter>,
    login_all: Arc<dyn Limiter>,
}

/// A request that was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counted {
    policy: &'static str,
    quota: Quota,
    verdict: Verdict,
}

/// What came of counting at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AtOnce {
    /// Nothing is limited.
    Unlimited,
    Counted(Counted),
    /// There is no room, or it takes time to find out: nothing was counted.
    No,
}

impl Limits {
    /// Limits of this node alone, or of all nodes that share a Redis.
    #[must_use]
    pub fn new(settings: &config::Limits, redis: Option<&Redis>) -> Self {
        let limiters = Limiters::of(settings, redis, None);
        Self {
            redis: redis.cloned(),
            now: Arc::new(RwLock::new(Arc::new(limiters))),
        }
    }

    /// Counts by these from now on. A limit that is the same as before goes on where it was; of one that is another,
    /// this process forgets what it counted.
    pub fn change(&self, settings: &config::Limits) {
        let mut now = self.now.write().unwrap_or_else(PoisonError::into_inner);
        let limiters = Limiters::of(settings, self.redis.as_ref(), Some(&**now));
        *now = Arc::new(limiters);
    }

    fn now(&self) -> Arc<Limiters> {
        let now = self.now.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&now)
    }

    /// Counts a request for whoever asks.
    pub(crate) async fn take(
        &self,
        bucket: Bucket,
        who: Option<&Principal>,
        client: IpAddr,
    ) -> Option<Counted> {
        let now = self.now();
        if !now.settings.enabled {
            return None;
        }
        let by_address = || address::bucket(client);
        let by_caller = || who.map_or_else(by_address, name);
        let (policy, limiter, caller, units) = match bucket {
            Bucket::Default(units) => (DEFAULT, &now.default, by_caller(), units),
            Bucket::Checkout => ("checkout", &now.checkout, by_caller(), 1),
            Bucket::Login | Bucket::Renewal => ("login", &now.login, by_address(), 1),
        };
        let counted = Counted::of(policy, &**limiter, &caller, units).await;
        if bucket == Bucket::Login && counted.verdict.allowed {
            return Some(now.take_wider(client).await.unwrap_or(counted));
        }
        Some(counted)
    }

    /// Counts a read of so many units for whoever asks, if that takes no time and there is room.
    pub(crate) fn take_at_once(
        &self,
        units: u32,
        who: Option<&Principal>,
        client: IpAddr,
    ) -> AtOnce {
        let now = self.now();
        if !now.settings.enabled {
            return AtOnce::Unlimited;
        }
        let caller = who.map_or_else(|| address::bucket(client), name);
        match now.default.take_at_once(&caller, units) {
            Some(verdict) if verdict.allowed => AtOnce::Counted(Counted {
                policy: DEFAULT,
                quota: now.default.quota(),
                verdict,
            }),
            Some(_) | None => AtOnce::No,
        }
    }

    /// Counts the renewal of a browser's session; answers with the refusal, if it is one too many.
    pub(crate) async fn take_renewal(&self, client: IpAddr) -> Option<Problem> {
        let counted = self.take(Bucket::Renewal, None, client).await;
        counted.and_then(|counted| counted.refusal())
    }
}

impl Limiters {
    /// By these settings; what is limited as it was before is counted by who counted it before.
    fn of(settings: &config::Limits, redis: Option<&Redis>, before: Option<&Self>) -> Self {
        let alike = before.filter(|before| before.settings.sharing == settings.sharing);
        let limiter =
            |policy, quota: Quota, kept: fn(&Self) -> &Arc<dyn Limiter>| -> Arc<dyn Limiter> {
                let kept = alike.map(kept).filter(|kept| kept.quota() == quota);
                match (kept, redis) {
                    (Some(kept), _) => Arc::clone(kept),
                    (None, Some(redis)) => {
                        let redis = redis.clone();
                        Arc::new(SharedLimiter::new(redis, policy, quota, settings.sharing))
                    }
                    (None, None) => Arc::new(MemoryLimiter::new(quota)),
                }
            };
        Self {
            default: limiter(DEFAULT, settings.default, |before| &before.default),
            checkout: limiter("checkout", settings.checkout, |before| &before.checkout),
            login: limiter("login", settings.login, |before| &before.login),
            login_network: limiter("login-network", settings.login_network, |before| {
                &before.login_network
            }),
            login_all: limiter("login-all", settings.login_all, |before| &before.login_all),
            settings: settings.clone(),
        }
    }

    /// Counts somebody who proves who they are for their network, and then for everybody; answers where there is no
    /// room. Who was refused before is not counted here: one noisy address does not use up its neighbours' tries, nor
    /// one network everybody's.
    async fn take_wider(&self, client: IpAddr) -> Option<Counted> {
        let network = address::network(client);
        let near = Counted::of("login-network", &*self.login_network, &network, 1).await;
        if !near.verdict.allowed {
            return Some(near);
        }
        let all = Counted::of("login-all", &*self.login_all, EVERYBODY, 1).await;
        (!all.verdict.allowed).then_some(all)
    }
}

impl Counted {
    async fn of(policy: &'static str, limiter: &dyn Limiter, caller: &str, units: u32) -> Self {
        let verdict = limiter.take(caller, units).await;
        if !verdict.allowed {
            metrics::limit_refused(policy);
        }
        Self {
            policy,
            quota: limiter.quota(),
            verdict,
        }
    }

    /// Why the request is not let in, if it is not.
    pub(crate) fn refusal(&self) -> Option<Problem> {
        (!self.verdict.allowed).then(|| {
            let seconds = self.verdict.wait_seconds;
            Problem::new(Code::RateLimited)
                .detail(format!("come back in {seconds} s"))
                .retry_after(seconds)
        })
    }

    /// Tells the caller where they stand.
    pub(crate) fn tell(&self, told: &mut dyn Told) {
        let Self {
            policy,
            quota,
            verdict,
        } = self;
        let [mut units, mut window, mut rest, mut wait] = [itoa::Buffer::new(); 4];
        let units = units.format(quota.units);
        let window = window.format(quota.window_seconds);
        let rest = rest.format(verdict.remaining);
        let wait = wait.format(verdict.wait_seconds);
        told.tell(
            &RATE_LIMIT_POLICY,
            &["\"", policy, "\";q=", units, ";w=", window],
        );
        told.tell(&RATE_LIMIT, &["\"", policy, "\";r=", rest, ";t=", wait]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routes;

    fn bucket(method: &str, address: &str) -> Bucket {
        let uri: Uri = address.parse().unwrap();
        Bucket::of(routes::find(uri.path()), &method.parse().unwrap(), &uri)
    }

    #[test]
    fn each_request_is_counted_where_it_belongs() {
        for (method, address, expected) in [
            ("GET", "/api/v1/products", Bucket::Default(1)),
            ("HEAD", "/products", Bucket::Default(1)),
            ("GET", "/api/v1/products?limit=5&q=tea", Bucket::Default(2)),
            ("GET", "/search?q=tea", Bucket::Default(2)),
            ("GET", "/api/v1/products/facets", Bucket::Default(2)),
            ("GET", "/api/v1/products?sku=q", Bucket::Default(1)),
            ("GET", "/api/v1/me/export", Bucket::Default(20)),
            ("POST", "/api/v1/products", Bucket::Default(2)),
            ("PUT", "/products/p1", Bucket::Default(2)),
            ("POST", "/api/v1/orders/o1/cancel", Bucket::Default(2)),
            ("POST", "/api/v1/auth/logout", Bucket::Default(2)),
            ("GET", "/api/nothing", Bucket::Default(1)),
            ("GET", "/sign-in", Bucket::Default(1)),
            ("POST", "/api/v1/orders", Bucket::Checkout),
            ("POST", "/api/v1/payments", Bucket::Checkout),
            ("POST", "/orders", Bucket::Checkout),
            ("POST", "/api/orders", Bucket::Checkout),
            ("POST", "/payments", Bucket::Checkout),
            ("POST", "/checkout", Bucket::Checkout),
            ("GET", "/orders", Bucket::Default(1)),
            ("POST", "/api/v1/auth/login", Bucket::Login),
            ("POST", "/api/v1/auth/register", Bucket::Login),
            ("POST", "/api/v1/auth/refresh", Bucket::Renewal),
            ("POST", "/api/v1/auth/setup", Bucket::Login),
            ("POST", "/api/v1/auth/password/forgot", Bucket::Login),
            ("POST", "/api/v1/auth/password/reset", Bucket::Login),
            ("POST", "/forgot-password", Bucket::Login),
            ("POST", "/api/v1/auth/login/second-factor", Bucket::Login),
            ("POST", "/api/v1/me/second-factor", Bucket::Login),
            ("POST", "/api/v1/me/second-factor/confirm", Bucket::Login),
            ("DELETE", "/api/v1/me/second-factor", Bucket::Login),
            ("GET", "/api/v1/me/second-factor", Bucket::Default(1)),
            ("POST", "/sign-in/code", Bucket::Login),
            ("POST", "/account/security/password", Bucket::Login),
            ("POST", "/account/security/second-factor/off", Bucket::Login),
            ("POST", "/account/security/end-session", Bucket::Default(2)),
            ("DELETE", "/api/v1/me", Bucket::Login),
            ("POST", "/api/v1/api-keys", Bucket::Login),
            ("POST", "/api/v1/api-keys/key_1/rotate", Bucket::Login),
            ("GET", "/api/v1/api-keys", Bucket::Default(1)),
            ("DELETE", "/api/v1/api-keys/key_1", Bucket::Default(2)),
            ("POST", "/login", Bucket::Login),
            ("POST", "/register", Bucket::Login),
            ("PUT", "/api/auth/delete", Bucket::Login),
            ("POST", "/sign-in", Bucket::Login),
            ("GET", "/login/with/acme", Bucket::Login),
            ("GET", "/login/with/acme/callback", Bucket::Login),
            ("POST", "/account/providers/link", Bucket::Login),
            ("GET", "/account/providers", Bucket::Default(1)),
            ("POST", "/register-account", Bucket::Login),
        ] {
            assert_eq!(bucket(method, address), expected, "{method} {address}");
        }
    }

    #[test]
    fn an_answer_tells_where_its_caller_stands() {
        let counted = Counted {
            policy: "default",
            quota: Quota {
                units: 600,
                window_seconds: 60,
            },
            verdict: Verdict {
                allowed: true,
                remaining: 598,
                wait_seconds: 60,
            },
        };
        let mut headers = axum::http::HeaderMap::new();
        counted.tell(&mut headers);
        assert_eq!(headers[RATE_LIMIT_POLICY], "\"default\";q=600;w=60");
        assert_eq!(headers[RATE_LIMIT], "\"default\";r=598;t=60");
        assert_eq!(counted.refusal(), None);
    }
}

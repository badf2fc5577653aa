//! The one door: who the client is, who asks, how much they may ask, and which service answers. It keeps
//! nothing but counters, knows no rule of any service, and is the same in every shape of the shop.

mod address;
mod alike;
mod api;
pub mod config;
mod cors;
mod docs;
mod lasting;
mod limits;
mod origin;
mod routes;
mod scopes;
mod seeds;
mod session;
mod turnstile;

pub use address::Network;
pub use alike::alike;
pub use api::api;
pub use config::{Config, DEFAULTS};
pub use cors::Site;
pub use limits::Limits;
pub use routes::Upstreams;
pub use scopes::{Need, need};
pub use turnstile::Turnstile;

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderValue, request::Parts},
    response::{IntoResponse, Response},
};
use contracts::{
    identity::Identity,
    problem::{Code, Problem},
};
use cors::Cors;
use docs::Docs;
use limits::{Bucket, Counted};
use origin::Origin;
use platform::{
    http::{
        Fault, Readiness, TokenVerifier, asked::Asking, auth::ClientAddress, cookies::Cookies,
        counted, lane,
    },
    trail,
};
use routes::Route;
use seeds::Voice;
use session::{Asked, Session, Sessions};
use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};
use tower::ServiceExt;

/// What the door is made of.
pub struct Door {
    /// The section `[gateway]`.
    pub config: Config,
    /// How much everybody may ask; whoever holds a clone may change it.
    pub limits: Limits,
    /// Knows our tokens.
    pub verifier: TokenVerifier,
    /// Renews browsers' sessions.
    pub identity: Arc<dyn Identity>,
    /// Who answers.
    pub upstreams: Upstreams,
    /// The `OpenAPI` document of all services, as JSON.
    pub openapi: &'static str,
    /// Where the shop is seen from outside.
    pub public_url: String,
    /// Asked by `/readyz`.
    pub readiness: Readiness,
}

struct Inside {
    trusted_proxies: Vec<Network>,
    limits: Limits,
    sessions: Sessions,
    upstreams: Upstreams,
    docs: Docs,
    cors: Cors,
    public_url: String,
    readiness: Readiness,
}

/// The whole shop behind one router. The server puts `platform::http::stack` around it.
pub fn routes(door: Door) -> Router {
    let inside = Inside {
        trusted_proxies: door.config.trusted_proxies,
        cors: Cors::of(door.config.cors_origins),
        limits: door.limits,
        sessions: Sessions {
            keys: door.verifier.for_keys(),
            verifier: door.verifier,
            identity: door.identity,
            cookies: Cookies::for_public_url(&door.public_url),
            origin: Origin::of(&door.public_url),
        },
        upstreams: door.upstreams,
        docs: Docs::new(door.openapi, door.readiness.clone()),
        readiness: door.readiness,
        public_url: door.public_url.trim_end_matches('/').to_owned(),
    };
    Router::new().fallback(pass).with_state(Arc::new(inside))
}

async fn pass(State(inside): State<Arc<Inside>>, request: Request) -> Response {
    let client = inside.client(&request);
    trail::coming_from(Some(client), answer(inside, client, request)).await
}

async fn answer(inside: Arc<Inside>, client: IpAddr, mut request: Request) -> Response {
    address::drop_claims(request.headers_mut());
    request.extensions_mut().insert(ClientAddress(client));
    if let Some(uri) = routes::without_slash(request.uri()) {
        *request.uri_mut() = uri;
    }
    let uri = request.uri().clone();
    let site = inside.cors.caller(&uri, request.headers());
    if site.is_some() && origin::is_preflight(request.method(), request.headers()) {
        let mut response = cors::welcome();
        inside.cors.tell(&uri, site, response.headers_mut());
        return response;
    }
    let route = routes::find(uri.path());
    let Route::Seed(_) = route else {
        let mut response = inside.serve(route, client, request).await;
        inside.cors.tell(&uri, site, response.headers_mut());
        return response;
    };
    let voice = Voice::of(&request);
    let response = inside.serve(route, client, request).await;
    voice.speak(response, &inside.public_url)
}

impl Inside {
    fn client(&self, request: &Request) -> IpAddr {
        let peer = request.extensions().get::<ClientAddress>();
        // A request without a socket comes from this process.
        let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |ClientAddress(ip)| *ip);
        address::client(peer, request.headers().into(), &self.trusted_proxies)
    }

    async fn serve(&self, route: Route<'_>, client: IpAddr, request: Request) -> Response {
        if route.is_open() {
            return self.dispatch(route, request).await;
        }
        let (mut parts, body) = request.into_parts();
        let (session, refusal) = match self.open(route, client, &parts).await {
            Ok(session) => {
                let (method, path) = (&parts.method, parts.uri.path());
                let who = session.principal.as_ref();
                let refusal = who.and_then(|who| scopes::refusal(route, method, path, who));
                (session, refusal)
            }
            Err(problem) => (Session::default(), Some(problem)),
        };
        let (method, uri) = (parts.method.clone(), parts.uri.clone());
        let bucket = Bucket::of(route, &method, &uri);
        let who = session.principal.as_ref();
        let user_id = who.map(|who| who.user_id);
        let key = who.and_then(|who| who.key.as_ref());
        let asking = key.map(|key| Asking::new(&method, uri.path(), key.id));
        let counted = self.limits.take(bucket, who, client).await;
        // Whoever is refused is counted too, so that guessing tokens costs as much as asking.
        let refusal = counted.and_then(|counted| counted.refusal()).or(refusal);
        let mut response = match refusal {
            Some(problem) => Fault(problem).into_response(),
            None => {
                let verifier = &self.sessions.verifier;
                let standing = session.principal.as_ref();
                let standing = standing.map(|who| verifier.standing(who));
                if let Some(principal) = session.principal {
                    parts.extensions.insert(principal);
                }
                let request = Request::from_parts(parts, body);
                let mut response = self.dispatch(route, request).await;
                if let (Route::Service(_), Bucket::Default(units)) = (route, bucket) {
                    lane::costs(&mut response, units);
                }
                lasting::bounded(response, standing, &self.readiness)
            }
        };
        if let Some(code) = refused(&response) {
            tracing::info!(
                security.event = "request_refused", problem.code = code.slug(),
                user.id = user_id.map(tracing::field::display), request.id = trail::current().as_deref(),
                http.method = %method, http.path = uri.path(), "security: a request was refused"
            );
        }
        if let Some(asking) = asking {
            asking.answered(response.status());
        }
        finish(&mut response, counted, session.cookies);
        response
    }

    async fn open(
        &self,
        route: Route<'_>,
        client: IpAddr,
        parts: &Parts,
    ) -> Result<Session, Problem> {
        if origin::is_preflight(&parts.method, &parts.headers) {
            return Err(Problem::new(Code::Forbidden).detail("other sites may not call this shop"));
        }
        let asked = Asked {
            method: &parts.method,
            uri: &parts.uri,
            headers: &parts.headers,
            client,
            is_page: route == Route::Page,
            takes_credentials: routes::takes_credentials(parts.uri.path()),
        };
        self.sessions.open(asked, &self.limits).await
    }

    async fn dispatch(&self, route: Route<'_>, request: Request) -> Response {
        if let Some(name) = route.counted_as() {
            counted::place(request.extensions(), name);
        }
        let upstream = match route {
            Route::Service(service) => self.upstreams.at(service),
            Route::Picture => &self.upstreams.catalog,
            Route::Page | Route::Asset => &self.upstreams.storefront,
            Route::Own(page) => return self.docs.answer(page, &request),
            Route::Nothing => return Fault::new(Code::NotFound).into_response(),
            Route::Seed(address) => {
                let cookies = self.sessions.cookies;
                return seeds::answer(&self.upstreams, cookies, address, request).await;
            }
        };
        match upstream.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}

/// Why somebody may not do what they asked for, or what they took for a token is none. Limits are told by metrics, and
/// whoever is not signed in is only asked to.
fn refused(response: &Response) -> Option<Code> {
    let code = response.extensions().get::<Problem>()?.code;
    let is_refusal = code.status() == 403 || code == Code::InvalidToken;
    is_refusal.then_some(code)
}

fn finish(response: &mut Response, counted: Option<Counted>, cookies: Vec<HeaderValue>) {
    if let Some(counted) = counted {
        counted.tell(response.headers_mut());
    }
    session::set_cookies(response.headers_mut(), cookies);
}

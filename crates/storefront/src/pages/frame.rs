//! What surrounds every page: who came, the shop's name and shelves, and the headers of an HTML
//! answer. Decorations never fail a page: without categories there is simply no row of them.

use super::{
    assets,
    currency::{self, Switch},
    forms,
};
use crate::{App, view, words};
use askama::Template;
use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use contracts::{access::Principal, catalog::CategoryView, problem::Code};
use platform::http::{
    Fault,
    auth::{ClientAddress, Visitor},
    stack::RequestId,
};

/// What pages may do in a browser. The one that may do more says so itself.
const POLICY: &str = "default-src 'self'; img-src 'self' https: data:; object-src 'none'; \
    base-uri 'none'; frame-ancestors 'none'; form-action 'self'";

/// A request for a page: who asks, and what the browser sent along.
pub(super) struct Visit {
    /// Who is signed in, if anybody.
    pub(super) principal: Option<Principal>,
    /// The request's header fields.
    pub(super) headers: HeaderMap,
    /// The id our logs know the request by.
    pub(super) request_id: String,
    /// The address that was asked for.
    pub(super) here: String,
    /// The same where it can be asked for again; the first page after a form.
    pub(super) place: String,
    /// Where the client is.
    pub(super) client: Option<ClientAddress>,
}

impl<S: Send + Sync> FromRequestParts<S> for Visit {
    type Rejection = Fault;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Fault> {
        let Visitor(principal) = Visitor::from_request_parts(parts, state).await?;
        let request_id = parts
            .extensions
            .get::<RequestId>()
            .map(|id| id.0.to_string());
        Ok(Self {
            principal,
            headers: parts.headers.clone(),
            request_id: request_id.unwrap_or_default(),
            place: match parts.method {
                Method::GET | Method::HEAD => parts.uri.to_string(),
                _ => "/".to_owned(),
            },
            here: parts.uri.to_string(),
            client: parts.extensions.get::<ClientAddress>().copied(),
        })
    }
}

impl Visit {
    /// Whether the client can show HTML; `*/*`, as command lines send it, does not say so.
    pub(super) fn reads_html(&self) -> bool {
        let accepts = self.headers.get_all(header::ACCEPT).iter();
        accepts
            .filter_map(|accept| accept.to_str().ok())
            .any(|accept| accept.contains("text/html"))
    }
}

/// A category as a link.
pub(super) struct Shelf {
    pub(super) name: String,
    pub(super) slug: String,
    pub(super) href: String,
    pub(super) current: bool,
}

impl Shelf {
    pub(super) fn new(category: CategoryView) -> Self {
        Self {
            href: shelf_address(&category.slug),
            name: category.name,
            slug: category.slug,
            current: false,
        }
    }
}

/// Where a category's products are listed.
pub(super) fn shelf_address(slug: &str) -> String {
    format!("/c/{}", view::encoded(slug))
}

/// What `base.html` shows around the page.
pub(super) struct Frame {
    pub(super) shop_name: String,
    /// What everybody should know; empty: nothing.
    pub(super) notice: String,
    pub(super) stylesheet: String,
    /// The script of every page.
    pub(super) script: String,
    /// The categories' links.
    pub(super) categories: Vec<Shelf>,
    /// What prices are in, where the shop sells in several currencies.
    pub(super) currency: Option<Switch>,
    /// What stands in the search box.
    pub(super) search: String,
    /// The sign-out form's proof, when somebody is signed in.
    pub(super) signed_in: Option<String>,
    /// Whether whoever is signed in sells or runs the shop.
    pub(super) is_staff: bool,
    /// Where the shop is seen from outside, without a slash at its end.
    pub(super) root: String,
    /// Where the reader is, so that a choice of language leads back.
    pub(super) here: String,
}

/// A frame with the proof for the page's forms, and the cookie that goes with it if it is new.
pub(super) struct Framed {
    pub(super) frame: Frame,
    pub(super) proof: String,
    pub(super) cookies: Vec<HeaderValue>,
}

/// The frame of a page that has no form of its own.
pub(super) async fn plain(app: &App, visit: &Visit) -> Result<Framed, Fault> {
    build(app, visit, visit.principal.is_some()).await
}

/// The frame of a page with a form.
pub(super) async fn with_form(app: &App, visit: &Visit) -> Result<Framed, Fault> {
    build(app, visit, true).await
}

/// A page with a form, made of its frame and of the proof that the form carries.
pub(super) async fn form<P: Template>(
    app: &App,
    visit: &Visit,
    status: StatusCode,
    page: impl FnOnce(Frame, String) -> P,
) -> Response {
    match with_form(app, visit).await {
        Ok(Framed {
            frame,
            proof,
            cookies,
        }) => html(status, &page(frame, proof), cookies, true),
        Err(fault) => fault.into_response(),
    }
}

async fn build(app: &App, visit: &Visit, has_form: bool) -> Result<Framed, Fault> {
    let (proof, cookies) = if has_form {
        let forms::Proof { token, cookie } = forms::proof(app.cookies, &visit.headers)?;
        (token, cookie.into_iter().collect())
    } else {
        (String::new(), Vec::new())
    };
    let categories = match app.catalog.categories().await {
        Ok(categories) => categories.into_iter().map(Shelf::new).collect(),
        Err(error) => {
            tracing::warn!(error = ?error, "a page goes out without its categories");
            Vec::new()
        }
    };
    let frame = Frame {
        shop_name: app.shop_name.clone(),
        notice: app.notice.clone(),
        stylesheet: assets::style_address(),
        script: assets::site_address(),
        categories,
        currency: currency::switch(app, visit).await,
        search: String::new(),
        signed_in: visit.principal.is_some().then(|| proof.clone()),
        root: app.house.public_url.trim_end_matches('/').to_owned(),
        here: visit.place.clone(),
        is_staff: visit.principal.as_ref().is_some_and(Principal::may_sell),
    };
    Ok(Framed {
        frame,
        proof,
        cookies,
    })
}

/// An HTML answer. Pages of nobody in particular may be kept if they are asked about again; pages
/// that hold somebody's name or a form's proof are never kept.
pub(super) fn html(
    status: StatusCode,
    page: &impl Template,
    cookies: Vec<HeaderValue>,
    private: bool,
) -> Response {
    let body = match page.render() {
        Ok(body) => body,
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            return Fault::new(Code::Internal).into_response();
        }
    };
    let mut response = (status, body).into_response();
    let keep = if private { "no-store" } else { "no-cache" };
    let fields = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, keep),
        (header::CONTENT_LANGUAGE, words::current().tag()),
        (header::VARY, "Accept, Accept-Language, Cookie"),
    ] {
        fields.insert(name, HeaderValue::from_static(value));
    }
    for cookie in cookies {
        fields.append(header::SET_COOKIE, cookie);
    }
    response
}

/// After a form: go on there with GET, so that a reload repeats nothing.
pub(super) fn see_other(address: &str, cookies: Vec<HeaderValue>) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    let fields = response.headers_mut();
    // `address` has passed `forms::inside`, is one of ours, or a provider's that was read: it is plain ASCII.
    let location = HeaderValue::from_str(address).unwrap_or(HeaderValue::from_static("/"));
    fields.insert(header::LOCATION, location);
    fields.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    for cookie in cookies {
        fields.append(header::SET_COOKIE, cookie);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::super::samples::visit;
    use super::*;

    #[derive(Template)]
    #[template(source = "{{ name }}", ext = "html")]
    struct Sample {
        name: &'static str,
    }

    #[test]
    fn pages_carry_their_policy_and_private_ones_are_never_kept() {
        let page = Sample { name: "<i>" };
        let public = html(StatusCode::OK, &page, Vec::new(), false);
        let private = html(StatusCode::OK, &page, Vec::new(), true);
        assert_eq!(public.headers()[header::CACHE_CONTROL], "no-cache");
        assert_eq!(private.headers()[header::CACHE_CONTROL], "no-store");
        let policy = private.headers()[header::CONTENT_SECURITY_POLICY]
            .to_str()
            .unwrap();
        assert!(policy.starts_with("default-src 'self'; img-src 'self' https: data:;"));
        assert!(policy.ends_with("form-action 'self'") && !policy.contains("unsafe"));
    }

    #[test]
    fn command_lines_do_not_read_html() {
        assert!(visit("text/html,application/xhtml+xml;q=0.9,*/*;q=0.8").reads_html());
        assert!(!visit("*/*").reads_html() && !visit("application/json").reads_html());
    }
}

//! Signing in by a provider of identities, and one's own providers. The pages carry a ticket in a cookie from the
//! beginning of an attempt to its end, and believe nothing that a provider's redirect says: identity does that.

use super::{
    code, forms,
    frame::{self, Frame, Framed, Visit, html, see_other},
    problems,
    sign_in::{self, Onward, destination},
};
use crate::{App, view, words::say};
use askama::Template;
use axum::{
    Form,
    extract::{Path, State},
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use contracts::{
    access::Principal,
    identity::{
        BeginExternal, ChangeExternal, EndExternal, ExternalAttempt, ExternalEnd, ExternalError,
        LoginError,
    },
};
use platform::http::{Fault, Query, cookies::Name};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

const LINKED: &str = "/account/providers?flash=linked";
const UNLINKED: &str = "/account/providers?flash=unlinked";
const SIGN_IN: &str = "/sign-in?next=%2Faccount%2Fproviders";

/// A provider as a link on the page of signing in.
pub(super) struct Way {
    pub(super) title: String,
    pub(super) href: String,
}

/// What a provider's redirect brings. No `Debug`: it holds a code.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Brought {
    state: String,
    code: String,
    iss: Option<String>,
}

/// What the address of one's own providers may carry.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wish {
    flash: String,
}

/// The form that adds a provider or takes it away. No `Debug`: it holds a password.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct ChangeForm {
    provider: String,
    password: String,
    code: String,
    csrf: String,
}

/// A provider on the page of one's own.
struct OwnWay {
    name: String,
    title: String,
    /// Since when it leads into the account; empty if it does not.
    since: String,
}

#[derive(Template)]
#[template(path = "providers.html")]
struct ProvidersPage {
    frame: Frame,
    proof: String,
    linked: bool,
    unlinked: bool,
    problem: String,
    asks_for_a_code: bool,
    ways: Vec<OwnWay>,
}

#[derive(Template)]
#[template(path = "provider_go.html")]
struct GoPage {
    frame: Frame,
    title: String,
    location: String,
}

/// The providers as links; without them people sign in by password.
pub(super) async fn ways(app: &App, next: &str) -> Vec<Way> {
    let providers = match app.identity.providers().await {
        Ok(providers) => providers,
        Err(error) => {
            tracing::warn!(error = ?error, "a page goes out without its providers");
            Vec::new()
        }
    };
    let next = forms::inside(next);
    let way = |provider: contracts::identity::ProviderView| Way {
        href: view::address(
            &format!("/login/with/{}", view::encoded(&provider.name)),
            &[("next", next)],
        ),
        title: provider.title,
    };
    providers.into_iter().map(way).collect()
}

/// GET `/login/with/{provider}`.
pub(super) async fn begin(
    State(app): State<App>,
    visit: Visit,
    Path(provider): Path<String>,
    Query(onward): Query<Onward>,
) -> Response {
    if visit.principal.is_some() {
        return see_other(destination(&onward.next), Vec::new());
    }
    let wish = BeginExternal {
        provider,
        next: forms::inside(&onward.next).to_owned(),
    };
    let begun = match app.identity.begin_external(wish).await {
        Ok(attempt) => kept(&app, &attempt).map(|cookie| (attempt.location, cookie)),
        Err(error) => Err(error.into()),
    };
    match begun {
        Ok((location, cookie)) => see_other(&location, vec![cookie]),
        Err(fault) => problems::refuse(&app, &visit, fault).await,
    }
}

/// The cookie that only this browser has.
fn kept(app: &App, attempt: &ExternalAttempt) -> Result<HeaderValue, Fault> {
    let ticket = attempt.ticket.expose_secret();
    let cookie = app.cookies.set(Name::Attempt, ticket, attempt.expires_in);
    cookie.map_err(forms::unlucky)
}

/// GET `/login/with/{provider}/callback`.
pub(super) async fn end(
    State(app): State<App>,
    visit: Visit,
    Path(provider): Path<String>,
    Query(brought): Query<Brought>,
) -> Response {
    let ticket = app.cookies.read(&visit.headers, Name::Attempt);
    let wish = EndExternal {
        provider,
        ticket: SecretString::from(ticket.unwrap_or_default()),
        state: brought.state,
        code: (!brought.code.is_empty()).then(|| SecretString::from(brought.code)),
        issuer: brought.iss,
    };
    let ended = app
        .identity
        .end_external(visit.principal.as_ref(), wish)
        .await;
    let answer = match ended {
        Ok(ExternalEnd::SignedIn { session, next }) => {
            sign_in::begin(&app, &session, destination(&next))
        }
        Ok(ExternalEnd::CodeRequired { challenge, next }) => {
            Ok(code::ask(&app, &visit, challenge, &next).await)
        }
        Ok(ExternalEnd::Linked) => Ok(see_other(LINKED, Vec::new())),
        Err(error) => Err(error.into()),
    };
    let mut response = match answer {
        Ok(response) => response,
        Err(fault) => problems::refuse(&app, &visit, fault).await,
    };
    // The attempt is over, however it ended.
    if let Ok(cookie) = app.cookies.set(Name::Attempt, "", 0) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// GET `/account/providers`.
pub(super) async fn show(
    State(app): State<App>,
    visit: Visit,
    Query(wish): Query<Wish>,
) -> Response {
    show_again(&app, &visit, StatusCode::OK, &wish.flash, String::new()).await
}

/// POST `/account/providers/link`.
pub(super) async fn link(
    State(app): State<App>,
    visit: Visit,
    Form(form): Form<ChangeForm>,
) -> Response {
    let (principal, wish) = match read(&app, &visit, form) {
        Ok(read) => read,
        Err(refused) => return refused.answer(&app, &visit).await,
    };
    let provider = wish.provider.clone();
    match app.identity.begin_link(&principal, wish).await {
        Ok(attempt) => go(&app, &visit, &provider, attempt).await,
        Err(error) => refuse(&app, &visit, error).await,
    }
}

/// POST `/account/providers/unlink`.
pub(super) async fn unlink(
    State(app): State<App>,
    visit: Visit,
    Form(form): Form<ChangeForm>,
) -> Response {
    let (principal, wish) = match read(&app, &visit, form) {
        Ok(read) => read,
        Err(refused) => return refused.answer(&app, &visit).await,
    };
    match app.identity.unlink_external(&principal, wish).await {
        Ok(()) => see_other(UNLINKED, Vec::new()),
        Err(error) => refuse(&app, &visit, error).await,
    }
}

/// Why a form was not even looked at.
enum Unread {
    Stranger,
    Stale,
}

impl Unread {
    async fn answer(self, app: &App, visit: &Visit) -> Response {
        match self {
            Self::Stranger => see_other(SIGN_IN, Vec::new()),
            Self::Stale => {
                let stale = say(forms::STALE).to_owned();
                show_again(app, visit, StatusCode::FORBIDDEN, "", stale).await
            }
        }
    }
}

fn read(app: &App, visit: &Visit, form: ChangeForm) -> Result<(Principal, ChangeExternal), Unread> {
    let principal = visit.principal.clone().ok_or(Unread::Stranger)?;
    if !forms::trusted(app.cookies, &visit.headers, &form.csrf) {
        return Err(Unread::Stale);
    }
    let wish = ChangeExternal {
        provider: form.provider,
        password: form.password.into(),
        code: (!form.code.is_empty()).then(|| form.code.into()),
    };
    Ok((principal, wish))
}

/// A wrong password is said beside the forms; all else has a page of its own.
async fn refuse(app: &App, visit: &Visit, error: ExternalError) -> Response {
    let ExternalError::Password(unproven) = &error else {
        return problems::refuse(app, visit, error.into()).await;
    };
    let (status, problem) = match unproven {
        LoginError::TooManyTries {
            retry_after_seconds,
        } => (
            StatusCode::TOO_MANY_REQUESTS,
            super::sign_in::too_long(*retry_after_seconds),
        ),
        LoginError::CodeInvalid | LoginError::SecondFactorRequired { .. } => {
            (StatusCode::FORBIDDEN, say(code::WRONG).to_owned())
        }
        LoginError::InvalidCredentials
        | LoginError::ChallengeInvalid
        | LoginError::Disabled
        | LoginError::Overloaded
        | LoginError::Internal(_) => (
            StatusCode::FORBIDDEN,
            say("The password is wrong. Nothing was changed.").to_owned(),
        ),
    };
    show_again(app, visit, status, "", problem).await
}

/// A form must not lead to another site (`form-action`): a page with a link does.
async fn go(app: &App, visit: &Visit, provider: &str, attempt: ExternalAttempt) -> Response {
    let prepared = async {
        let cookie = kept(app, &attempt)?;
        let Framed {
            frame, mut cookies, ..
        } = frame::plain(app, visit).await?;
        cookies.push(cookie);
        let page = GoPage {
            frame,
            title: title_of(app, provider).await,
            location: attempt.location,
        };
        Ok::<_, Fault>(html(StatusCode::OK, &page, cookies, true))
    };
    match prepared.await {
        Ok(response) => response,
        Err(fault) => problems::refuse(app, visit, fault).await,
    }
}

async fn title_of(app: &App, name: &str) -> String {
    let providers = app.identity.providers().await.unwrap_or_default();
    let found = providers.into_iter().find(|provider| provider.name == name);
    found.map_or_else(|| name.to_owned(), |provider| provider.title)
}

async fn show_again(
    app: &App,
    visit: &Visit,
    status: StatusCode,
    flash: &str,
    problem: String,
) -> Response {
    let Some(principal) = &visit.principal else {
        return see_other(SIGN_IN, Vec::new());
    };
    let asks_for_a_code = match app.identity.second_factor(principal).await {
        Ok(factor) => factor.on,
        Err(error) => return problems::refuse(app, visit, error.into()).await,
    };
    match own_ways(app, principal).await {
        Ok(ways) => {
            frame::form(app, visit, status, |frame, proof| ProvidersPage {
                frame,
                proof,
                linked: flash == "linked",
                unlinked: flash == "unlinked",
                problem,
                asks_for_a_code,
                ways,
            })
            .await
        }
        Err(error) => problems::refuse(app, visit, error.into()).await,
    }
}

async fn own_ways(app: &App, principal: &Principal) -> Result<Vec<OwnWay>, ExternalError> {
    let links = app.identity.external_links(principal).await?;
    let since = |name: &str| {
        let link = links.iter().find(|link| link.provider.name == name);
        link.map_or_else(String::new, |link| view::moment(link.linked_at).day)
    };
    let providers = app.identity.providers().await?;
    let way = |provider: contracts::identity::ProviderView| OwnWay {
        since: since(&provider.name),
        name: provider.name,
        title: provider.title,
    };
    Ok(providers.into_iter().map(way).collect())
}

#[cfg(test)]
mod tests {
    use super::super::samples::{frame, rendered};
    use super::*;

    #[test]
    fn a_provider_is_added_or_taken_away_with_the_password_only() {
        let way = |name: &str, since: &str| OwnWay {
            name: name.to_owned(),
            title: format!("<{name}>"),
            since: since.to_owned(),
        };
        let page = rendered(&ProvidersPage {
            frame: frame(None),
            proof: "the-proof".to_owned(),
            linked: false,
            unlinked: false,
            problem: String::new(),
            asks_for_a_code: true,
            ways: vec![way("acme", ""), way("other", "21 Nov 2026")],
        });
        assert!(
            page.contains("action=\"/account/providers/link\""),
            "{page}"
        );
        assert!(page.contains("action=\"/account/providers/unlink\""));
        assert!(page.contains("since 21 Nov 2026") && page.contains("&#60;acme&#62;"));
        assert_eq!(page.matches("name=\"password\"").count(), 2);
        assert_eq!(page.matches("name=\"code\"").count(), 2);
        assert_eq!(page.matches("value=\"the-proof\"").count(), 2);
    }
}

//! What keeps one's own account: the password, the second factor, and where one is signed in. The forms of the second
//! factor are beside this (`factor`); API keys will have a section of their own here.

use super::{
    account, code, forms,
    frame::{self, Frame, Framed, Visit, html, see_other},
    problems,
    sign_in::too_long,
};
use crate::{
    App, view,
    words::{refusal, say},
};
use askama::Template;
use axum::{
    Form,
    extract::State,
    http::{StatusCode, header},
    response::Response,
};
use contracts::{
    access::Principal,
    identity::{
        ChangePassword, LoginError, PasswordError, SecondFactorView, SessionError, SessionQuery,
        SessionView,
    },
    problem::Code,
    values::{Page, SessionId},
};
use platform::http::{Fault, Query};
use serde::Deserialize;

/// Where the page is.
pub(super) const ADDRESS: &str = "/account/security";
/// Where to go first, and then back here.
const SIGN_IN: &str = "/sign-in?next=%2Faccount%2Fsecurity";
const WRONG_PASSWORD: &str = "The password is wrong.";

/// What the address may carry.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wish {
    cursor: String,
    flash: String,
}

/// What is wrong, and where.
#[derive(Default)]
pub(super) struct Faults {
    pub(super) status: StatusCode,
    pub(super) password: String,
    pub(super) new_password: String,
    pub(super) factor: String,
    pub(super) retry_after_seconds: Option<u32>,
}

struct Session {
    id: String,
    created: view::Moment,
    seen: view::Moment,
    current: bool,
}

impl Session {
    fn new(session: &SessionView) -> Self {
        Self {
            id: session.id.to_string(),
            created: view::moment(session.created_at),
            seen: view::moment(session.refreshed_at),
            current: session.current,
        }
    }
}

#[derive(Template)]
#[template(path = "security.html")]
struct SecurityPage {
    frame: Frame,
    proof: String,
    flash: &'static str,
    faults: Faults,
    factor: SecondFactorView,
    since: view::Moment,
    sessions: Vec<Session>,
    next: String,
}

/// Who is signed in; or what to answer whoever is not, or sends a form without its proof.
pub(super) async fn owner(
    app: &App,
    visit: &Visit,
    csrf: &str,
) -> Result<Principal, Box<Response>> {
    let Some(principal) = visit.principal.clone() else {
        return Err(Box::new(see_other(SIGN_IN, Vec::new())));
    };
    if !forms::trusted(app.cookies, &visit.headers, csrf) {
        let refusal = problems::refuse(app, visit, Fault::new(Code::CsrfFailed));
        return Err(Box::new(refusal.await));
    }
    Ok(principal)
}

/// GET `/account/security`.
pub(super) async fn show(
    State(app): State<App>,
    visit: Visit,
    Query(wish): Query<Wish>,
) -> Response {
    if visit.principal.is_none() {
        return see_other(SIGN_IN, Vec::new());
    }
    page(&app, &visit, wish, Faults::default()).await
}

/// The page as it is now, with what is wrong.
pub(super) async fn again(app: &App, visit: &Visit, faults: Faults) -> Response {
    page(app, visit, Wish::default(), faults).await
}

/// Another page follows, which says what was done.
pub(super) fn done(flash: &str) -> Response {
    see_other(&view::address(ADDRESS, &[("flash", flash)]), Vec::new())
}

async fn page(app: &App, visit: &Visit, wish: Wish, faults: Faults) -> Response {
    let (status, seconds) = (faults.status, faults.retry_after_seconds);
    match compose(app, visit, wish, faults).await {
        Ok((page, cookies)) => {
            let mut response = html(status, &page, cookies, true);
            if let Some(seconds) = seconds {
                let fields = response.headers_mut();
                fields.insert(header::RETRY_AFTER, seconds.into());
            }
            response
        }
        Err(fault) => problems::refuse(app, visit, fault).await,
    }
}

async fn compose(
    app: &App,
    visit: &Visit,
    wish: Wish,
    faults: Faults,
) -> Result<(SecurityPage, Vec<axum::http::HeaderValue>), Fault> {
    let who = visit.principal.as_ref();
    let who = who.ok_or_else(|| Fault::new(Code::Unauthenticated))?;
    let query = SessionQuery {
        cursor: super::cursor(&wish.cursor)?,
        ..SessionQuery::default()
    };
    let sessions = app.identity.sessions(who, query).await?;
    let factor = app.identity.second_factor(who).await?;
    let framed = frame::with_form(app, visit).await?;
    let Framed {
        frame,
        proof,
        cookies,
    } = framed;
    let page = SecurityPage {
        frame,
        proof,
        flash: told(&wish.flash),
        faults,
        since: factor.since.map(view::moment).unwrap_or_default(),
        factor,
        next: next_of(&sessions),
        sessions: sessions.data.iter().map(Session::new).collect(),
    };
    Ok((page, cookies))
}

fn next_of(sessions: &Page<SessionView>) -> String {
    let next = sessions.next_cursor.as_ref().map(|next| next.as_str());
    next.map_or_else(String::new, |next| {
        view::address(ADDRESS, &[("cursor", next)])
    })
}

/// Fixed words: an address must not make the shop say something.
fn told(flash: &str) -> &'static str {
    match flash {
        "password" => say("Your password is changed. Everywhere else you are signed out."),
        "session" => say("That sign-in has ended."),
        "off" => say("Signing in does not ask for a code any more."),
        "late" => say("That took too long, or was done already. Nothing has changed."),
        _ => "",
    }
}

/// The form for another password. No `Debug`: it holds two.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct PasswordForm {
    current: String,
    new: String,
    code: String,
    csrf: String,
}

/// POST `/account/security/password`.
pub(super) async fn change_password(
    State(app): State<App>,
    visit: Visit,
    Form(form): Form<PasswordForm>,
) -> Response {
    let who = match owner(&app, &visit, &form.csrf).await {
        Ok(who) => who,
        Err(response) => return *response,
    };
    let wish = ChangePassword {
        current_password: form.current.into(),
        new_password: form.new.into(),
        code: (!form.code.is_empty()).then(|| form.code.into()),
    };
    let mut faults = Faults {
        status: StatusCode::UNPROCESSABLE_ENTITY,
        ..Faults::default()
    };
    match app.identity.change_password(&who, wish).await {
        Ok(()) => return done("password"),
        Err(PasswordError::PasswordTooWeak { reason }) => {
            faults.new_password = say!("This {}.", refusal(&reason));
        }
        Err(PasswordError::InvalidCredentials) => {
            say(WRONG_PASSWORD).clone_into(&mut faults.password)
        }
        Err(PasswordError::SecondFactorRequired | PasswordError::CodeInvalid) => {
            say(code::WRONG).clone_into(&mut faults.password);
        }
        Err(PasswordError::TooManyTries {
            retry_after_seconds,
        }) => {
            faults.status = StatusCode::TOO_MANY_REQUESTS;
            faults.retry_after_seconds = Some(retry_after_seconds);
            faults.password = too_long(retry_after_seconds);
        }
        Err(
            error @ (PasswordError::LinkInvalid
            | PasswordError::Overloaded
            | PasswordError::Internal(_)),
        ) => return problems::refuse(&app, &visit, Fault::from(error)).await,
    }
    again(&app, &visit, faults).await
}

/// What the section of the second factor says about a proof that does not hold; nothing, if a page of its own does.
pub(super) fn unproven(error: &LoginError) -> Option<Faults> {
    let refused = |words: &str| Faults {
        status: StatusCode::UNPROCESSABLE_ENTITY,
        factor: words.to_owned(),
        ..Faults::default()
    };
    match error {
        LoginError::InvalidCredentials => Some(refused(say(WRONG_PASSWORD))),
        LoginError::CodeInvalid
        | LoginError::SecondFactorRequired { .. }
        | LoginError::ChallengeInvalid => Some(refused(say(code::WRONG))),
        LoginError::TooManyTries {
            retry_after_seconds,
        } => Some(Faults {
            status: StatusCode::TOO_MANY_REQUESTS,
            retry_after_seconds: Some(*retry_after_seconds),
            ..refused(&too_long(*retry_after_seconds))
        }),
        LoginError::Disabled | LoginError::Overloaded | LoginError::Internal(_) => None,
    }
}

/// The button beside a session.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct EndForm {
    id: String,
    csrf: String,
}

/// POST `/account/security/end-session`.
pub(super) async fn end_session(
    State(app): State<App>,
    visit: Visit,
    Form(form): Form<EndForm>,
) -> Response {
    let who = match owner(&app, &visit, &form.csrf).await {
        Ok(who) => who,
        Err(response) => return *response,
    };
    let Ok(id) = form.id.parse::<SessionId>() else {
        return problems::refuse(&app, &visit, Fault::new(Code::NotFound)).await;
    };
    match app.identity.end_own_session(&who, id).await {
        Ok(()) => done("session"),
        Err(error @ (SessionError::NotFound | SessionError::BadCursor)) => {
            problems::refuse(&app, &visit, Fault::from(error)).await
        }
        Err(error @ SessionError::Internal(_)) => {
            problems::refuse(&app, &visit, Fault::from(error)).await
        }
    }
}

/// POST `/account/security/end-sessions`: all of them, this one too.
pub(super) async fn end_sessions(
    State(app): State<App>,
    visit: Visit,
    Form(form): Form<EndForm>,
) -> Response {
    let who = match owner(&app, &visit, &form.csrf).await {
        Ok(who) => who,
        Err(response) => return *response,
    };
    if let Err(error) = app.identity.end_own_sessions(&who).await {
        return problems::refuse(&app, &visit, Fault::from(error)).await;
    }
    match account::forget(&app) {
        Ok(cookies) => see_other("/sign-in", cookies),
        Err(fault) => problems::refuse(&app, &visit, fault).await,
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{frame, rendered};
    use super::*;

    fn sample(on: bool, faults: Faults) -> String {
        rendered(&SecurityPage {
            frame: frame(Some("proof")),
            proof: "proof".to_owned(),
            flash: told("off"),
            faults,
            factor: SecondFactorView {
                on,
                since: None,
                recovery_codes_left: 7,
            },
            since: view::Moment::default(),
            sessions: Vec::new(),
            next: String::new(),
        })
    }

    #[test]
    fn only_who_has_a_factor_is_asked_for_codes() {
        let off = sample(false, Faults::default());
        assert!(
            off.contains("Set it up") && !off.contains("one-time-code"),
            "{off}"
        );
        let on = sample(true, Faults::default());
        assert!(on.contains("7 recovery codes left") && !on.contains("Set it up"));
        assert_eq!(on.matches("name=\"code\"").count(), 3, "{on}");
        // All but the choice of a language have their proof.
        assert_eq!(
            on.matches("method=\"post\"").count(),
            on.matches("name=\"csrf\"").count().saturating_add(1)
        );
    }

    #[test]
    fn what_is_wrong_stands_in_its_section() {
        let faults = unproven(&LoginError::CodeInvalid).unwrap();
        assert!(sample(true, faults).contains(code::WRONG));
        assert!(unproven(&LoginError::Overloaded).is_none());
        assert_eq!(told("<script>"), "");
    }
}

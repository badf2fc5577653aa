//! Signing in with a form. Which of the two was wrong, the name or the password, is never told.

use super::{
    code,
    external::{self, Way},
    forms,
    frame::{self, Frame, Visit, see_other},
    problems,
};
use crate::{App, view, words::say};
use askama::Template;
use axum::{
    Form,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use contracts::{
    identity::{Login, LoginError, SignedIn},
    values::{Email, Username},
};
use platform::http::{Fault, Query};
use serde::Deserialize;

const WRONG: &str = "The name or the password is wrong.";

/// Where to go on after signing in.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Onward {
    pub(super) next: String,
}

/// The form. No `Debug`: it holds a password.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct SignInForm {
    name: String,
    password: String,
    next: String,
    csrf: String,
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    frame: Frame,
    proof: String,
    next: String,
    name: String,
    problem: String,
    name_error: String,
    password_error: String,
    register: String,
    providers: Vec<Way>,
}

/// What is wrong with a form, and where.
#[derive(Default)]
struct Faults {
    status: StatusCode,
    problem: String,
    name: String,
    password: String,
    retry_after_seconds: Option<u32>,
}

impl Faults {
    fn any(&self) -> bool {
        [&self.problem, &self.name, &self.password]
            .iter()
            .any(|text| !text.is_empty())
    }

    fn whole_form(status: StatusCode, problem: impl Into<String>) -> Self {
        Self {
            status,
            problem: problem.into(),
            ..Self::default()
        }
    }
}

/// GET `/sign-in`.
pub(super) async fn show(
    State(app): State<App>,
    visit: Visit,
    Query(onward): Query<Onward>,
) -> Response {
    if visit.principal.is_some() {
        return see_other(destination(&onward.next), Vec::new());
    }
    let form = SignInForm {
        next: onward.next,
        ..SignInForm::default()
    };
    show_again(&app, &visit, form, Faults::default()).await
}

/// POST `/sign-in`.
pub(super) async fn submit(
    State(app): State<App>,
    visit: Visit,
    Form(form): Form<SignInForm>,
) -> Response {
    if !forms::trusted(app.cookies, &visit.headers, &form.csrf) {
        let faults = Faults::whole_form(StatusCode::FORBIDDEN, say(forms::STALE));
        return show_again(&app, &visit, form, faults).await;
    }
    let login = match read(&form) {
        Ok(login) => login,
        Err(faults) => return show_again(&app, &visit, form, faults).await,
    };
    match app.identity.login(login).await {
        Ok(session) => match begin(&app, &session, destination(&form.next)) {
            Ok(response) => response,
            Err(fault) => problems::refuse(&app, &visit, fault).await,
        },
        Err(LoginError::SecondFactorRequired {
            challenge: Some(challenge),
        }) => code::ask(&app, &visit, challenge, &form.next).await,
        Err(
            LoginError::InvalidCredentials
            | LoginError::SecondFactorRequired { challenge: None }
            | LoginError::ChallengeInvalid
            | LoginError::CodeInvalid,
        ) => show_again(&app, &visit, form, wrong()).await,
        Err(LoginError::Disabled) => {
            let faults =
                Faults::whole_form(StatusCode::FORBIDDEN, say("This account is disabled."));
            show_again(&app, &visit, form, faults).await
        }
        Err(LoginError::TooManyTries {
            retry_after_seconds,
        }) => {
            let faults = too_many(retry_after_seconds);
            show_again(&app, &visit, form, faults).await
        }
        Err(error @ (LoginError::Overloaded | LoginError::Internal(_))) => {
            problems::refuse(&app, &visit, Fault::from(error)).await
        }
    }
}

/// The answer that opens a session: its cookies, a fresh form secret, and on to the next page.
pub(super) fn begin(app: &App, session: &SignedIn, next: &str) -> Result<Response, Fault> {
    let mut cookies = app
        .cookies
        .signed_in(session)
        .map_err(forms::unlucky)?
        .to_vec();
    cookies.push(forms::new_secret(app.cookies)?);
    Ok(see_other(next, cookies))
}

/// Where to go on: the wish if it leads nowhere outside, else the account.
pub(super) fn destination(next: &str) -> &str {
    Some(forms::inside(next))
        .filter(|next| !next.is_empty())
        .unwrap_or("/account")
}

/// The form as a wish, or what is missing.
fn read(form: &SignInForm) -> Result<Login, Faults> {
    let name = form.name.trim();
    let mut faults = Faults::default();
    if name.is_empty() {
        say("Please enter your e-mail address or user name.").clone_into(&mut faults.name);
    }
    if form.password.is_empty() {
        say("Please enter your password.").clone_into(&mut faults.password);
    }
    if faults.any() {
        faults.status = StatusCode::UNPROCESSABLE_ENTITY;
        return Err(faults);
    }
    let (email, username) = if name.contains('@') {
        (Email::parse(name).ok(), None)
    } else {
        (None, Username::parse(name).ok())
    };
    if email.is_none() && username.is_none() {
        // Nobody is called that.
        return Err(wrong());
    }
    Ok(Login {
        email,
        username,
        password: form.password.clone().into(),
    })
}

fn wrong() -> Faults {
    Faults::whole_form(StatusCode::UNAUTHORIZED, say(WRONG))
}

fn too_many(seconds: u32) -> Faults {
    Faults {
        retry_after_seconds: Some(seconds),
        ..Faults::whole_form(StatusCode::TOO_MANY_REQUESTS, too_long(seconds))
    }
}

/// What a form says to whoever has to wait.
pub(super) fn too_long(seconds: u32) -> String {
    if seconds > 90 {
        let minutes = seconds.div_ceil(60);
        say!(
            "There were too many tries. Please wait {} minutes.",
            minutes
        )
    } else {
        say!(
            "There were too many tries. Please wait {} seconds.",
            seconds
        )
    }
}

/// The empty form, for whoever has to begin again.
pub(super) async fn again(app: &App, visit: &Visit, next: &str, problem: &str) -> Response {
    let form = SignInForm {
        next: next.to_owned(),
        ..SignInForm::default()
    };
    let faults = Faults::whole_form(StatusCode::UNAUTHORIZED, problem);
    show_again(app, visit, form, faults).await
}

async fn show_again(app: &App, visit: &Visit, form: SignInForm, faults: Faults) -> Response {
    let status = faults.status;
    let retry_after_seconds = faults.retry_after_seconds;
    let providers = external::ways(app, &form.next).await;
    let mut response = frame::form(app, visit, status, |frame, proof| {
        let mut page = compose(frame, form, faults);
        page.proof = proof;
        page.providers = providers;
        page
    })
    .await;
    if let Some(seconds) = retry_after_seconds {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if status == StatusCode::UNAUTHORIZED {
        // RFC 9110, 15.5.2: it must be there. Browsers know no such scheme and open no window of their own.
        let challenge = HeaderValue::from_static("Bearer");
        response
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, challenge);
    }
    response
}

/// The form, filled in but for its password, with what is wrong beside the fields.
fn compose(frame: Frame, form: SignInForm, faults: Faults) -> SignInPage {
    let next = forms::inside(&form.next).to_owned();
    SignInPage {
        frame,
        proof: String::new(),
        register: view::address("/register-account", &[("next", &next)]),
        next,
        name: form.name,
        problem: faults.problem,
        name_error: faults.name,
        password_error: faults.password,
        providers: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{frame, rendered};
    use super::*;

    fn form(name: &str, password: &str) -> SignInForm {
        SignInForm {
            name: name.to_owned(),
            password: password.to_owned(),
            next: "//evil.example".to_owned(),
            ..SignInForm::default()
        }
    }

    #[test]
    fn a_name_with_an_at_is_an_address_and_any_other_a_user_name() {
        assert!(read(&form("ann@example.com", "p")).is_ok_and(|login| login.email.is_some()));
        assert!(read(&form(" ann ", "p")).is_ok_and(|login| login.username.is_some()));
        assert!(read(&form("ann@", "p")).is_err_and(|faults| faults.problem == WRONG));
    }

    #[test]
    fn faults_stand_beside_their_fields_and_the_password_is_not_sent_back() {
        let wish = form("", "s3cret-word");
        let Err(faults) = read(&wish) else {
            panic!("a form without a name was read")
        };
        let page = rendered(&compose(frame(None), wish, faults));
        assert!(
            page.contains("id=\"name-error\">Please enter your e-mail"),
            "{page}"
        );
        assert!(page.contains("aria-describedby=\"name-error\""));
        assert!(!page.contains("s3cret-word") && !page.contains("password-error"));
        assert!(
            !page.contains("evil.example"),
            "never onwards to another site"
        );
    }

    #[test]
    fn a_long_wait_is_told_in_minutes() {
        assert!(too_many(300).problem.contains("5 minutes"));
        assert!(too_many(30).problem.contains("30 seconds"));
        assert_eq!(destination("//evil.example"), "/account");
        assert_eq!(destination("/p/tea"), "/p/tea");
    }
}

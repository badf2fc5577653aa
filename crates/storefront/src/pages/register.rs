//! Opening an account with a form. All faults are shown at once, each beside its field.

use super::{
    forms,
    frame::{self, Frame, Visit, see_other},
    problems,
    sign_in::{Onward, begin, destination},
};
use crate::{
    App, view,
    words::{refusal, say},
};
use askama::Template;
use axum::{Form, extract::State, http::StatusCode, response::Response};
use contracts::{
    identity::{RegisterError, RegisterUser},
    values::Email,
};
use platform::http::{Fault, Query};
use serde::Deserialize;

const WELCOME: &str = "/account?flash=welcome";

/// The form. No `Debug`: it holds a password.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct RegisterForm {
    email: String,
    name: String,
    password: String,
    next: String,
    csrf: String,
}

#[derive(Template)]
#[template(path = "register.html")]
struct RegisterPage {
    frame: Frame,
    proof: String,
    next: String,
    email: String,
    name: String,
    problem: String,
    email_error: String,
    name_error: String,
    password_error: String,
    sign_in: String,
}

/// What is wrong with a form, and where.
#[derive(Default)]
struct Faults {
    /// The form has lost its proof; nothing else was looked at.
    stale: bool,
    problem: String,
    email: String,
    name: String,
    password: String,
}

impl Faults {
    fn any(&self) -> bool {
        [&self.problem, &self.email, &self.name, &self.password]
            .iter()
            .any(|text| !text.is_empty())
    }
}

/// GET `/register-account`.
pub(super) async fn show(
    State(app): State<App>,
    visit: Visit,
    Query(onward): Query<Onward>,
) -> Response {
    if visit.principal.is_some() {
        return see_other(destination(&onward.next), Vec::new());
    }
    let form = RegisterForm {
        next: onward.next,
        ..RegisterForm::default()
    };
    show_again(&app, &visit, form, Faults::default()).await
}

/// POST `/register-account`.
pub(super) async fn submit(
    State(app): State<App>,
    visit: Visit,
    Form(form): Form<RegisterForm>,
) -> Response {
    if !forms::trusted(app.cookies, &visit.headers, &form.csrf) {
        let faults = Faults {
            stale: true,
            problem: say(forms::STALE).to_owned(),
            ..Faults::default()
        };
        return show_again(&app, &visit, form, faults).await;
    }
    let wish = match read(&form) {
        Ok(wish) => wish,
        Err(faults) => return show_again(&app, &visit, form, faults).await,
    };
    match app.identity.register(wish).await {
        Ok(session) => {
            let next = forms::inside(&form.next);
            let next = if next.is_empty() { WELCOME } else { next };
            match begin(&app, &session, next) {
                Ok(response) => response,
                Err(fault) => problems::refuse(&app, &visit, fault).await,
            }
        }
        Err(error) => match explained(error) {
            Ok(faults) => show_again(&app, &visit, form, faults).await,
            Err(error) => problems::refuse(&app, &visit, Fault::from(error)).await,
        },
    }
}

/// The form as a wish, or all that is wrong with it.
fn read(form: &RegisterForm) -> Result<RegisterUser, Faults> {
    let mut faults = Faults::default();
    let email = match Email::parse(&form.email) {
        Ok(email) => Some(email),
        Err(error) => {
            faults.email = say!("This {}.", refusal(&error.to_string()));
            None
        }
    };
    if form.password.is_empty() {
        say("Please choose a password.").clone_into(&mut faults.password);
    }
    if faults.any() {
        return Err(faults);
    }
    let name = form.name.trim();
    Ok(RegisterUser {
        email,
        username: None,
        password: form.password.clone().into(),
        name: (!name.is_empty()).then(|| name.to_owned()),
    })
}

/// What identity refused, beside its field; what is no fault of the form's comes back.
fn explained(error: RegisterError) -> Result<Faults, RegisterError> {
    let mut faults = Faults::default();
    match error {
        RegisterError::NameMissing => {
            say("Please enter your e-mail address.").clone_into(&mut faults.email);
        }
        RegisterError::EmailTaken => {
            say("This address has an account already. Sign in instead.")
                .clone_into(&mut faults.email);
        }
        RegisterError::PasswordTooWeak { reason } => {
            faults.password = say!("This {}.", refusal(&reason))
        }
        RegisterError::InvalidName { reason } => faults.name = say!("This {}.", refusal(&reason)),
        RegisterError::UsernameTaken
        | RegisterError::SetupTokenInvalid
        | RegisterError::Overloaded
        | RegisterError::Internal(_) => return Err(error),
    }
    Ok(faults)
}

async fn show_again(app: &App, visit: &Visit, form: RegisterForm, faults: Faults) -> Response {
    let status = match (faults.stale, faults.any()) {
        (true, _) => StatusCode::FORBIDDEN,
        (false, true) => StatusCode::UNPROCESSABLE_ENTITY,
        (false, false) => StatusCode::OK,
    };
    frame::form(app, visit, status, |frame, proof| {
        let mut page = compose(frame, form, faults);
        page.proof = proof;
        page
    })
    .await
}

/// The form, filled in but for its password, with what is wrong beside the fields.
fn compose(frame: Frame, form: RegisterForm, faults: Faults) -> RegisterPage {
    let next = forms::inside(&form.next).to_owned();
    RegisterPage {
        frame,
        proof: String::new(),
        sign_in: view::address("/sign-in", &[("next", &next)]),
        next,
        email: form.email,
        name: form.name,
        problem: faults.problem,
        email_error: faults.email,
        name_error: faults.name,
        password_error: faults.password,
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{frame, rendered};
    use super::*;

    #[test]
    fn all_faults_are_shown_at_once_beside_their_fields() {
        let form = RegisterForm {
            email: "ann".to_owned(),
            ..RegisterForm::default()
        };
        let Err(faults) = read(&form) else {
            panic!("a form without a password was read")
        };
        let page = rendered(&compose(frame(None), form, faults));
        assert!(
            page.contains("id=\"email-error\">This must be an e-mail address."),
            "{page}"
        );
        assert!(
            page.contains("id=\"password-error\">Please choose a password."),
            "{page}"
        );
    }

    #[test]
    fn what_identity_refuses_is_explained_or_passed_on() {
        let taken = explained(RegisterError::EmailTaken);
        assert!(taken.is_ok_and(|faults| faults.email.contains("has an account already")));
        let weak = explained(RegisterError::PasswordTooWeak {
            reason: "is too common".into(),
        });
        assert!(weak.is_ok_and(|faults| faults.password == "This is too common."));
        assert!(explained(RegisterError::Overloaded).is_err());
    }
}

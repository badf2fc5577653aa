//! The choice of a language: a form on every page, whose answer is a cookie. It has no proof, as pages that are the
//! same for everybody have none; the door looks at where a form comes from, and all that this one can do is to set
//! a language.

use super::{forms, frame::see_other};
use crate::{
    App,
    words::{COOKIE_SECONDS, Language},
};
use axum::{
    Form,
    extract::State,
    response::{IntoResponse, Response},
};
use platform::http::cookies::Name;
use serde::Deserialize;

/// The form.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct LanguageForm {
    language: String,
    /// Where the reader was.
    next: String,
}

/// POST `/language`. What is no language changes nothing.
pub(super) async fn choose(State(app): State<App>, Form(form): Form<LanguageForm>) -> Response {
    let next = Some(forms::inside(&form.next)).filter(|next| !next.is_empty());
    let next = next.unwrap_or("/");
    let Some(language) = Language::from_tag(&form.language) else {
        return see_other(next, Vec::new());
    };
    let cookie = app
        .cookies
        .set(Name::Language, language.tag(), COOKIE_SECONDS);
    match cookie.map_err(forms::unlucky) {
        Ok(cookie) => see_other(next, vec![cookie]),
        Err(fault) => fault.into_response(),
    }
}

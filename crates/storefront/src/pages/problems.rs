//! Refusals as pages, and the pages that explain the codes. Never more than the problem itself
//! says.

use super::frame::{self, Frame, Framed, Visit, html};
use crate::{
    App,
    words::{refusal, say},
};
use askama::Template;
use axum::{
    extract::{Path, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use contracts::problem::{Code, Problem};
use platform::http::Fault;

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage {
    frame: Frame,
    title: String,
    detail: String,
    code: String,
    request_id: String,
    offers_search: bool,
    suggestion: String,
}

#[derive(Template)]
#[template(path = "problem_doc.html")]
struct ExplanationPage {
    frame: Frame,
    title: &'static str,
    code: &'static str,
    status: u16,
    retryable: bool,
    advice: &'static str,
    others: Vec<&'static str>,
}

/// What a page says when there is nothing to show.
pub(super) struct Missing {
    /// 404 or 410.
    pub(super) status: StatusCode,
    pub(super) title: &'static str,
    pub(super) detail: String,
    /// What the search box proposes.
    pub(super) suggestion: String,
}

/// A refusal: as a page for people, as a problem for programs.
pub(super) async fn refuse(app: &App, visit: &Visit, fault: Fault) -> Response {
    if !visit.reads_html() {
        return fault.into_response();
    }
    let Ok(Framed { frame, cookies, .. }) = frame::plain(app, visit).await else {
        return fault.into_response();
    };
    let retry_after_seconds = fault.0.retry_after_seconds;
    let code = fault.0.code;
    let page = compose(frame, visit, fault.0);
    let status = StatusCode::from_u16(code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = html(status, &page, cookies, true);
    if let Some(seconds) = retry_after_seconds {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

fn compose(frame: Frame, visit: &Visit, problem: Problem) -> ProblemPage {
    let Problem { code, detail, .. } = problem;
    ProblemPage {
        frame,
        title: say(code.title()).to_owned(),
        detail: if detail == code.title() {
            advice(code).to_owned()
        } else {
            sentence(&detail)
        },
        code: code.slug().to_owned(),
        request_id: visit.request_id.clone(),
        offers_search: code == Code::NotFound,
        suggestion: String::new(),
    }
}

/// A page for something that is not (or no longer) there, with a search box.
pub(super) async fn missing(app: &App, visit: &Visit, what: Missing) -> Response {
    if !visit.reads_html() && what.status == StatusCode::NOT_FOUND {
        return Fault::new(Code::NotFound).into_response();
    }
    let Framed { frame, cookies, .. } = match frame::plain(app, visit).await {
        Ok(framed) => framed,
        Err(fault) => return fault.into_response(),
    };
    let gone = what.status == StatusCode::GONE;
    let page = ProblemPage {
        frame,
        title: say(what.title).to_owned(),
        detail: what.detail,
        code: if gone {
            String::new()
        } else {
            Code::NotFound.slug().to_owned()
        },
        request_id: visit.request_id.clone(),
        offers_search: true,
        suggestion: what.suggestion,
    };
    html(what.status, &page, cookies, true)
}

/// Whatever no page answers.
pub(super) async fn nowhere(State(app): State<App>, visit: Visit) -> Response {
    let what = Missing {
        status: StatusCode::NOT_FOUND,
        title: "There is no such page",
        detail: say("It may have moved. Perhaps a search finds what you look for.").to_owned(),
        suggestion: String::new(),
    };
    missing(&app, &visit, what).await
}

/// GET `/problems/{code}`.
pub(super) async fn explain(
    State(app): State<App>,
    visit: Visit,
    Path(slug): Path<String>,
) -> Response {
    let Some(code) = Code::from_slug(&slug) else {
        let what = Missing {
            status: StatusCode::NOT_FOUND,
            title: "There is no such code",
            detail: say("No answer of this shop carries that code.").to_owned(),
            suggestion: String::new(),
        };
        return missing(&app, &visit, what).await;
    };
    match frame::plain(&app, &visit).await {
        Ok(Framed { frame, cookies, .. }) => {
            let page = explanation(frame, code);
            html(StatusCode::OK, &page, cookies, visit.principal.is_some())
        }
        Err(fault) => fault.into_response(),
    }
}

fn explanation(frame: Frame, code: Code) -> ExplanationPage {
    ExplanationPage {
        frame,
        title: say(code.title()),
        code: code.slug(),
        status: code.status(),
        retryable: code.retryable(),
        advice: advice(code),
        others: Code::ALL.iter().map(|code| code.slug()).collect(),
    }
}

/// What the caller can do about it.
fn advice(code: Code) -> &'static str {
    match code.status() {
        400 | 414 | 415 | 431 => {
            say("The request cannot be read as it is. Correct it before you send it again.")
        }
        401 => say("Sign in, or send a valid access token, and try again."),
        402 => say("No money was taken. Try another means of payment, or the same one later."),
        403 => say("Signing in again does not help: this account, or this form, may not do that."),
        404..=406 => say("Check the address, the method and the Accept header."),
        408 => say("The request did not arrive in time. Send it again."),
        409 | 412 => say(
            "Nothing was changed. Fetch the current state, decide again, and send the request \
             with what you have learnt.",
        ),
        413 => say("Send less at once."),
        422 => say("The field errors in the answer say what to change."),
        428 => say("Read it first, and send its ETag as If-Match, or its version in the body."),
        429 => say("Wait as long as Retry-After says, then send the request again."),
        504 => say(
            "It may or may not have happened. Send the same request with the same \
             Idempotency-Key: it takes effect once at most.",
        ),
        _ => say(
            "It was not your fault. Try again in a moment; if it stays, tell the shop the \
             request id.",
        ),
    }
}

/// A detail as a sentence: they are written in lower case, without a full stop.
pub(super) fn sentence(detail: &str) -> String {
    let detail = refusal(detail);
    let mut letters = detail.chars();
    let Some(first) = letters.next() else {
        return String::new();
    };
    let text: String = first.to_uppercase().chain(letters).collect();
    if text.ends_with(['.', '!', '?']) {
        text
    } else {
        format!("{text}.")
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{frame, rendered, visit};
    use super::*;

    #[test]
    fn every_code_has_a_page_that_explains_it() {
        for code in Code::ALL {
            let page = rendered(&explanation(frame(None), *code));
            assert!(
                page.contains(&format!("<td>{}</td>", code.status())),
                "{code:?}"
            );
            assert!(page.contains(&format!("<td><code>{}</code></td>", code.slug())));
        }
    }

    #[test]
    fn a_refusal_tells_its_code_and_the_request_and_offers_a_search_when_not_found() {
        let problem = Problem::new(Code::NotFound).detail("no such <b>thing</b>");
        let page = rendered(&compose(frame(None), &visit("text/html"), problem));
        assert!(
            page.contains("No such &#60;b&#62;thing&#60;/b&#62;."),
            "{page}"
        );
        assert!(page.contains("req-1") && page.contains("id=\"again\""));
        let page = rendered(&compose(
            frame(None),
            &visit("text/html"),
            Problem::new(Code::Overloaded),
        ));
        assert!(
            !page.contains("id=\"again\"") && page.contains("not your fault"),
            "{page}"
        );
    }
}

//! The books, for admins: what was checked, when, and whether all of it balances. It shows a report and decides
//! nothing.

use super::{
    frame::{self, Frame, Framed, Visit, html, see_other},
    problems,
};
use crate::{App, view};
use askama::Template;
use axum::{extract::State, http::StatusCode, response::Response};
use contracts::{
    audit::{AuditAnswer, AuditCounts, AuditReport},
    problem::{Code, Problem},
};
use platform::http::Fault;

struct Count {
    what: &'static str,
    number: String,
}

#[derive(Template)]
#[template(path = "books.html")]
struct BooksPage {
    frame: Frame,
    /// Whether a check is under way, so that there is nothing to show yet.
    running: bool,
    at: view::Moment,
    took: String,
    balanced: bool,
    violations_total: u64,
    violations: Vec<String>,
    notes: Vec<String>,
    counts: Vec<Count>,
}

/// GET `/admin/books`.
pub(super) async fn show(State(app): State<App>, visit: Visit) -> Response {
    let Some(principal) = &visit.principal else {
        return see_other("/sign-in?next=%2Fadmin%2Fbooks", Vec::new());
    };
    if !principal.is_admin() {
        return problems::refuse(&app, &visit, Fault::new(Code::Forbidden)).await;
    }
    match page(&app, &visit).await {
        Ok(response) => response,
        Err(fault) => problems::refuse(&app, &visit, fault).await,
    }
}

async fn page(app: &App, visit: &Visit) -> Result<Response, Fault> {
    let answer = app.auditor.audit().await;
    let answer = answer.map_err(|cause| Problem::internal(&cause))?;
    let Framed { frame, cookies, .. } = frame::plain(app, visit).await?;
    Ok(html(StatusCode::OK, &compose(frame, answer), cookies, true))
}

fn compose(frame: Frame, answer: AuditAnswer) -> BooksPage {
    match answer {
        AuditAnswer::Running(since) => BooksPage {
            frame,
            running: true,
            at: view::moment(since),
            took: String::new(),
            balanced: false,
            violations_total: 0,
            violations: Vec::new(),
            notes: Vec::new(),
            counts: Vec::new(),
        },
        AuditAnswer::Done(report) => shown(frame, report),
    }
}

fn shown(frame: Frame, report: AuditReport) -> BooksPage {
    let (seconds, hundredths) = (report.took_ms / 1_000, report.took_ms % 1_000 / 10);
    BooksPage {
        frame,
        running: false,
        at: view::moment(report.at),
        took: format!("{seconds}.{hundredths:02}"),
        balanced: report.balanced,
        violations_total: report.violations_total,
        violations: report.violations,
        notes: report.notes,
        counts: counts(report.counts),
    }
}

fn counts(counts: AuditCounts) -> Vec<Count> {
    let AuditCounts {
        variants,
        reservations,
        orders,
        lines,
        units,
        payments,
        refunds,
        charges,
        ledger_entries,
        events,
    } = counts;
    let all: [(&'static str, String); 10] = [
        ("Variants on the shelf", variants.to_string()),
        ("Reservations", reservations.to_string()),
        ("Orders", orders.to_string()),
        ("Their lines", lines.to_string()),
        ("Their units", units.to_string()),
        ("Payments", payments.to_string()),
        ("Refunds", refunds.to_string()),
        ("Charges at the provider", charges.to_string()),
        ("Entries of the ledger", ledger_entries.to_string()),
        ("Events of orders", events.to_string()),
    ];
    all.into_iter()
        .map(|(what, number)| Count {
            what,
            number: view::grouped(&number),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::samples::{frame, rendered};
    use super::*;
    use contracts::values::Timestamp;

    const THEN: Timestamp = Timestamp::from_ms(1_795_274_096_007);

    fn report(violations: &[&str]) -> AuditReport {
        AuditReport {
            at: THEN,
            took_ms: 1_234,
            balanced: violations.is_empty(),
            counts: AuditCounts {
                orders: 39_519,
                ..AuditCounts::default()
            },
            violations_total: u64::try_from(violations.len()).unwrap(),
            violations: violations.iter().map(|&what| what.to_owned()).collect(),
            notes: vec!["3 events wait".to_owned()],
        }
    }

    #[test]
    fn books_that_balance_say_so_with_what_was_read_and_when() {
        let answer = AuditAnswer::Done(report(&[]));
        let page = rendered(&compose(frame(Some("proof")), answer));
        for part in [
            "All books balance",
            "21 Nov 2026, 15:14 UTC",
            "1.23 seconds",
            ">39,519<",
            "3 events wait",
        ] {
            assert!(page.contains(part), "{part} in {page}");
        }
        assert!(!page.contains("refresh"), "nothing to wait for");
    }

    #[test]
    fn violations_are_listed_and_escaped() {
        let answer = AuditAnswer::Done(report(&["stock of <b>TEA</b>: drifted"]));
        let page = rendered(&compose(frame(Some("proof")), answer));
        assert!(page.contains("The books do not balance") && !page.contains("All books balance"));
        assert!(
            page.contains("drifted") && !page.contains("<b>TEA"),
            "{page}"
        );
    }

    #[test]
    fn a_check_under_way_loads_itself_again() {
        let page = rendered(&compose(frame(Some("proof")), AuditAnswer::Running(THEN)));
        assert!(page.contains("http-equiv=\"refresh\"") && page.contains("being checked"));
        assert!(!page.contains("balance"), "nothing is known yet: {page}");
    }
}

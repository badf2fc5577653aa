//! What comes of a form: a place to go on to, or a page that shows what was refused and can be mended.

use super::{Desk, Fault, Sheet, fields::Fields};
use crate::view;
use contracts::problem::{Code, Problem};
use std::future::Future;

/// What came of a form.
pub(super) enum Done {
    /// Go on there with GET, so that a reload repeats nothing.
    GoTo(String),
    /// Shown at once, with what is wrong.
    Show(Box<Sheet>),
}

impl Done {
    pub(super) fn at(path: &str, flash: &str) -> Self {
        Self::GoTo(view::address(path, &[("flash", flash)]))
    }
}

/// What somebody can do something about; the rest is no matter of this page.
pub(super) fn mendable(fault: Fault) -> Result<Problem, Fault> {
    if fault.0.code.status() < 500 && fault.0.code != Code::NotFound {
        Ok(fault.0)
    } else {
        Err(fault)
    }
}

/// Goes on there if it was done; otherwise shows a page with what was refused, if somebody can mend that.
pub(super) async fn answered<T, P>(
    sent: Result<T, Fault>,
    to: Done,
    page: impl FnOnce(Problem) -> P,
) -> Result<Done, Fault>
where
    P: Future<Output = Result<Sheet, Fault>>,
{
    match sent {
        Ok(_) => Ok(to),
        Err(fault) => again(fault, page).await,
    }
}

/// The page once more, with what was refused, if somebody can mend that.
pub(super) async fn again<P>(fault: Fault, page: impl FnOnce(Problem) -> P) -> Result<Done, Fault>
where
    P: Future<Output = Result<Sheet, Fault>>,
{
    let sheet = page(mendable(fault)?).await?;
    Ok(Done::Show(Box::new(sheet)))
}

/// Deletes what is at an address of the API, once its form says that this is meant.
pub(super) async fn gone(desk: Desk<'_>, path: &str, fields: &Fields) -> Result<(), Fault> {
    fields.confirmed()?;
    desk.ask().delete(path).await
}

//! Customers of another shop, as a shop takes them: by their addresses, a batch a request. An account that is there
//! stays as it is, so a batch may come again.

use super::{Fate, Row, Run};
use crate::commands::daily::path;
use contracts::{
    BoxError,
    identity::{ImportUser, ImportUsers},
    import::{ImportedRows, RowOutcome},
    values::Email,
};

/// What Shopify and WooCommerce call it as well.
const EMAIL: &[&str] = &[
    "email",
    "Email",
    "Email Address",
    "email address",
    "user_email",
];
const VERIFIED: &[&str] = &["verified", "email_verified", "verified_email"];
/// The moment, where that is what is known: `souk export customers` writes it.
const VERIFIED_AT: &[&str] = &["verified_at"];
/// Since when they may not sign in there.
const DISABLED_AT: &[&str] = &["disabled_at"];
const FIRST: &[&str] = &["first_name", "first name", "First Name"];
const LAST: &[&str] = &["last_name", "last name", "Last Name"];

/// Customers in one request: half of what a shop takes, so that long names are not too long together.
const AT_ONCE: usize = 50;
const NAME_MAX: usize = 200;

pub(super) async fn bring(run: &Run<'_>, rows: &[Row]) -> Result<Vec<Fate>, BoxError> {
    let mut fates = Vec::with_capacity(rows.len());
    for some in rows.chunks(AT_ONCE) {
        fates.extend(send(run, some).await?);
    }
    Ok(fates)
}

async fn send(run: &Run<'_>, rows: &[Row]) -> Result<Vec<Fate>, BoxError> {
    let read: Vec<_> = rows.iter().map(read).collect();
    let good: Vec<ImportUser> = read.iter().filter_map(|row| row.clone().ok()).collect();
    let mut judged = Vec::new();
    if !good.is_empty() {
        let wish = ImportUsers {
            dry_run: !run.args.commit,
            rows: good,
        };
        let body = serde_json::to_value(&wish)?;
        let answer = run.door.post(&path(&["users", "import"])?, &body).await?;
        judged = serde_json::from_value::<ImportedRows>(answer)?.data;
    }
    let mut judged = judged.into_iter();
    let fates = read.into_iter().map(|row| match row {
        Err(why) => Ok(Fate::Refused(why)),
        Ok(_) => {
            let row = judged
                .next()
                .ok_or("the shop judged fewer rows than it got")?;
            Ok(match row.outcome {
                RowOutcome::Created => Fate::Done,
                RowOutcome::Known => Fate::Known,
                RowOutcome::Refused => Fate::Refused(row.reason.unwrap_or_default()),
            })
        }
    });
    fates.collect()
}

fn read(row: &Row) -> Result<ImportUser, String> {
    if row.text(DISABLED_AT).is_some() {
        return Err("the account is disabled there, and is not opened here".to_owned());
    }
    let name = row.text(&["name", "display_name"]).map(str::to_owned);
    let parts = [row.text(FIRST), row.text(LAST)];
    let whole: Vec<&str> = parts.into_iter().flatten().collect();
    let name = name.or_else(|| (!whole.is_empty()).then(|| whole.join(" ")));
    if name
        .as_ref()
        .is_some_and(|name| name.chars().count() > NAME_MAX)
    {
        return Err(format!("name must have at most {NAME_MAX} characters"));
    }
    let email = row.text(EMAIL).ok_or("email is missing")?;
    let email = Email::parse(email).map_err(|error| format!("email {error}"))?;
    Ok(ImportUser {
        email: email.as_str().to_owned(),
        name,
        verified: row.flag(VERIFIED)? || row.text(VERIFIED_AT).is_some(),
    })
}

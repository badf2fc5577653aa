//! `souk admin users`: straight at identity's store, beside a running shop or without one. The nodes hear of who is out
//! within seconds.

use crate::{
    args::{DataArgs, UsersCommand},
    console::say,
    shop::open_services,
};
use contracts::{
    BoxError,
    identity::{UserQuery, UserStatus, UserView},
    problem::ToProblem,
    values::{Email, PageSize},
};

/// Rows that are asked for at a time.
const PAGE: u32 = 100;

pub(super) async fn run(command: UsersCommand) -> Result<(), BoxError> {
    match command {
        UsersCommand::List { q, limit, data } => list(q, limit, &data).await,
        UsersCommand::Disable { email, data } => set(&data, &email, UserStatus::Disabled).await,
        UsersCommand::Enable { email, data } => set(&data, &email, UserStatus::Active).await,
    }
}

async fn list(q: Option<String>, limit: u32, data: &DataArgs) -> Result<(), BoxError> {
    let (services, _work) = open_services(&data.load()?, true).await?;
    let identity = services.near_identity()?;
    let (mut left, mut cursor) = (limit.max(1), None);
    loop {
        let query = UserQuery {
            q: q.clone(),
            limit: PageSize::try_from(left.min(PAGE))?,
            cursor,
            ..UserQuery::default()
        };
        let page = identity.list_users(query).await;
        let page = page.map_err(|error| error.to_problem().detail)?;
        page.data.iter().map(line).for_each(say);
        left = left.saturating_sub(u32::try_from(page.data.len())?);
        cursor = page.next_cursor;
        match (&cursor, left) {
            (None, _) => return Ok(()),
            (Some(_), 0) => {
                say("there are more: see --limit".to_owned());
                return Ok(());
            }
            (Some(_), _) => {}
        }
    }
}

/// One account in one line.
fn line(user: &UserView) -> String {
    let names = [
        user.email.as_ref().map(|email| email.as_str()),
        user.username.as_ref().map(|username| username.as_str()),
    ];
    let names: Vec<&str> = names.into_iter().flatten().collect();
    let roles: Vec<&str> = user.roles.iter().map(|role| role.as_str()).collect();
    let state = if user.disabled_at.is_some() {
        "disabled"
    } else {
        "active"
    };
    let (id, names, roles) = (user.id, names.join(" "), roles.join(","));
    format!("{id}  {names}  {roles}  {state}")
}

async fn set(data: &DataArgs, email: &str, status: UserStatus) -> Result<(), BoxError> {
    let email = Email::parse(email).map_err(|error| format!("--email {error}"))?;
    let (services, _work) = open_services(&data.load()?, true).await?;
    let changed = services.near_identity()?.set_status_of(email, status).await;
    let user = changed.map_err(|error| error.to_problem().detail)?;
    say(match user.disabled_at {
        Some(_) => format!("{} may not sign in any more, and is out", user.id),
        None => format!("{} may sign in", user.id),
    });
    Ok(())
}

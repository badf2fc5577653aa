//! `souk events`: what was not taken, and publishing again. It works on the stores and the broker that the settings
//! name, beside a running shop or without one, through the same functions as the API.

use crate::{
    args::{DataArgs, EventsCommand},
    console::say,
    events::Desk,
    shop::{self, open_services},
    wiring::Services,
};
use contracts::{
    BoxError,
    event::{DeadEventError, DeadEventId, DeadEventQuery, DeadEventState, DeadEventView},
    values::{PageSize, Timestamp},
};
use platform::{
    bus::{self, Bus},
    outbox,
    tasks::Tasks,
};
use std::time::Duration;

/// How long the broker has to show itself.
const BROKER_WAIT: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Rows that are asked for at a time.
const PAGE: u32 = 100;
/// As long as outboxes keep what was delivered.
const KEPT_SECONDS: i64 = 7 * 24 * 60 * 60;

pub(super) async fn run(command: EventsCommand) -> Result<(), BoxError> {
    match command {
        EventsCommand::Dead { limit, data } => dead(limit, &data).await,
        EventsCommand::Redrive { id, data } => redrive(id, &data).await,
        EventsCommand::Republish { since, data } => republish(since, &data).await,
    }
}

async fn open(data: &DataArgs) -> Result<(Services, Tasks), BoxError> {
    let config = data.load()?;
    let (services, work) = open_services(&config, true).await?;
    greet(&*services.desk.bus).await?;
    Ok((services, work))
}

/// Waits for the broker: it is connected to in the background.
async fn greet(bus: &dyn Bus) -> Result<(), BoxError> {
    let greeted = async {
        while bus.is_away() {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    if tokio::time::timeout(BROKER_WAIT, greeted).await.is_ok() {
        return Ok(());
    }
    let why = bus.why_away().unwrap_or_default();
    Err(format!("the broker is away: {why}").into())
}

async fn dead(limit: u32, data: &DataArgs) -> Result<(), BoxError> {
    let (services, _work) = open(data).await?;
    let (mut left, mut listed, mut cursor) = (limit.max(1), 0_u64, None);
    loop {
        let query = DeadEventQuery {
            limit: PageSize::try_from(left.min(PAGE))?,
            cursor,
        };
        let page = services.desk.list(query).await.map_err(cause)?;
        page.data.iter().map(line).for_each(say);
        let count = u32::try_from(page.data.len())?;
        listed = listed.saturating_add(count.into());
        left = left.saturating_sub(count);
        cursor = page.next_cursor;
        match (&cursor, left) {
            (None, _) => break,
            (Some(_), 0) => {
                say(format!(
                    "{listed} are listed, and there are more: see --limit"
                ));
                return Ok(());
            }
            (Some(_), _) => {}
        }
    }
    say(match listed {
        0 => "every event was taken".to_owned(),
        1 => "1 event was not taken".to_owned(),
        _ => format!("{listed} events were not taken"),
    });
    Ok(())
}

/// One event in one line.
fn line(view: &DeadEventView) -> String {
    let unread = || "(cannot be read)".to_owned();
    let (id, reason) = (view.id.to_string(), &view.reason);
    let what = view.name.clone().unwrap_or_else(unread);
    let subject = view.subject.clone().unwrap_or_default();
    let state = match view.state {
        DeadEventState::Parked => {
            let tries = view.tries.unwrap_or_default();
            format!("parked, {tries} tries")
        }
        DeadEventState::Dead => {
            let consumer = view.consumer.clone().unwrap_or_default();
            format!("dead, {consumer}")
        }
    };
    // A line is a line, whatever a reason says.
    let reason = reason.split_whitespace().collect::<Vec<_>>().join(" ");
    format!("{id}  {what} {subject}  {state}: {reason}")
}

async fn redrive(id: DeadEventId, data: &DataArgs) -> Result<(), BoxError> {
    let (services, _work) = open(data).await?;
    services.desk.redrive(id).await.map_err(cause)?;
    say(format!(
        "{id} is on its way; `souk events dead` shows if it fails again"
    ));
    Ok(())
}

async fn republish(since: Option<Timestamp>, data: &DataArgs) -> Result<(), BoxError> {
    let config = data.load()?;
    let (services, _work) = open(data).await?;
    let Desk { bus, .. } = &services.desk;
    // Without a broker nobody else hears of it: what runs here takes the events itself.
    if config.bus == bus::LOCAL {
        services.take_events();
    }
    let since = since.unwrap_or_else(|| shop::now().plus_seconds(KEPT_SECONDS.saturating_neg()));
    let outboxes = services.outboxes();
    if outboxes.is_empty() {
        return Err("no outbox is kept here: ask where identity and orders run".into());
    }
    for (target, database) in outboxes {
        let published = outbox::republish(database, &**bus, since).await?;
        say(format!(
            "{:<9} {published} events were published again",
            target.name()
        ));
    }
    Ok(())
}

/// The plain cause, where there is one.
fn cause(error: DeadEventError) -> BoxError {
    match error {
        DeadEventError::Internal(cause) => cause,
        error @ (DeadEventError::NotFound | DeadEventError::BadCursor) => error.into(),
    }
}

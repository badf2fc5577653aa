//! `souk replay`: a real shop's orders and returns, through the public API as fast as it takes them, then every total
//! that can be known. A client like any other: it has no other way into the shop.

mod account;
mod report;
mod run;
mod stock;
mod totals;
mod trace;

use crate::{
    audit,
    commands::{api::Api, password, verify},
    config::{Config, Flags, HttpFlags},
    console::say,
    file_args::ReplayArgs,
    ops,
    shop::Shop,
};
use account::Account;
use contracts::{BoxError, values::Email};
use report::Report;
use run::Run;
use secrecy::SecretString;
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;
use trace::Trace;

pub(super) async fn run(args: ReplayArgs) -> Result<(), BoxError> {
    let trace = Trace::read(&args.orders, &args.catalog, args.returns.as_deref())?;
    match &args.url {
        Some(url) => {
            let email = args
                .admin_email
                .clone()
                .ok_or("--url needs --admin-email")?;
            let password = password::read("Password: ")?;
            let api = Api::new(url)?;
            let admin = Account::sign_in(&api, email, password).await?;
            replay(api, admin, trace, &args).await?.say_and_judge()
        }
        None => replay_into_own_shop(&args, trace).await,
    }
}

/// A shop opened for this, without limits and without the demo catalog; verified before it closes.
async fn replay_into_own_shop(args: &ReplayArgs, trace: Trace) -> Result<(), BoxError> {
    let shop = own_shop(args.data.as_deref()).await?;
    say(format!(
        "replaying into a shop of its own, {}",
        shop.public_url
    ));
    let password = SecretString::from(platform::digest::base64url(
        &platform::digest::random::<18>()?,
    ));
    let email = Email::parse("replay-admin@souk.example")?;
    shop.services
        .near_identity()?
        .create_admin(email.clone(), password.clone())
        .await?;
    let api = Api::new(&shop.public_url)?;
    let admin = Account::sign_in(&api, email.as_str().to_owned(), password).await?;
    let report = replay(api, admin, trace, args).await?;
    let books = audit::check(&shop.services.books(), true).await?;
    let outcome = report.say_and_judge();
    let balanced = verify::judge(&books);
    shop.close().await;
    outcome.and(balanced)
}

/// A shop within this process, on a free port of the loopback address.
pub(super) async fn own_shop(data: Option<&std::path::Path>) -> Result<Shop, BoxError> {
    Shop::open(own_config(data)?, data.is_none()).await
}

/// What such a shop is opened with.
pub(super) fn own_config(data: Option<&std::path::Path>) -> Result<Config, BoxError> {
    let flags = Flags {
        db: data.map(|folder| format!("sqlite:{}", folder.display())),
        http: HttpFlags {
            listen: Some(([127, 0, 0, 1], 0).into()),
            ..HttpFlags::default()
        },
        ..Flags::default()
    };
    // With the environment, so that everybody can measure settings of their own.
    let mut config = Config::load(None, true, &flags)?;
    config.shop.demo = false;
    config.limits.enabled = false;
    // Whoever asks waits for each answer, and is told what it took.
    config.http.late_ms_max = 0;
    config.http.public_url = String::new();
    config.http.ops_listen = String::new();
    Ok(config)
}

async fn replay(
    api: Api,
    admin: Account,
    trace: Trace,
    args: &ReplayArgs,
) -> Result<Report, BoxError> {
    let preparing = Instant::now();
    let run = Arc::new(Run::prepare(api, admin, trace).await?);
    say(format!(
        "shelves filled and customers signed in, after {:.2?}",
        preparing.elapsed()
    ));
    let (started, counted) = (Instant::now(), ops::counted()?);
    let done = run.go(args.clients).await?;
    let (elapsed, batches) = (started.elapsed(), ops::counted()?.since(&counted));
    let left = run
        .shelves
        .count_left(&run.api, &run.admin, &run.trace)
        .await?;
    let mut report = Report::new(&run.trace, &done, left, elapsed);
    report.batches(batches);
    if let Some(totals) = &args.totals {
        report.compare(totals, &run.trace, &done)?;
    }
    Ok(report)
}

/// The point below which this share (in hundredths) of the times lies; they must be sorted.
pub(super) fn percentile(sorted: &[Duration], hundredths: usize) -> Duration {
    let index = sorted
        .len()
        .saturating_mul(hundredths)
        .div_ceil(100)
        .saturating_sub(1);
    sorted.get(index).copied().unwrap_or_default()
}

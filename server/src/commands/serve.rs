//! `souk serve`: opens the shop, says where it is, and closes it when told to.

use super::{demo, in_one_line};
use crate::{
    args::ServeArgs,
    balancer::Balancer,
    config::{Again, Config},
    console::say,
    entrance,
    shop::Shop,
    target::Target,
};
use contracts::BoxError;
use platform::{
    clock::Clock,
    tasks::Tasks,
    telemetry::{self, Levels},
    trace,
};
use secrecy::ExposeSecret;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

/// How long the last spans may take to their collector.
const SPANS_LEAVE_WITHIN: Duration = Duration::from_secs(3);

pub(super) async fn run(args: &ServeArgs) -> Result<(), BoxError> {
    if args.list_targets {
        list_targets();
        return Ok(());
    }
    let mark = |config: &mut Config| {
        if !args.ephemeral {
            demo::mark(config);
        }
    };
    // On the heap: whoever opens a shop holds all settings twice.
    Box::pin(open((args.load()?, mark), args, |_| Ok(()))).await
}

/// Opens a shop with these settings and what is made of them, begins what is beside it, and closes it when told to.
pub(super) async fn open(
    (settings, make): (Config, impl FnOnce(&mut Config)),
    args: &ServeArgs,
    beside: impl FnOnce(&mut Shop) -> Result<(), BoxError>,
) -> Result<(), BoxError> {
    let mut config = settings.clone();
    make(&mut config);
    config.check_exposure(args.ephemeral)?;
    let levels = telemetry::start(&telemetry::Options {
        format: config.log,
        level: config.log_level.clone(),
    });
    // Before the shop opens: a stop that comes early is not lost.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let spans = follow_traces()?;
    let mut opened = if config.gateway.upstream.nodes.is_empty() {
        Opened::Shop(Box::new(Shop::open(config, args.ephemeral).await?))
    } else {
        Opened::Balancer(Box::new(Balancer::open(config).await?))
    };
    opened.welcome(beside)?;
    let failure = loop {
        tokio::select! {
            _ = terminate.recv() => break None,
            _ = interrupt.recv() => break None,
            _ = hangup.recv() => read_again(args, (&settings, &levels), &mut opened),
            why = opened.failed() => break Some(why),
        }
    };
    let again = async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    let orderly = tokio::select! {
        orderly = close(opened, spans) => orderly,
        // Every acknowledged write is on the disk already: nothing is lost by going at once.
        () = again => false,
    };
    match failure {
        Some(why) => Err(why.into()),
        None if orderly => Ok(()),
        None => Err("stopped before all requests were finished".into()),
    }
}

/// Tells of spans, where the environment names somebody who collects them. They end last: what is done while the shop
/// closes is told of too.
pub(super) fn follow_traces() -> Result<Tasks, BoxError> {
    let tasks = Tasks::default();
    if let Some(options) = trace::Options::of(|name| std::env::var(name).ok())? {
        trace::start(options, Clock::System, &tasks)?;
    }
    Ok(tasks)
}

async fn close(opened: Opened, spans: Tasks) -> bool {
    let orderly = opened.close().await;
    end_traces(spans).await;
    orderly
}

/// Sends the last spans.
pub(super) async fn end_traces(spans: Tasks) {
    spans.stop();
    // Whoever collects them may be gone: the shop is not kept by that.
    spans.wait(SPANS_LEAVE_WITHIN).await;
}

/// Takes of the settings what may change while the process is open: how much logs say, and the limits of callers; all
/// of it, or nothing where there is a mistake anywhere. Certificates, which are looked at by themselves as well, are
/// looked at at once then. What else has changed waits for a start, and is named.
fn read_again(args: &ServeArgs, began: (&Config, &Levels), opened: &mut Opened) {
    match take(args, began, opened) {
        Ok((level, waiting)) => {
            opened.entrance().read_again();
            tracing::info!(log.level = level, waiting, "the settings were read again");
        }
        Err(error) => tracing::error!(
            error = in_one_line(error.as_ref()),
            "the settings could not be read again; all stays as it was"
        ),
    }
}

/// Answers with the level of logs from now on, and with what waits for a start.
fn take(
    args: &ServeArgs,
    (began_with, levels): (&Config, &Levels),
    opened: &mut Opened,
) -> Result<(String, String), BoxError> {
    let settings = args.load()?;
    let waiting = began_with.waiting(&settings)?;
    let again = opened.config().again(&settings)?;
    levels.set(&settings.log_level)?;
    opened.take(again);
    Ok((settings.log_level, waiting))
}

/// What can be in the list of `--target`.
fn list_targets() {
    say(format!("{:<11} all of these but worker", "all"));
    for target in Target::LIST {
        say(format!("{:<11} {}", target.name(), target.what()));
    }
}

/// What this process is.
enum Opened {
    /// A shop.
    Shop(Box<Shop>),
    /// A door in front of shops.
    Balancer(Box<Balancer>),
}

impl Opened {
    fn welcome(
        &mut self,
        beside: impl FnOnce(&mut Shop) -> Result<(), BoxError>,
    ) -> Result<(), BoxError> {
        match self {
            Self::Shop(shop) => welcome(shop, beside)?,
            Self::Balancer(balancer) => {
                if let Some(address) = balancer.ops_address {
                    say(format!("  Metrics  http://{address}/metrics\n"));
                }
                let scheme = balancer.entrance.scheme();
                say(format!("listening on {scheme}://{}", balancer.address));
            }
        }
        Ok(())
    }

    const fn config(&self) -> &Config {
        match self {
            Self::Shop(shop) => shop.config(),
            Self::Balancer(balancer) => balancer.config(),
        }
    }

    fn take(&mut self, again: Again) {
        match self {
            Self::Shop(shop) => shop.take(again),
            Self::Balancer(balancer) => balancer.take(again),
        }
    }

    const fn entrance(&self) -> &entrance::Opened {
        match self {
            Self::Shop(shop) => &shop.entrance,
            Self::Balancer(balancer) => &balancer.entrance,
        }
    }

    async fn failed(&self) -> String {
        match self {
            Self::Shop(shop) => shop.failed().await,
            Self::Balancer(balancer) => balancer.failed().await,
        }
    }

    async fn close(self) -> bool {
        match self {
            Self::Shop(shop) => shop.close().await,
            Self::Balancer(balancer) => balancer.close().await,
        }
    }
}

/// The first-run notes, and the one line that scripts wait for.
fn welcome(
    shop: &mut Shop,
    beside: impl FnOnce(&mut Shop) -> Result<(), BoxError>,
) -> Result<(), BoxError> {
    let url = format!("{}://{}", shop.entrance.scheme(), shop.address);
    let folder = shop
        .data_folder()
        .map_or_else(|| "none".to_owned(), |folder| folder.display().to_string());
    if shop.demo_products > 0 {
        let (version, count) = (env!("CARGO_PKG_VERSION"), shop.demo_products);
        say(format!(
            "Souk {version}: a new shop, with a demo catalog of {count} products."
        ));
    }
    if shop.has_door() {
        say(format!("  Shop     {url}/\n  API      {url}/docs"));
    }
    if let Some(address) = shop.entrance.redirect_address {
        say(format!("  To TLS   http://{address}/"));
    }
    if let Some(address) = shop.internal_address {
        let scheme = shop.entrance.scheme_between_nodes();
        say(format!("  Nodes    {scheme}://{address}"));
    }
    let server = shop.server();
    say(format!(
        "  Data     {}\n",
        server.as_ref().unwrap_or(&folder)
    ));
    if shop.loses_mails() {
        say(format!(
            "Mails are files in {folder}, which goes when this ends: [mail] says where they go instead.\n"
        ));
    }
    if let Some(address) = shop.ops_address {
        say(format!("  Metrics  http://{address}/metrics\n"));
    }
    beside(shop)?;
    if let Some(token) = &shop.setup_token {
        let souk = std::env::args().next().unwrap_or_else(|| "souk".to_owned());
        // A server is named by the settings, here as there.
        let place = match server {
            Some(_) => String::new(),
            None => format!(" --data {folder}"),
        };
        say(format!(
            "There is no admin yet. Become it with\n  \
             {souk} admin create{place} --email you@example.com\n\
             or, once, with this token:\n  \
             curl -X POST {url}/api/v1/auth/setup -H 'content-type: application/json' \\\n    \
             -d '{{\"setup_token\":\"{token}\",\"email\":\"you@example.com\",\
             \"password\":\"at least 8 characters\"}}'\n",
            token = token.expose_secret(),
        ));
    }
    say(format!("listening on {url}"));
    Ok(())
}

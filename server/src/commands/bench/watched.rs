//! A shop that is watched while it is measured: logs in JSON, spans for a collector, metrics that somebody asks for
//! each second. What that costs is the difference to one that nobody watches.

use crate::{commands::serve, console::say, ops};
use contracts::BoxError;
use platform::{
    tasks::Tasks,
    telemetry::{self, LogFormat},
};
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
    time::Duration,
};

const SCRAPE_EVERY: Duration = Duration::from_secs(1);

/// Whoever watches.
pub(super) struct Watch {
    spans: Tasks,
    scrapes: Arc<AtomicU32>,
}

impl Watch {
    /// Logs and spans from now on, as `souk serve` has them.
    pub(super) fn begin() -> Result<Self, BoxError> {
        telemetry::start(&telemetry::Options {
            format: LogFormat::Json,
            level: "info".to_owned(),
        });
        Ok(Self {
            spans: serve::follow_traces()?,
            scrapes: Arc::default(),
        })
    }

    /// Asks for the metrics of a shop, again and again.
    pub(super) fn scrape(
        &self,
        ops: SocketAddr,
    ) -> impl Future<Output = Result<(), BoxError>> + use<> {
        let scrapes = Arc::clone(&self.scrapes);
        async move {
            let client = reqwest::Client::builder()
                .timeout(SCRAPE_EVERY)
                .no_proxy()
                .build()?;
            loop {
                let answer = client.get(format!("http://{ops}/metrics")).send().await?;
                answer.error_for_status()?.bytes().await?;
                scrapes.fetch_add(1, SeqCst);
                tokio::time::sleep(SCRAPE_EVERY).await;
            }
        }
    }

    /// Says what was seen.
    pub(super) async fn end(self) -> Result<(), BoxError> {
        serve::end_traces(self.spans).await;
        let scrapes = self.scrapes.load(SeqCst);
        say(format!(
            "watched: {scrapes} scrapes; spans: {} sent, {} dropped",
            ops::spans("sent")?,
            ops::spans("dropped")?
        ));
        match scrapes {
            0 => Err("nobody could ask for the metrics".into()),
            _ => Ok(()),
        }
    }
}

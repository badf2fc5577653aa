//! The connection to the broker: made in the background, looked at again and again, with our streams behind it.
//! It notices when the broker has lost what it had acknowledged. It decides nothing about events.

use super::{config::Config, subjects::Subjects};
use crate::metrics;
use async_nats::{
    Client, ConnectOptions, Event, ServerAddr,
    jetstream::{
        Context, ContextBuilder, ErrorCode,
        context::GetStreamErrorKind,
        stream::{
            self, DiscardPolicy, LastRawMessageErrorKind, RetentionPolicy, StorageType, Stream,
        },
    },
};
use contracts::BoxError;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

/// How soon a broker is looked at again that is there, but not as we need it.
const AGAIN: Duration = Duration::from_millis(250);

/// What the client's own task tells us.
#[derive(Default)]
struct Signals {
    look: Notify,
}

/// How it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Condition {
    Open,
    Away(String),
}

/// What we know of the streams, to notice that something of them was lost.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Known {
    /// By a stream's name: when it was made, as the broker says, and the last number seen.
    streams: HashMap<String, (i128, u64)>,
    /// The last event that was acknowledged to us: its number and id.
    acknowledged: Option<(u64, String)>,
}

/// The connection, and what it found.
pub(super) struct Link {
    pub(super) config: Config,
    pub(super) subjects: Subjects,
    pub(super) context: Context,
    /// How often the broker lost what it had taken.
    pub(super) losses: watch::Sender<u64>,
    /// How often news may have passed unheard.
    pub(super) gaps: Arc<watch::Sender<u64>>,
    condition: Arc<watch::Sender<Condition>>,
    signals: Arc<Signals>,
    known: Mutex<Known>,
    consumers: Mutex<Vec<&'static str>>,
}

impl Link {
    pub(super) async fn open(addresses: Vec<ServerAddr>, config: Config) -> Result<Self, BoxError> {
        let not_yet = Condition::Away("no connection yet".to_owned());
        let condition = Arc::new(watch::Sender::new(not_yet));
        let (gaps, signals) = (
            Arc::new(watch::Sender::new(0)),
            Arc::new(Signals::default()),
        );
        let heard = (
            Arc::clone(&condition),
            Arc::clone(&gaps),
            Arc::clone(&signals),
        );
        let options = options(&config).await?.event_callback(move |event| {
            hear(&event, &heard.0, &heard.1, &heard.2);
            std::future::ready(())
        });
        let client = options.connect(addresses).await?;
        Ok(Self {
            subjects: Subjects::new(&config.prefix),
            context: context(client, &config),
            config,
            losses: watch::Sender::new(0),
            gaps,
            condition,
            signals,
            known: Mutex::default(),
            consumers: Mutex::default(),
        })
    }

    /// Why nothing can be published just now, if nothing can.
    pub(super) fn why_away(&self) -> Option<String> {
        match &*self.condition.borrow() {
            Condition::Open => None,
            Condition::Away(reason) => Some(reason.clone()),
        }
    }

    /// Waits until the broker is there.
    pub(super) async fn opened(&self) {
        let mut condition = self.condition.subscribe();
        // The sender lives as long as this link.
        drop(
            condition
                .wait_for(|condition| *condition == Condition::Open)
                .await,
        );
    }

    /// Something went wrong that a look at the broker may explain. Nothing is published until it was taken.
    pub(super) fn suspect(&self, reason: &str) {
        self.condition
            .send_replace(Condition::Away(reason.to_owned()));
        self.signals.look.notify_one();
    }

    /// The broker should be looked at soon, which makes what is missing there.
    pub(super) fn look_soon(&self) {
        self.signals.look.notify_one();
    }

    /// An event was acknowledged.
    pub(super) fn acknowledged(&self, sequence: u64, id: String) {
        if let Ok(mut known) = self.known.lock()
            && known
                .acknowledged
                .as_ref()
                .is_none_or(|(last, _)| *last < sequence)
        {
            known.acknowledged = Some((sequence, id));
        }
    }

    pub(super) fn note_consumer(&self, name: &'static str) {
        if let Ok(mut consumers) = self.consumers.lock() {
            consumers.push(name);
        }
    }

    /// Looks after the connection until it is told to stop.
    pub(super) async fn keep(&self, stop: CancellationToken) {
        let often = Duration::from_millis(self.config.check_every_ms);
        loop {
            let outcome = tokio::select! {
                () = stop.cancelled() => return,
                outcome = self.look() => outcome,
            };
            let wait = match outcome {
                Ok(()) => {
                    self.come_back();
                    self.measure().await;
                    often
                }
                Err(error) => {
                    self.go_away(&error.to_string());
                    AGAIN
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.signals.look.notified() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    fn come_back(&self) {
        let was = self.condition.send_replace(Condition::Open);
        if let Condition::Away(reason) = was {
            tracing::info!(reason, "the broker is there");
            // By now every subscription stands again: what passed before it did was not heard.
            self.gaps.send_modify(|gaps| *gaps = gaps.saturating_add(1));
        }
        metrics::bus().away.set(0);
    }

    fn go_away(&self, reason: &str) {
        let was = self
            .condition
            .send_replace(Condition::Away(reason.to_owned()));
        if was == Condition::Open {
            tracing::warn!(reason, "the broker is away: events wait in the outbox");
        }
        metrics::bus().away.set(1);
    }

    /// Makes the streams that are not there, and compares the one of events with what is known of it.
    async fn look(&self) -> Result<(), BoxError> {
        if self.context.client().connection_state() != async_nats::connection::State::Connected {
            return Err("no connection".into());
        }
        let known = self
            .known
            .lock()
            .map(|known| known.clone())
            .unwrap_or_default();
        let (mut seen, mut lost) = (HashMap::new(), false);
        for wanted in self.streams() {
            // Nodes with other settings would undo each other's at every look: only the first one of each counts.
            let (stream, is_new) = self.ensure(&wanted, known.streams.is_empty()).await?;
            lost |= is_new || has_lost(&stream, &known).await?;
            let info = stream.cached_info();
            seen.insert(
                wanted.name,
                (
                    info.created.unix_timestamp_nanos(),
                    info.state.last_sequence,
                ),
            );
        }
        if let Ok(mut now) = self.known.lock() {
            now.streams = seen;
            if lost && now.acknowledged == known.acknowledged {
                now.acknowledged = None;
            }
        }
        if lost {
            if known != Known::default() {
                tracing::warn!(
                    "the broker has lost events: those of the outbox are published again"
                );
            }
            self.losses
                .send_modify(|losses| *losses = losses.saturating_add(1));
        }
        Ok(())
    }

    async fn ensure(
        &self,
        wanted: &stream::Config,
        may_change: bool,
    ) -> Result<(Stream, bool), BoxError> {
        match self.context.get_stream(&wanted.name).await {
            Ok(stream) => {
                if may_change && differs(&stream.cached_info().config, wanted) {
                    tracing::info!(stream = wanted.name, "a stream gets new settings");
                    self.context.update_stream(wanted).await?;
                }
                Ok((stream, false))
            }
            Err(error) if is_missing(&error.kind()) => {
                tracing::info!(stream = wanted.name, "a stream is made");
                Ok((self.context.create_stream(wanted.clone()).await?, true))
            }
            Err(error) => Err(error.into()),
        }
    }

    fn streams(&self) -> [stream::Config; 3] {
        let (config, subjects) = (&self.config, &self.subjects);
        let base = stream::Config {
            storage: StorageType::File,
            num_replicas: usize::from(config.replicas),
            max_consumers: -1,
            max_messages: -1,
            max_messages_per_subject: -1,
            max_message_size: -1,
            duplicate_window: config.duplicate_window(),
            ..stream::Config::default()
        };
        [
            stream::Config {
                name: subjects.events_stream(),
                subjects: vec![subjects.all_events()],
                description: Some(
                    "All events, for a while; truth is in the outbox tables".to_owned(),
                ),
                max_age: config.keep(),
                max_bytes: i64::from(config.events_bytes_max),
                discard: DiscardPolicy::Old,
                ..base.clone()
            },
            stream::Config {
                name: subjects.waiting_stream(),
                subjects: vec![subjects.all_waiting()],
                description: Some("Events that a consumer must try again".to_owned()),
                retention: RetentionPolicy::WorkQueue,
                max_bytes: i64::from(config.waiting_bytes_max),
                discard: DiscardPolicy::New,
                ..base.clone()
            },
            stream::Config {
                name: subjects.dead_stream(),
                subjects: vec![subjects.all_dead()],
                description: Some("Events that a consumer gave up, for an admin".to_owned()),
                max_bytes: i64::from(config.dead_bytes_max),
                discard: DiscardPolicy::New,
                ..base
            },
        ]
    }

    /// What is left to do, for whoever watches.
    async fn measure(&self) {
        let metrics = metrics::bus();
        if let Ok(dead) = self.context.get_stream(self.subjects.dead_stream()).await {
            metrics.dead.set(gauge(dead.cached_info().state.messages));
        }
        let names = self
            .consumers
            .lock()
            .map(|names| names.clone())
            .unwrap_or_default();
        for name in names {
            if let Ok((lag, waiting)) = super::working::backlog(self, name).await {
                metrics.lag(name).set(gauge(lag));
                metrics.waiting(name).set(gauge(waiting));
            }
        }
    }
}

fn is_missing(error: &GetStreamErrorKind) -> bool {
    matches!(error, GetStreamErrorKind::JetStream(error) if error.error_code() == ErrorCode::STREAM_NOT_FOUND)
}

fn gauge(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A stream that was made anew, that is shorter than it was, or that holds another event where ours was
/// acknowledged, has lost something.
async fn has_lost(stream: &Stream, known: &Known) -> Result<bool, BoxError> {
    let info = stream.cached_info();
    let Some((created, last)) = known.streams.get(&info.config.name) else {
        return Ok(false);
    };
    if *created != info.created.unix_timestamp_nanos() || info.state.last_sequence < *last {
        return Ok(true);
    }
    let is_events =
        info.config.retention == RetentionPolicy::Limits && info.config.max_age > Duration::ZERO;
    match &known.acknowledged {
        Some((sequence, id)) if is_events && *sequence >= info.state.first_sequence => {
            Ok(!is_there(stream, *sequence, id).await?)
        }
        _ => Ok(false),
    }
}

async fn is_there(events: &Stream, sequence: u64, id: &str) -> Result<bool, BoxError> {
    match events.get_raw_message(sequence).await {
        Ok(message) => {
            let found = message.headers.get(async_nats::header::NATS_MESSAGE_ID);
            Ok(found.is_some_and(|found| found.as_str() == id))
        }
        Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => {
            // It may have grown too old between the two questions.
            Ok(events.get_info().await?.state.first_sequence > sequence)
        }
        Err(error) => Err(error.into()),
    }
}

/// Whether anything of what we set is otherwise. A broker adds settings of its own.
fn differs(is: &stream::Config, wanted: &stream::Config) -> bool {
    let ours = |config: &stream::Config| {
        (
            config.num_replicas,
            config.max_bytes,
            config.max_age,
            config.duplicate_window,
            config.subjects.clone(),
            config.discard,
        )
    };
    ours(is) != ours(wanted)
}

fn hear(
    event: &Event,
    condition: &watch::Sender<Condition>,
    gaps: &watch::Sender<u64>,
    signals: &Signals,
) {
    match event {
        Event::Disconnected | Event::Closed => {
            condition.send_replace(Condition::Away(event.to_string()));
            metrics::bus().away.set(1);
        }
        Event::SlowConsumer(_) => gaps.send_modify(|gaps| *gaps = gaps.saturating_add(1)),
        Event::Connected
        | Event::LameDuckMode
        | Event::Draining
        | Event::ServerError(_)
        | Event::ClientError(_) => {}
    }
    signals.look.notify_one();
}

pub(super) async fn options(config: &Config) -> Result<ConnectOptions, BoxError> {
    let longest = config.connect_wait_ms_max;
    let mut options = ConnectOptions::new()
        .name(format!("souk {}", config.prefix))
        .retry_on_initial_connect()
        .max_reconnects(None)
        .connection_timeout(Duration::from_millis(config.connect_timeout_ms))
        .request_timeout(Some(config.request_timeout()))
        .ping_interval(Duration::from_millis(config.check_every_ms))
        .require_tls(config.tls)
        .reconnect_delay_callback(move |tries| {
            let tries = u32::try_from(tries).unwrap_or(u32::MAX).min(20);
            Duration::from_millis(2_u64.saturating_pow(tries).min(longest))
        });
    if !config.tls_ca_file.is_empty() {
        options = options.add_root_certificates(config.tls_ca_file.clone().into());
    }
    if !config.credentials_file.is_empty() {
        options = options.credentials_file(&config.credentials_file).await?;
    }
    Ok(options)
}

fn context(client: Client, config: &Config) -> Context {
    ContextBuilder::new()
        .timeout(config.request_timeout())
        .ack_timeout(config.request_timeout())
        .max_ack_inflight(usize::from(config.in_flight_max))
        .backpressure_on_inflight(true)
        .build(client)
}

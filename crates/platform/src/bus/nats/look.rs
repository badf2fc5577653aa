//! A look at a broker from outside, for `souk doctor`: who answers, and whether it can keep events. Makes no stream and
//! changes nothing.

use super::{Config, addresses, link::options};
use async_nats::connection::State;
use contracts::BoxError;
use std::time::Duration;

/// How soon a connection is asked for again whether it stands.
const AGAIN: Duration = Duration::from_millis(20);

/// What a broker says of itself.
#[derive(Debug)]
pub struct Looked {
    /// Its version, as it writes it.
    pub version: String,
    /// The longest message that it takes, in bytes.
    pub message_bytes_max: usize,
    /// Whether it has JetStream, and so keeps events.
    pub keeps_events: bool,
}

/// Asks the first of the brokers at `nats://HOST:PORT[,HOST:PORT]` that answers within this time.
///
/// # Errors
/// When none does, or the settings cannot work.
pub async fn look(bus: &str, config: &Config, patience: Duration) -> Result<Looked, BoxError> {
    let client = options(config).await?.connect(addresses(bus)?).await?;
    let connected = async {
        while client.connection_state() != State::Connected {
            tokio::time::sleep(AGAIN).await;
        }
    };
    let connected = tokio::time::timeout(patience, connected).await;
    connected.map_err(|_| "does not answer")?;
    let said = client.server_info();
    Ok(Looked {
        version: said.version,
        message_bytes_max: said.max_payload,
        keeps_events: said.jetstream,
    })
}

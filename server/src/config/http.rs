//! The section `[http]`: the sockets, their bounds, and how they stop. It opens none of them.

use platform::{
    config::ConfigError,
    http::{Pace, listen, stack, tls},
};
use serde::{Deserialize, Serialize};
use std::{net::SocketAddr, time::Duration};

/// Longer than a balancer needs to see a probe fail twice.
const SHUTDOWN_DELAY: Duration = Duration::from_millis(2_000);

/// The section `[http]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// Address and port.
    pub listen: SocketAddr,
    /// Address and port for the other nodes of the shop, if any.
    pub internal_listen: String,
    /// Address and port for metrics, if any.
    pub ops_listen: String,
    /// Where the shop is seen from outside.
    pub public_url: String,
    /// How long a request may take.
    pub timeout_ms: u64,
    /// Requests at work at a time.
    pub in_flight_max: u32,
    /// How late work may be while many requests are.
    pub late_ms_max: u32,
    /// Connections at a time.
    pub connections_max: u32,
    /// Of these, from one address.
    pub connections_per_address_max: u32,
    /// Of these, that have not said for a second what they want.
    pub hesitant_per_address_max: u32,
    /// The largest body.
    pub body_bytes_max: u32,
    /// Over how long it is counted what a reader takes.
    pub send_window_ms: u64,
    /// What a reader has to take of what waits for it.
    pub send_bytes_per_second_min: u32,
    /// What browsers are told of TLS, if anything.
    pub strict_transport_security: String,
    /// How long a stop goes on taking requests, so that balancers notice.
    pub shutdown_delay_ms: Delay,
    /// How long a stop waits for open requests.
    pub stop_wait_ms: u64,
    /// TLS at the door itself.
    pub tls: tls::Options,
}

impl Http {
    /// The bounds of the HTTP stack.
    #[must_use]
    pub fn stack(&self) -> stack::Options {
        stack::Options {
            timeout_ms: self.timeout_ms,
            in_flight_max: self.in_flight_max,
            late_ms_max: self.late_ms_max,
            body_bytes_max: self.body_bytes_max,
        }
    }

    /// How many connections the door has.
    pub(crate) const fn room(&self) -> listen::Room {
        listen::Room {
            connections_max: self.connections_max,
            per_address_max: self.connections_per_address_max,
            hesitant_per_address_max: self.hesitant_per_address_max,
        }
    }

    /// Settings that cannot work.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        self.ops_address()?;
        self.tls.check()?;
        if self.send_window_ms == 0 {
            let why = "http.send_window_ms: must be at least 1";
            return Err(ConfigError::Invalid(why.to_owned()));
        }
        if self.tls.is_on() && self.public_url.starts_with("http://") {
            return Err(ConfigError::Invalid(format!(
                "http.public_url: \"{}\" must begin with https:// where http.tls is set",
                self.public_url
            )));
        }
        Ok(())
    }

    /// How slowly may be read.
    pub(crate) const fn pace(&self) -> Pace {
        Pace {
            window: Duration::from_millis(self.send_window_ms),
            bytes_per_second_min: self.send_bytes_per_second_min,
        }
    }

    /// How a listener serves that has so much room, and no TLS.
    pub(crate) const fn plainly(&self, room: listen::Room) -> listen::Manner {
        listen::Manner {
            room,
            pace: self.pace(),
            tls: None,
            lane: None,
        }
    }

    /// How long a stop goes on taking requests.
    #[must_use]
    pub fn shutdown_delay(&self) -> Duration {
        match self.shutdown_delay_ms {
            Delay::Ms(ms) => Duration::from_millis(ms),
            Delay::Word(Word::Auto) if self.is_private() => Duration::ZERO,
            Delay::Word(Word::Auto) => SHUTDOWN_DELAY,
        }
    }

    /// Whether only this machine can ask.
    pub(crate) fn is_private(&self) -> bool {
        let internal = self.internal_listen.parse::<SocketAddr>();
        self.listen.ip().is_loopback()
            && internal.map_or(true, |address| address.ip().is_loopback())
    }

    /// Where metrics are served, if anywhere.
    ///
    /// # Errors
    /// When the text is no address and port.
    pub fn ops_address(&self) -> Result<Option<SocketAddr>, ConfigError> {
        match self.ops_listen.as_str() {
            "" => Ok(None),
            text => text.parse().map(Some).map_err(|_| {
                ConfigError::Invalid(format!("http.ops_listen: \"{text}\" must be ADDRESS:PORT"))
            }),
        }
    }
}

/// Milliseconds, or what fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Delay {
    /// So many milliseconds.
    Ms(u64),
    /// What fits.
    Word(Word),
}

/// `auto`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    /// Whatever fits where the shop listens.
    Auto,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Flags};

    #[test]
    fn a_stop_gives_balancers_time_where_there_may_be_one() {
        let delay = |listen: &str, delay| {
            let mut http = Config::load(None, false, &Flags::default()).unwrap().http;
            http.listen = listen.parse().unwrap();
            http.shutdown_delay_ms = delay;
            http.shutdown_delay().as_millis()
        };
        let auto = Delay::Word(Word::Auto);
        assert_eq!(delay("127.0.0.1:8080", auto), 0);
        assert_eq!(delay("0.0.0.0:8080", auto), 2_000);
        assert_eq!(delay("127.0.0.1:8080", Delay::Ms(300)), 300);
    }
}

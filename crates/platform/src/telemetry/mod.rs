//! What the shop says about itself while it runs: logs on standard error, as text or JSON lines, and metrics among them
//! where nobody comes to ask for them.
//! Never tokens, addresses, bodies.

mod emf;
mod line;

pub use emf::{Emf, NAMESPACE};

use contracts::BoxError;
use line::Line;
use serde::{Deserialize, Serialize};
use std::{io::IsTerminal, sync::OnceLock};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::{
    Layer, Registry, filter::Targets, fmt, layer::SubscriberExt, reload, util::SubscriberInitExt,
};

/// How logs look, and how much they say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// `text` for people, `json` for machines, `emf` for `CloudWatch`.
    pub format: LogFormat,
    /// A level, or levels by target: `info`, `warn,platform=debug`.
    pub level: String,
}

/// How logs look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
    /// The same, and metrics among them, as `CloudWatch` reads them out of logs.
    Emf,
}

/// Whether a level text can be read. A word alone must be a level: `Targets` would take a misspelt one for the
/// name of a part, and all others would fall silent.
#[must_use]
pub fn level_is_valid(level: &str) -> bool {
    let is_level = |word: &str| !word.is_empty() && word.parse::<LevelFilter>().is_ok();
    let is_known = |part: &str| part.contains('=') || is_level(part);
    level.parse::<Targets>().is_ok() && level.split(',').all(is_known)
}

/// The levels of the log that this process keeps, once it was started.
static LEVELS: OnceLock<Levels> = OnceLock::new();

/// How much is said from now on; it may be changed while something is said.
#[derive(Debug, Clone)]
pub struct Levels(reload::Handle<Targets, Registry>);

impl Levels {
    /// Says as much as this level asks for, as in [`Options`].
    ///
    /// # Errors
    /// When it is no level.
    pub fn set(&self, level: &str) -> Result<(), BoxError> {
        if !level_is_valid(level) {
            return Err(format!("log_level: \"{level}\" is no level").into());
        }
        Ok(self.0.reload(level.parse::<Targets>()?)?)
    }

    /// How much is said just now, as a text that [`Levels::set`] takes.
    #[must_use]
    pub fn text(&self) -> String {
        let text = self.0.with_current(ToString::to_string);
        text.unwrap_or_default()
    }
}

/// The levels of the log of this process, if it keeps one.
#[must_use]
pub fn levels() -> Option<&'static Levels> {
    LEVELS.get()
}

/// Starts logging. A second start in one process changes nothing.
pub fn start(options: &Options) -> Levels {
    let targets: Targets = options
        .level
        .parse()
        .unwrap_or_else(|_| Targets::new().with_default(LevelFilter::INFO));
    let (targets, handle) = reload::Layer::new(targets);
    let layer = match options.format {
        LogFormat::Text => fmt::layer()
            .event_format(Line::text(std::io::stderr().is_terminal()))
            .with_ansi(std::io::stderr().is_terminal())
            .with_writer(std::io::stderr)
            .boxed(),
        LogFormat::Json | LogFormat::Emf => fmt::layer()
            .json()
            .event_format(Line::json())
            .with_writer(std::io::stderr)
            .boxed(),
    };
    let levels = Levels(handle);
    let started = tracing_subscriber::registry()
        .with(layer.with_filter(targets))
        .try_init();
    if started.is_ok() {
        drop(LEVELS.set(levels.clone()));
    }
    levels
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_level_is_no_level() {
        for level in ["info", "WARN", "off", "warn,platform=debug"] {
            assert!(level_is_valid(level), "{level}");
        }
        for level in ["loud", "inof", "info,loud", "platform=loud", ""] {
            assert!(!level_is_valid(level), "{level}");
        }
    }
}

//! How far an import is: a bar on a terminal, and a line a second where nobody watches but a log.

use crate::{commands::lines::Progress, console::complain};
use contracts::BoxError;
use indicatif::{ProgressBar, ProgressStyle};
use std::{
    io::{IsTerminal, stderr},
    time::Duration,
};
use tokio::time::Instant;

const SAID_EVERY: Duration = Duration::from_secs(1);

/// What is shown.
pub(in super::super) struct Meter {
    progress: Progress,
    /// Nothing is drawn where nobody would see it.
    bar: Option<ProgressBar>,
    said_at: Instant,
}

impl Meter {
    pub(in super::super) fn new(progress: Progress) -> Result<Self, BoxError> {
        let bar = if stderr().is_terminal() {
            let bar = ProgressBar::new(progress.total_bytes);
            let style = "{bar:40} {bytes}/{total_bytes} {elapsed} (eta {eta})";
            bar.set_style(ProgressStyle::with_template(style)?);
            Some(bar)
        } else {
            None
        };
        Ok(Self {
            progress,
            bar,
            said_at: Instant::now(),
        })
    }

    /// So many rows were looked at.
    pub(in super::super) fn show(&mut self, rows: usize) {
        let (read, total) = (self.progress.read_bytes(), self.progress.total_bytes);
        match &self.bar {
            Some(bar) => bar.set_position(read),
            None if self.said_at.elapsed() >= SAID_EVERY => {
                self.said_at = Instant::now();
                complain(format!("{read} of {total} bytes read, {rows} rows"));
            }
            None => {}
        }
    }

    pub(in super::super) fn close(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

//! What is counted, told in the log once a minute where `log` is `emf`: nobody needs to come and ask. A line that
//! cannot be written is left off, and nothing waits for it.

use crate::ops;
use contracts::BoxError;
use platform::{
    clock::Clock,
    tasks::Tasks,
    telemetry::{Emf, LogFormat},
};
use std::{io::Write, time::Duration};

/// As `CloudWatch` counts minutes.
const EVERY: Duration = Duration::from_secs(60);

/// Tells until the tasks stop, and once more then: what came in the last minute is not lost.
pub(crate) fn start_if_asked(log: LogFormat, tasks: &Tasks) {
    if log != LogFormat::Emf {
        return;
    }
    tasks.start("told-metrics", move |stop| async move {
        let (mut emf, registry) = (Emf::default(), ops::registry());
        loop {
            let stops = tokio::select! {
                () = stop.cancelled() => true,
                () = tokio::time::sleep(EVERY) => false,
            };
            let text = platform::metrics::text(&registry)?;
            tell(&emf.lines(&text, Clock::System.now()));
            if stops {
                return Ok::<(), BoxError>(());
            }
        }
    });
}

/// Whole lines, in one go, so that they do not get mixed up with others.
fn tell(lines: &[String]) {
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    // Who reads the log may be gone.
    drop(std::io::stderr().lock().write_all(text.as_bytes()));
}

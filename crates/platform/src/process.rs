//! What this process takes of its machine and of its runtime, under the names that everybody's dashboards know. It is
//! read when somebody scrapes, never in between, and left out where the machine does not tell.

use crate::{clock::Clock, metrics::Registry};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{counter::ConstCounter, gauge::ConstGauge},
};
use rustix::fs::statvfs;
use std::{
    fmt, fs,
    path::{Path, PathBuf},
    sync::LazyLock,
    time::Duration,
};
use tokio::runtime::Handle;

/// Milliseconds of a tick, in which Linux counts the time of processes everywhere.
const TICK_MS: u64 = 10;

/// When it was first asked for, in seconds since 1970: that is at the start.
static STARTED_SECONDS: LazyLock<i64> =
    LazyLock::new(|| Clock::System.now().as_ms().div_euclid(1_000));

/// Adds them to a registry.
pub fn register(registry: &mut Registry) {
    LazyLock::force(&STARTED_SECONDS);
    registry.register_collector(Box::new(Process));
}

/// Adds how much room there is on the disk of a folder.
pub fn register_room(registry: &mut Registry, folder: &Path) {
    registry.register_collector(Box::new(Room(folder.to_owned())));
}

#[derive(Debug)]
struct Room(PathBuf);

impl Collector for Room {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        // A folder that is away is told of by whoever writes there.
        let Ok(disk) = statvfs(&self.0) else {
            return Ok(());
        };
        let bytes = |blocks: u64| {
            let bytes = blocks.saturating_mul(disk.f_frsize);
            i64::try_from(bytes).unwrap_or(i64::MAX)
        };
        gauge(
            &mut encoder,
            "souk_disk_free_bytes",
            "Room that is left for the shop on the disk of its folder, in bytes; absent where there is none.",
            bytes(disk.f_bavail),
        )?;
        gauge(
            &mut encoder,
            "souk_disk_bytes",
            "What that disk holds in all, in bytes.",
            bytes(disk.f_blocks),
        )
    }
}

#[derive(Debug)]
struct Process;

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let help = "When the process began, in seconds since 1970.";
        gauge(
            &mut encoder,
            "process_start_time_seconds",
            help,
            *STARTED_SECONDS,
        )?;
        let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
        if let Some(time) = processor_time(&stat) {
            let counter = ConstCounter::new(time.as_secs_f64());
            let help = "Time that processors have worked for the process, in seconds.";
            let kind = counter.metric_type();
            counter.encode(encoder.encode_descriptor(
                "process_cpu_seconds",
                help,
                None,
                kind,
            )?)?;
        }
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        if let Some(kibibytes) = field(&status, "VmRSS:") {
            let help = "Memory that the process has in use, its binary's pages included, in bytes.";
            let bytes = kibibytes.saturating_mul(1_024);
            gauge(&mut encoder, "process_resident_memory_bytes", help, bytes)?;
        }
        if let Some(threads) = field(&status, "Threads:") {
            gauge(
                &mut encoder,
                "process_threads",
                "Threads of the process.",
                threads,
            )?;
        }
        if let Ok(open) = fs::read_dir("/proc/self/fd") {
            let help = "Files and sockets that the process has open.";
            let open = i64::try_from(open.count()).unwrap_or(i64::MAX);
            gauge(&mut encoder, "process_open_fds", help, open)?;
        }
        let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
        if let Some(most) = field(&limits, "Max open files") {
            let help = "Files and sockets that the process may have open.";
            gauge(&mut encoder, "process_max_fds", help, most)?;
        }
        runtime(&mut encoder)
    }
}

fn runtime(encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let Ok(handle) = Handle::try_current() else {
        return Ok(());
    };
    let metrics = handle.metrics();
    let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    gauge(
        encoder,
        "souk_runtime_workers",
        "Threads that work on requests and tasks.",
        count(metrics.num_workers()),
    )?;
    gauge(
        encoder,
        "souk_runtime_tasks",
        "Requests and tasks that are alive.",
        count(metrics.num_alive_tasks()),
    )?;
    gauge(
        encoder,
        "souk_runtime_queue_depth",
        "Tasks that could go on and wait for a thread.",
        count(metrics.global_queue_depth()),
    )
}

fn gauge(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: i64) -> fmt::Result {
    let gauge = ConstGauge::new(value);
    let kind = gauge.metric_type();
    gauge.encode(encoder.encode_descriptor(name, help, None, kind)?)
}

/// The time of the user's and of the system's work, out of `/proc/self/stat`. The second field is a name, which may
/// have anything in it, in parentheses.
fn processor_time(stat: &str) -> Option<Duration> {
    let (_, rest) = stat.rsplit_once(')')?;
    // The first of the rest is the third field; the two are the fourteenth and the one after it.
    let mut ticks = rest.split_whitespace().skip(11);
    let user: u64 = ticks.next()?.parse().ok()?;
    let system: u64 = ticks.next()?.parse().ok()?;
    let ms = user.saturating_add(system).saturating_mul(TICK_MS);
    Some(Duration::from_millis(ms))
}

/// The first number after a name.
fn field(text: &str, name: &str) -> Option<i64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    rest.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_s_words_are_read_whatever_the_process_is_called() {
        let stat = "17 (so) uk (x) S 1 17 17 0 -1 4194560 9 0 0 0 250 50 0 0 20 0 8 0 99 1 2";
        assert_eq!(processor_time(stat), Some(Duration::from_secs(3)));
        assert_eq!(processor_time(""), None);
        let status = "Name:\tsouk\nVmRSS:\t   36120 kB\nThreads:\t9\n";
        assert_eq!(field(status, "VmRSS:"), Some(36_120));
        assert_eq!(field(status, "VmSwap:"), None);
        let limits = "Max open files            1024                 524288               files\n";
        assert_eq!(field(limits, "Max open files"), Some(1_024));
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_scrape_tells_what_the_process_takes() {
        let mut registry = Registry::default();
        register(&mut registry);
        let text = crate::metrics::text(&registry).unwrap();
        for name in [
            "process_start_time_seconds ",
            "process_cpu_seconds_total ",
            "process_resident_memory_bytes ",
            "process_open_fds ",
            "process_max_fds ",
            "souk_runtime_workers 1",
        ] {
            assert!(
                text.lines().any(|line| line.starts_with(name)),
                "{name}: {text}"
            );
        }
    }
}

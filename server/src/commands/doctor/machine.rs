//! What the machine has for a shop: ports, a disk that keeps what it was given, room, files it may open, processors,
//! and a clock that does not lie.

use super::{Finding, PATIENCE, is_open};
use crate::config::Config;
use platform::{
    digest,
    http::tls::ask::{Question, status},
};
use rustix::{
    fs::statvfs,
    process::{Resource, getrlimit},
};
use std::{
    fs::{self, File},
    io::{self, Write},
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// Commits that are tried: what is told is their median.
const COMMITS: usize = 50;
/// As many bytes as a page of the database has.
const PAGE: [u8; 4096] = [7; 4096];
/// No disk that waits for what it writes is quicker.
const QUICKEST: Duration = Duration::from_micros(15);
/// Orders wait for a commit: those who buy would notice this one.
const SLOWEST: Duration = Duration::from_millis(20);
/// Files that a shop opens beside its connections.
const FILES_BESIDE: u64 = 256;
const GIB: u64 = 1 << 30;
/// How far a file of the shop may be ahead of the clock.
const AHEAD_MAX: Duration = Duration::from_secs(2);

pub(super) async fn look(config: &Config) -> Vec<Finding> {
    let mut findings = ports(config).await;
    findings.push(handles(config));
    findings.push(processors());
    let folder = config.data_folder();
    if let Some(folder) = folder.as_deref() {
        let there = nearest(folder);
        findings.push(disk(&there));
        findings.push(room(&there));
        findings.push(clock(folder));
    }
    findings
}

async fn ports(config: &Config) -> Vec<Finding> {
    let http = &config.http;
    let listeners = [
        Some(http.listen.to_string()),
        Some(http.internal_listen.to_string()),
        Some(http.ops_listen.to_string()),
    ];
    let addresses = listeners.into_iter().flatten();
    let addresses = addresses.filter_map(|text| text.parse::<SocketAddr>().ok());
    let tried: Vec<_> = addresses
        .map(|address| (address, TcpListener::bind(address).map(drop)))
        .collect();
    let mut open = is_open(config);
    for (address, tried) in &tried {
        open = open || (tried.is_err() && is_a_shop(*address).await);
    }
    tried
        .into_iter()
        .map(|(address, tried)| match tried {
            Ok(()) => Finding::fine("port", format!("{address} is free")),
            Err(error) if open && error.kind() == io::ErrorKind::AddrInUse => {
                Finding::fine("port", format!("{address} is taken; a shop is open here"))
            }
            Err(error) => {
                let line = format!("{address} cannot be listened on: {error}");
                Finding::wrong(
                    "port",
                    format!("{line}; stop whoever has it, or use --listen"),
                )
            }
        })
        .collect()
}

/// Whether whoever has this address answers as a shop does. A node that keeps its rows on a server has no folder that
/// would tell.
async fn is_a_shop(mut address: SocketAddr) -> bool {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    let question = Question {
        url: &format!("http://{address}/livez"),
        authorities: None,
        name: None,
    };
    let asked = tokio::time::timeout(PATIENCE, status(&question)).await;
    asked.is_ok_and(|answered| answered.is_ok_and(|status| status.is_success()))
}

fn handles(config: &Config) -> Finding {
    let wanted = u64::from(config.http.connections_max).saturating_add(FILES_BESIDE);
    match getrlimit(Resource::Nofile).current {
        Some(files) if files < wanted => Finding::doubtful(
            "files",
            format!(
                "{files} may be open, and http.connections_max wants {wanted}: `ulimit -n {wanted}`, or LimitNOFILE"
            ),
        ),
        Some(files) => Finding::fine("files", format!("{files} may be open, {wanted} are wanted")),
        None => Finding::fine("files", "as many as one likes may be open"),
    }
}

fn processors() -> Finding {
    match std::thread::available_parallelism() {
        Ok(count) if count.get() > 1 => Finding::fine("processors", format!("{count}")),
        Ok(_) => Finding::doubtful(
            "processors",
            "1: while a password is hashed, everybody waits",
        ),
        Err(error) => Finding::doubtful("processors", format!("not known: {error}")),
    }
}

/// The folder, or the one in which it would be made.
fn nearest(folder: &Path) -> PathBuf {
    let there = folder.ancestors().find(|path| path.is_dir());
    there.map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

fn disk(folder: &Path) -> Finding {
    let shown = folder.display();
    let time = match commit(folder) {
        Ok(time) => time,
        Err(error) => {
            return Finding::wrong("disk", format!("{shown} cannot be written to: {error}"));
        }
    };
    let line = format!("a commit of one page in {shown} takes {time:.1?} (median of {COMMITS})");
    if time < QUICKEST {
        let why =
            "quicker than any disk that waits for its writes: memory, or a cache that forgets";
        Finding::doubtful("disk", format!("{line}: {why}"))
    } else if time > SLOWEST {
        Finding::doubtful(
            "disk",
            format!("{line}: each group of orders waits as long"),
        )
    } else {
        Finding::fine("disk", line)
    }
}

/// How long the disk takes to keep a page: the median of some.
fn commit(folder: &Path) -> io::Result<Duration> {
    let random = digest::random::<9>().map_err(io::Error::other)?;
    let path = folder.join(format!("souk-doctor-{}", digest::base64url(&random)));
    let mut file = File::options().create_new(true).write(true).open(&path)?;
    let times = timed(&mut file);
    fs::remove_file(&path)?;
    let mut times = times?;
    times.sort_unstable();
    Ok(times.get(COMMITS / 2).copied().unwrap_or_default())
}

fn timed(file: &mut File) -> io::Result<Vec<Duration>> {
    (0..COMMITS)
        .map(|_| {
            let begun = Instant::now();
            file.write_all(&PAGE)?;
            file.sync_data()?;
            Ok(begun.elapsed())
        })
        .collect()
}

fn room(folder: &Path) -> Finding {
    let there = match statvfs(folder) {
        Ok(there) => there,
        Err(error) => return Finding::doubtful("room", format!("not known: {error}")),
    };
    let free = there.f_bavail.saturating_mul(there.f_frsize);
    let tenths = free.saturating_mul(10).checked_div(GIB).unwrap_or(0);
    let line = format!("{}.{} GiB are free", tenths / 10, tenths % 10);
    if free < GIB {
        Finding::doubtful(
            "room",
            format!("{line}: a full disk refuses orders (507) until there is room again"),
        )
    } else {
        Finding::fine("room", line)
    }
}

/// A clock that was put back shows in files that are of later.
fn clock(folder: &Path) -> Finding {
    let now = super::now();
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    let written = files.filter_map(|file| file.metadata().ok()?.modified().ok());
    let ahead = written
        .filter_map(|time| time.duration_since(now).ok())
        .max();
    match ahead {
        Some(ahead) if ahead > AHEAD_MAX => Finding::wrong(
            "clock",
            format!(
                "the shop wrote files {ahead:.0?} ahead of it: it was put back, or is wrong; keep time by NTP"
            ),
        ),
        _ => Finding::fine("clock", "not behind what the shop wrote"),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Grade, *};

    #[test]
    fn a_folder_that_is_not_there_is_looked_at_where_it_would_be_made() {
        let there = std::env::temp_dir();
        assert_eq!(nearest(&there.join("no such").join("folder")), there);
        let found = disk(&there);
        assert_ne!(found.grade, Grade::Wrong, "{found:?}");
        assert_eq!(disk(Path::new("/proc")).grade, Grade::Wrong);
    }
}

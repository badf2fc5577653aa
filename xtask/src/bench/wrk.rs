//! wrk, Debian's: a closed loop with many connections that takes little of the machine for itself. Its times say
//! nothing of a shop that is too slow, for it waits with it; what is slow is looked at by our own clients at a pace.

use super::count::per_second;
use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

pub(super) const CONNECTIONS: u32 = 64;
const THREADS: u32 = 2;
/// Reads that come from one address before the next takes over: fewer than the limits let through at once.
const READS_OF_AN_ADDRESS: u32 = 200;
/// No run comes from an address of another: limits are as they are for somebody who comes for the first time.
const ADDRESSES_OF_A_RUN: u32 = 60_000;

/// What is asked.
#[derive(Debug, Clone)]
pub(super) enum Asking {
    /// The same path, with further header fields.
    Read {
        path: String,
        fields: Vec<(&'static str, String)>,
    },
    /// Orders, each with its own key and another product; the body is `before PRODUCT after`.
    Order {
        path: String,
        fields: Vec<(&'static str, String)>,
        products: Vec<String>,
        body: (String, String),
        /// Keys begin with it, so that no run repeats those of another.
        name: String,
    },
}

/// What came of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ran {
    pub(super) requests: u64,
    pub(super) per_second: u64,
    /// In microseconds.
    pub(super) p50: u64,
    pub(super) p99: u64,
    /// Answers of 400 and above, and connections that failed.
    pub(super) failed: u64,
}

pub(super) struct Wrk {
    pub(super) program: PathBuf,
    pub(super) folder: PathBuf,
    runs: u32,
}

impl Wrk {
    pub(super) fn new(program: PathBuf, folder: &Path) -> Self {
        Self {
            program,
            folder: folder.to_owned(),
            runs: 0,
        }
    }

    /// Asks for so many seconds. Every request comes with an address that it is forwarded for, whoever is asked.
    pub(super) fn run(&mut self, address: &str, asking: &Asking, seconds: u64) -> io::Result<Ran> {
        let first = self.runs.wrapping_mul(ADDRESSES_OF_A_RUN);
        self.runs = self.runs.wrapping_add(1);
        let script = self.folder.join("wrk.lua");
        fs::write(&script, written(asking, first))?;
        let (path, threads) = (asking.path(), THREADS.to_string());
        let output = Command::new(&self.program)
            .args(["--threads", &threads, "--connections"])
            .arg(CONNECTIONS.to_string())
            .arg("--duration")
            .arg(format!("{seconds}s"))
            // Slow is no failure.
            .args(["--timeout", "30s"])
            .arg("--script")
            .arg(&script)
            .arg(format!("http://{address}{path}"))
            .output()?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        read(&said).ok_or_else(|| {
            let why = String::from_utf8_lossy(&output.stderr).into_owned();
            io::Error::other(format!("wrk: {why}{said}"))
        })
    }
}

impl Asking {
    pub(super) fn path(&self) -> &str {
        match self {
            Self::Read { path, .. } | Self::Order { path, .. } => path,
        }
    }

    fn fields(&self) -> &[(&'static str, String)] {
        match self {
            Self::Read { fields, .. } | Self::Order { fields, .. } => fields,
        }
    }
}

/// The script that makes the requests: each thread has addresses of its own, and builds a read once for each of them.
fn written(asking: &Asking, first: u32) -> String {
    let fields: String = asking
        .fields()
        .iter()
        .map(|(name, value)| format!("headers[{name:?}] = {value:?}\n"))
        .collect();
    let half = ADDRESSES_OF_A_RUN / 2;
    let common = format!(
        "local threads = 0\nfunction setup(thread) thread:set('own', threads); threads = threads + 1 end\n\
         local headers = {{}}\n{fields}local asked, address = 0, {first}\n\
         function from()\n  local n = address + own * {half}\n  return string.format('100.%d.%d.%d', \
         math.floor(n / 65536) % 64, math.floor(n / 256) % 256, n % 256)\nend\n\
         function done(summary, latency, requests)\n  local e = summary.errors\n  \
         io.write(string.format('RAN %d %d %d %d %d\\n', summary.requests, summary.duration, \
         latency:percentile(50), latency:percentile(99), e.connect + e.read + e.write + e.timeout + e.status))\nend\n"
    );
    let own = match asking {
        Asking::Read { path, .. } => format!(
            "local request_now\nlocal function build()\n  headers['x-forwarded-for'] = from()\n  \
             request_now = wrk.format('GET', {path:?}, headers)\nend\n\
             function init(args) build() end\n\
             function request()\n  asked = asked + 1\n  \
             if asked % {READS_OF_AN_ADDRESS} == 0 then address = address + 1; build() end\n  return request_now\nend\n"
        ),
        Asking::Order {
            path,
            products,
            body: (before, after),
            name,
            ..
        } => {
            let products: Vec<String> = products.iter().map(|one| format!("{one:?}")).collect();
            format!(
                "local products = {{{}}}\nfunction request()\n  asked = asked + 1\n  if asked % 50 == 0 then address = \
                 address + 1 end\n  headers['x-forwarded-for'] = from()\n  \
                 headers['content-type'] = 'application/json'\n  \
                 headers['idempotency-key'] = {name:?} .. own .. '-' .. asked\n  \
                 local body = {before:?} .. products[(asked * 7919 + own) % #products + 1] .. {after:?}\n  \
                 return wrk.format('POST', {path:?}, headers, body)\nend\n",
                products.join(",")
            )
        }
    };
    common + &own
}

/// The numbers of its last words.
fn read(said: &str) -> Option<Ran> {
    let line = said.lines().find_map(|line| line.strip_prefix("RAN "))?;
    let numbers: Vec<u64> = line
        .split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect();
    let [requests, duration, p50, p99, failed] = numbers.as_slice() else {
        return None;
    };
    Some(Ran {
        requests: *requests,
        per_second: per_second(*requests, *duration),
        p50: *p50,
        p99: *p99,
        failed: *failed,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_last_words_are_read() {
        let ran = read("Running 5s test\nRAN 500 5000000 600 1900 2\n").unwrap();
        assert_eq!((ran.requests, ran.per_second), (500, 100));
        assert_eq!((ran.p50, ran.p99, ran.failed), (600, 1_900, 2));
        assert_eq!(read("RAN 5"), None);
    }

    #[test]
    fn a_script_asks_as_it_is_told() {
        let read = Asking::Read {
            path: "/a".to_owned(),
            fields: vec![("if-none-match", "\"7\"".to_owned())],
        };
        let script = written(&read, 60_000);
        assert!(script.contains("headers[\"if-none-match\"] = \"\\\"7\\\"\""));
        assert!(script.contains("wrk.format('GET', \"/a\", headers)"));
        assert!(script.contains("address = 0, 60000"));
    }
}

//! A real Redis (or Valkey) for tests: on a free port of this machine, in a folder of its own, gone with the test.
//! It can be killed, frozen, emptied and filled with garbage. Never a server that somebody else runs.

use crate::{folder::Folder, servers::free_ports};
use std::{
    io::{BufRead, BufReader, Write},
    net::TcpStream,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// Longer than it takes to start, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);
const SERVERS: [&str; 2] = ["redis-server", "valkey-server"];
const MISSING: &str = "neither redis-server nor valkey-server is on the PATH; install one, for example with\n  \
     apt-get install redis-server\n\
     or set SOUK_TEST_SKIP_SERVERS=1 to leave out what needs it";

/// What is in Redis after somebody else wrote there: under every key something that is not ours.
const GARBAGE: &str = "
    for number, key in ipairs(redis.call('KEYS', '*')) do
        redis.call('DEL', key)
        if number % 3 == 0 then redis.call('RPUSH', key, 'garbage')
        elseif number % 3 == 1 then redis.call('SET', key, string.rep('\\255', 200))
        else redis.call('SET', key, 'nan') end
    end
    return 'OK'";

/// A server that is this test's alone.
pub struct Redis {
    folder: Folder,
    port: u16,
    process: Child,
}

impl Redis {
    /// Starts a server. Without one on this machine the test fails, or is left out aloud if
    /// `SOUK_TEST_SKIP_SERVERS` is 1.
    pub fn start() -> Option<Self> {
        let Some(server) = SERVERS.into_iter().find_map(on_path) else {
            if std::env::var("SOUK_TEST_SKIP_SERVERS").is_ok_and(|set| set == "1") {
                complain(&format!("SKIPPED: {MISSING}"));
                return None;
            }
            panic!("{MISSING}");
        };
        // Somebody else may take the port before the server does.
        for port in free_ports() {
            let folder = Folder::default();
            let process = launch(&server, &folder, port);
            let mut redis = Self {
                folder,
                port,
                process,
            };
            if redis.answers() {
                return Some(redis);
            }
        }
        panic!("{} did not start", server.display());
    }

    /// Its address, as the key `cache` takes it.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// `kill -9`; what it kept is lost.
    pub fn kill(&mut self) {
        self.process.kill().expect("it dies");
        self.process.wait().expect("it was a process");
    }

    /// Starts it again, empty, on the same port.
    pub fn start_again(&mut self) {
        let server = SERVERS
            .into_iter()
            .find_map(on_path)
            .expect("it was there before");
        self.process = launch(&server, &self.folder, self.port);
        assert!(self.answers(), "it starts again");
    }

    /// Stands still: connections stay open, and nothing is answered.
    pub fn freeze(&self) {
        self.signal("STOP");
    }

    /// Goes on.
    pub fn thaw(&self) {
        self.signal("CONT");
    }

    /// Forgets everything (`FLUSHALL`), scripts too.
    pub fn flush(&self) {
        assert_eq!(self.command(&["FLUSHALL"]), "+OK");
        assert_eq!(self.command(&["SCRIPT", "FLUSH"]), "+OK");
    }

    /// Puts garbage under every key there is.
    pub fn fill_with_garbage(&self) {
        assert_eq!(self.command(&["EVAL", GARBAGE, "0"]), "$2");
    }

    /// How many keys there are.
    pub fn keys(&self) -> u64 {
        let answer = self.command(&["DBSIZE"]);
        answer
            .trim_start_matches(':')
            .parse()
            .expect("a whole number")
    }

    /// Sends a command; gives the first line of the answer as it comes.
    pub fn command(&self, words: &[&str]) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("it listens");
        stream
            .set_read_timeout(Some(PATIENCE))
            .expect("a socket with a time-out");
        let mut text = format!("*{}\r\n", words.len());
        for word in words {
            text.push_str(&format!("${}\r\n{word}\r\n", word.len()));
        }
        stream.write_all(text.as_bytes()).expect("it reads");
        let mut line = String::new();
        BufReader::new(stream)
            .read_line(&mut line)
            .expect("it answers");
        line.trim_end().to_owned()
    }

    fn signal(&self, name: &str) {
        let id = self.process.id().to_string();
        let sent = Command::new("kill")
            .args([&format!("-{name}"), &id])
            .status()
            .expect("kill runs");
        assert!(sent.success());
    }

    /// Waits until it answers, or ends.
    fn answers(&mut self) -> bool {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if self.process.try_wait().expect("a process").is_some() {
                return false;
            }
            if TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return self.command(&["PING"]) == "+PONG";
            }
            std::thread::yield_now();
        }
        false
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// Dies with the test, however that ends.
fn launch(server: &PathBuf, folder: &Folder, port: u16) -> Child {
    let mut command = match on_path("setpriv") {
        Some(setpriv) => {
            let mut command = Command::new(setpriv);
            command.args(["--pdeathsig", "KILL"]).arg(server);
            command
        }
        None => Command::new(server),
    };
    command
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
        .args(["--save", "", "--appendonly", "no", "--daemonize", "no"])
        .arg("--dir")
        .arg(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.spawn().expect("the server starts")
}

fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

#[expect(
    clippy::print_stderr,
    reason = "whoever runs the tests must see what was left out"
)]
fn complain(text: &str) {
    eprintln!("{text}");
}

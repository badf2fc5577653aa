//! How servers of other people are started for tests: as a user they accept, never longer than the process that
//! started them. It knows no server by name.

use std::{
    io::{BufRead, BufReader},
    net::TcpListener,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Mutex, mpsc},
    time::Duration,
};

/// Longer than any start takes, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Ports that a server is started on, one after the other, at most.
const PORTS_MAX: usize = 10;

/// Set to 1, it lets tests pass over servers that are not installed.
const SKIP: &str = "SOUK_TEST_SKIP_SERVERS";

/// Keeps what PostgreSQL's processes share in its folder, which is removed, and not in memory that outlives a kill.
pub(crate) const MEMORY_IN_THE_FOLDER: &str = "dynamic_shared_memory_type=mmap";

/// The programs, if they are there. If not, the test fails and says what to do, unless it may be skipped.
pub(crate) fn found(what: &str, package: &str, programs: Option<PathBuf>) -> Option<PathBuf> {
    if programs.is_none() {
        let plainly = format!("{what} is not installed here: `apt-get install {package}`");
        let skip = std::env::var(SKIP).is_ok_and(|value| value == "1");
        assert!(skip, "{plainly} (or set {SKIP}=1)");
        #[expect(clippy::print_stderr, reason = "a test that did nothing must say so")]
        {
            eprintln!("SKIPPED, because {plainly}");
        }
    }
    programs
}

/// A port that is free just now. Somebody else may take it before a server does.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}

/// The ports that a server may be started on until it gets one.
pub(crate) fn free_ports() -> impl Iterator<Item = u16> {
    std::iter::repeat_with(free_port).take(PORTS_MAX)
}

/// Whether a server ended because somebody else has its port.
pub(crate) fn is_taken(said: &str) -> bool {
    said.contains("Address already in use")
}

/// Whose tests these are.
pub(crate) fn user_id() -> u32 {
    let me = std::fs::metadata("/proc/self").expect("this is Linux");
    me.uid()
}

/// The program, run as this user if we are root, ending when the thread that starts it ends.
pub(crate) fn as_user(user: &str, program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    if user_id() == 0 {
        command.args(["--reuid", user, "--regid", user, "--clear-groups"]);
    }
    command.args(["--pdeathsig", "KILL"]).arg(program);
    command
}

/// Gives a folder to this user if we are root.
pub(crate) fn give_to(user: &str, folder: &Path) {
    if user_id() == 0 {
        let given = Command::new("chown")
            .arg("-R")
            .arg(user)
            .arg(folder)
            .status();
        assert!(given.expect("chown runs").success(), "no user {user}");
    }
}

/// Takes back the memory that killed servers of this user left behind: each PostgreSQL leaves 56 bytes under a number
/// that outlives its processes, and a kernel has 4,096 for everybody. Who is still attached, or alive, keeps it.
pub(crate) fn take_back_memory(user: u32) {
    let list = std::fs::read_to_string("/proc/sysvipc/shm").expect("this is Linux");
    let numbers: Vec<&str> = list
        .lines()
        .filter_map(|line| left_by(user, line))
        .collect();
    // Whoever else does the same at this moment may have been first.
    for some in numbers.chunks(500) {
        let ids = some.iter().flat_map(|number| ["-m", number]);
        let removed = Command::new("ipcrm")
            .args(ids)
            .stderr(Stdio::null())
            .status();
        removed.expect("ipcrm is there");
    }
}

/// The number of a piece of shared memory, if it is this user's and nobody's any more: of a line with key, number,
/// permissions, size, maker, last user, attached processes and owner.
fn left_by(user: u32, line: &str) -> Option<&str> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let [_, number, _, _, maker, _, "0", owner, ..] = fields.as_slice() else {
        return None;
    };
    let gone = !Path::new("/proc").join(maker).exists();
    (gone && *owner == user.to_string()).then_some(*number)
}

/// Removes a folder when this process has ended, however it ends: whoever is told to holds a pipe of ours.
pub(crate) fn remove_afterwards(folder: &Path) {
    static REMOVERS: Mutex<Vec<Child>> = Mutex::new(Vec::new());
    // What still runs in the folder ends with us as well, a moment later.
    let script = "cat; n=0; until rm -rf \"$0\" || [ $n -gt 50 ]; do n=$((n+1)); sleep 0.1; done";
    let remover = Command::new("sh")
        .args(["-c", script])
        .arg(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let mut removers = REMOVERS.lock().expect("nobody fell over");
    removers.push(remover.expect("sh is there"));
}

/// Starts a server and waits until it says on its standard error that it is ready; otherwise what it said. A
/// thread of its own starts it and stays with it, so that it outlives the test that happened to come first.
pub(crate) fn start(mut command: Command, ready: &'static str) -> (Child, Result<(), String>) {
    command.stderr(Stdio::piped());
    let (child_out, child) = mpsc::channel();
    let (ready_out, is_ready) = mpsc::channel();
    std::thread::spawn(move || {
        let mut process = command.spawn().expect("setpriv is there");
        let log = process.stderr.take().expect("a pipe");
        drop(child_out.send(process));
        let mut said = String::new();
        let mut answer = Some(ready_out);
        for line in BufReader::new(log).lines().map_while(Result::ok) {
            if answer.is_none() {
                continue;
            }
            said.push_str(&line);
            said.push('\n');
            if line.contains(ready)
                && let Some(answer) = answer.take()
            {
                drop(answer.send(Ok(())));
            }
        }
        if let Some(answer) = answer {
            drop(answer.send(Err(said)));
        }
    });
    let child = child.recv().expect("it was started");
    let late = || Err("it did not become ready in time".to_owned());
    (
        child,
        is_ready.recv_timeout(PATIENCE).unwrap_or_else(|_| late()),
    )
}

//! Other people's balancers with the configurations that we ship, as real processes in front of nodes. Only
//! addresses are changed in them.

use crate::door::until;
use std::{
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::Stdio,
};
use testkit::Folder;
use tokio::process::{Child, Command};

/// A balancer that listens, until it is dropped.
pub(crate) struct Proxy {
    pub(crate) url: String,
    _folder: Folder,
    _process: Child,
}

/// Which one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Haproxy,
    Nginx,
}

/// The addresses in the configurations.
const NODES: [&str; 3] = ["10.0.0.1:8080", "10.0.0.2:8080", "10.0.0.3:8080"];

impl Proxy {
    /// Starts one in front of three addresses; none if it is not installed, and tests may do without.
    pub(crate) async fn start(kind: Kind, nodes: [SocketAddr; 3]) -> Option<Self> {
        let program = installed(kind)?;
        let folder = Folder::default();
        let listen = free_address();
        let process = match kind {
            Kind::Haproxy => haproxy(&program, &folder, listen, nodes),
            Kind::Nginx => nginx(&program, &folder, listen, nodes),
        };
        let url = format!("http://{listen}");
        until("the balancer answers", || async {
            reqwest::get(format!("{url}/livez"))
                .await
                .is_ok_and(|answer| answer.status() == 200)
        })
        .await;
        Some(Self {
            url,
            _folder: folder,
            _process: process,
        })
    }
}

/// An address that nobody listens at just now.
pub(crate) fn free_address() -> SocketAddr {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("an address")
}

/// Where we ship configurations.
pub(crate) fn shipped(path: &str) -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests
        .parent()
        .expect("the workspace")
        .join("deploy")
        .join(path)
}

pub(crate) fn read(path: &str) -> String {
    let path = shipped(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The text with this in place of that, which must be there.
fn replaced(text: &str, that: &str, this: &str) -> String {
    assert!(text.contains(that), "{that} is not in the configuration");
    text.replace(that, this)
}

fn pointed(text: &str, bind: [&str; 2], listen: SocketAddr, nodes: [SocketAddr; 3]) -> String {
    let text = replaced(text, bind[0], &bind[1].replace('$', &listen.to_string()));
    let pairs = NODES.iter().zip(nodes);
    pairs.fold(text, |text, (from, to)| {
        replaced(&text, from, &to.to_string())
    })
}

fn haproxy(program: &Path, folder: &Folder, listen: SocketAddr, nodes: [SocketAddr; 3]) -> Child {
    let text = pointed(
        &read("haproxy/haproxy.cfg"),
        ["bind :8080", "bind $"],
        listen,
        nodes,
    );
    let path = folder.write("haproxy.cfg", text);
    std::fs::create_dir_all(folder.at("errors")).expect("a folder");
    for name in [
        "400.json", "408.json", "500.json", "502.json", "503.json", "504.json",
    ] {
        let name = format!("errors/{name}");
        folder.write(&name, read(&format!("haproxy/{name}")));
    }
    spawn(program, &["-db", "-f", &path])
}

fn nginx(program: &Path, folder: &Folder, listen: SocketAddr, nodes: [SocketAddr; 3]) -> Child {
    let text = pointed(
        &read("nginx/nginx.conf"),
        ["listen 8080;", "listen $;"],
        listen,
        nodes,
    );
    let path = folder.write("nginx.conf", text);
    let pid = folder.at("nginx.pid");
    let main = format!("daemon off; master_process off; pid {pid}; error_log stderr error;");
    spawn(program, &["-e", "stderr", "-c", &path, "-g", &main])
}

/// It ends with this test, even if the test is killed.
fn spawn(program: &Path, arguments: &[&str]) -> Child {
    let mut command = Command::new("setpriv");
    command
        .args(["--pdeathsig", "TERM"])
        .arg(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .kill_on_drop(true);
    command.spawn().expect("setpriv runs")
}

/// Where a program is. It must be there, unless `SOUK_TEST_SKIP_SERVERS=1`.
fn installed(kind: Kind) -> Option<PathBuf> {
    let name = match kind {
        Kind::Haproxy => "haproxy",
        Kind::Nginx => "nginx",
    };
    let folders = ["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin"];
    let found = folders.iter().map(|folder| Path::new(folder).join(name));
    let found = found.into_iter().find(|path| path.is_file());
    if found.is_none() {
        let how = format!("{name} is not installed: apt-get install {name}");
        let may_skip = std::env::var("SOUK_TEST_SKIP_SERVERS").is_ok_and(|value| value == "1");
        assert!(may_skip, "{how} (or SOUK_TEST_SKIP_SERVERS=1)");
        crate::note(&format!("SKIPPED: {how}"));
    }
    found
}

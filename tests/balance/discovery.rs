//! Nodes that are found: in a file that changes, and by names whose answers change.

use crate::{
    door::{Door, instances, until},
    node::Node,
};
use std::{
    net::Ipv4Addr,
    sync::{Arc, Mutex},
};
use testkit::Folder;
use tokio::{net::UdpSocket, task::JoinSet};

const SOON: &[(&str, &str)] = &[
    ("SOUK_BALANCE__DISCOVER__FILE_EVERY_MS", "20"),
    ("SOUK_BALANCE__DISCOVER__RESOLVE_MIN_MS", "20"),
];

/// The addresses that the door knows, in order.
async fn known(door: &Door) -> Vec<String> {
    let services = door.services().await;
    let addresses =
        instances(&services).filter_map(|one| one["address"].as_str().map(str::to_owned));
    let mut addresses: Vec<String> = addresses.collect();
    addresses.sort();
    addresses
}

/// How often a source failed.
async fn not_found(door: &Door) -> u64 {
    door.counted("souk_upstream_discovery_failures_total{role=\"node\"}")
        .await
}

async fn comes_to_know(door: &Door, expected: &[&Node]) {
    let mut expected: Vec<String> = expected
        .iter()
        .map(|node| node.address.to_string())
        .collect();
    expected.sort();
    until("it knows exactly these", || async {
        known(door).await == expected
    })
    .await;
}

#[tokio::test]
async fn a_file_that_changes_is_followed_and_a_bad_one_changes_nothing() {
    let (one, two) = (Node::start("one").await, Node::start("two").await);
    let files = Folder::default();
    let path = files.write("nodes", one.address.to_string());
    let door = Door::at(&format!("[\"file:{path}\"]"), SOON).await;
    comes_to_know(&door, &[&one]).await;
    files.write(
        "nodes",
        format!("[\"{}\",\"{}\"]", one.address, two.address),
    );
    comes_to_know(&door, &[&one, &two]).await;
    files.write("nodes", format!("{}\n127.0.0.", two.address));
    until("it was read", || async { not_found(&door).await > 0 }).await;
    assert_eq!(known(&door).await.len(), 2, "half a file takes nobody away");
    files.write("nodes", format!("# the last one\n{}\n", two.address));
    comes_to_know(&door, &[&two]).await;
    assert_eq!(door.get("/who").await.text, "two");
}

#[tokio::test]
async fn a_file_that_is_not_there_stops_the_start() {
    let nodes = [("SOUK_GATEWAY__UPSTREAM__NODES", "[\"file:/nowhere/nodes\"]")];
    let said = testkit::run_with(&["serve", "--listen", "127.0.0.1:0"], &nodes, "").await;
    assert_eq!(said.code, 1);
    assert!(
        said.err.contains("file:/nowhere/nodes names no instance"),
        "{said:?}"
    );
}

/// A name server for the zone `souk.test`: it answers what it is told to, or fails.
struct NameServer {
    address: String,
    zone: Arc<Mutex<Option<Zone>>>,
    _running: JoinSet<()>,
}

/// Addresses of `nodes.souk.test`, and the ports of `_souk._tcp.souk.test`, which are all there.
#[derive(Debug, Clone, Default)]
struct Zone {
    addresses: Vec<Ipv4Addr>,
    ports: Vec<u16>,
}

impl NameServer {
    async fn start(zone: Zone) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap().to_string();
        let zone = Arc::new(Mutex::new(Some(zone)));
        let mut running = JoinSet::new();
        let shared = Arc::clone(&zone);
        running.spawn(async move {
            let mut packet = [0; 1_500];
            while let Ok((size, from)) = socket.recv_from(&mut packet).await {
                let zone = shared.lock().unwrap().clone();
                let answer = answer(&packet[..size], zone.as_ref());
                drop(socket.send_to(&answer, from).await);
            }
        });
        Self {
            address,
            zone,
            _running: running,
        }
    }

    fn now_says(&self, zone: Option<Zone>) {
        *self.zone.lock().unwrap() = zone;
    }
}

const TYPE_A: u16 = 1;
const TYPE_SRV: u16 = 33;
/// `nodes.souk.test` as it stands in a message.
const NAME: &[u8] = b"\x05nodes\x04souk\x04test\x00";

/// The answer to a question, or a failure of the server when there is no zone.
fn answer(question: &[u8], zone: Option<&Zone>) -> Vec<u8> {
    let end = 12 + question[12..].iter().position(|byte| *byte == 0).unwrap() + 5;
    let kind = u16::from_be_bytes([question[end - 4], question[end - 3]]);
    let records: Vec<(u16, Vec<u8>)> = match (kind, zone) {
        (TYPE_A, Some(zone)) => {
            let record = |address: &Ipv4Addr| (TYPE_A, address.octets().to_vec());
            zone.addresses.iter().map(record).collect()
        }
        (TYPE_SRV, Some(zone)) => {
            let record = |port: &u16| {
                let data = [&[0, 1, 0, 1], &port.to_be_bytes()[..], NAME].concat();
                (TYPE_SRV, data)
            };
            zone.ports.iter().map(record).collect()
        }
        _ => Vec::new(),
    };
    let failure = if zone.is_none() { 2 } else { 0 };
    let mut message = question[..2].to_vec();
    message.extend([
        0x85,
        0x80 | failure,
        0,
        1,
        0,
        u8::try_from(records.len()).unwrap(),
        0,
        0,
        0,
        0,
    ]);
    message.extend(&question[12..end]);
    for (kind, data) in records {
        // The name of the question, the class of the internet, no time to live.
        message.extend([0xc0, 12]);
        message.extend(kind.to_be_bytes());
        message.extend([0, 1, 0, 0, 0, 0]);
        message.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
        message.extend(data);
    }
    message
}

#[tokio::test]
async fn a_name_is_followed_and_a_name_server_that_fails_takes_nobody_away() {
    let one = Node::start("one").await;
    let port = one.address.port();
    let two = Node::start_at("two", &format!("127.0.0.2:{port}")).await;
    let zone = |last: &[u8]| Zone {
        addresses: last
            .iter()
            .map(|last| Ipv4Addr::new(127, 0, 0, *last))
            .collect(),
        ports: Vec::new(),
    };
    let names = NameServer::start(zone(&[1])).await;
    let servers = format!("[\"{}\"]", names.address);
    let asking = [("SOUK_BALANCE__DISCOVER__NAME_SERVERS", servers.as_str())];
    let settings = [SOON, &asking].concat();
    let door = Door::at(&format!("[\"nodes.souk.test.:{port}\"]"), &settings).await;
    comes_to_know(&door, &[&one]).await;
    names.now_says(Some(zone(&[1, 2])));
    comes_to_know(&door, &[&one, &two]).await;
    names.now_says(None);
    until("it was told of a failure", || async {
        not_found(&door).await > 0
    })
    .await;
    assert_eq!(known(&door).await.len(), 2);
    assert_eq!(door.get("/who").await.status, 200);
    names.now_says(Some(zone(&[2])));
    comes_to_know(&door, &[&two]).await;
    assert_eq!(door.get("/who").await.text, "two");
}

#[tokio::test]
async fn a_service_names_ports_as_well() {
    let (one, two) = (Node::start("one").await, Node::start("two").await);
    let zone = |ports: &[u16]| Zone {
        addresses: vec![Ipv4Addr::LOCALHOST],
        ports: ports.to_vec(),
    };
    let names = NameServer::start(zone(&[one.address.port()])).await;
    let servers = format!("[\"{}\"]", names.address);
    let asking = [("SOUK_BALANCE__DISCOVER__NAME_SERVERS", servers.as_str())];
    let settings = [SOON, &asking].concat();
    let door = Door::at("[\"srv:_souk._tcp.souk.test.\"]", &settings).await;
    comes_to_know(&door, &[&one]).await;
    names.now_says(Some(zone(&[one.address.port(), two.address.port()])));
    comes_to_know(&door, &[&one, &two]).await;
}

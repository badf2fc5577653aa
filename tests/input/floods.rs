//! HTTP/2 by hand: streams that are opened and reset as fast as they can be sent, and headers that never end. The shop
//! says GOAWAY, and others are served meanwhile. And many who begin to ask, and do not come to an end.

use super::world::World;
use futures_util::stream::{FuturesUnordered, StreamExt};
use std::{io::ErrorKind, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const HEADERS: u8 = 1;
const RESET: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
/// What is wrong, in the last four bytes of a GOAWAY's fixed part.
const ENHANCE_YOUR_CALM: u32 = 0xb;
/// Far more than anybody needs; the shop must have ended it before.
const FRAMES: u32 = 20_000;
/// Those who hesitate, and how many of one address may.
const HESITANT: usize = 40;
const HESITANT_MAX: usize = 32;
const PATIENCE: Duration = Duration::from_secs(30);

fn frame(kind: u8, flags: u8, stream: u32, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap().to_be_bytes();
    let mut bytes = length[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(content);
    bytes
}

/// `GET http://a/` by the table of HPACK.
const GET: &[u8] = &[0x82, 0x86, 0x84, 0x41, 1, b'a'];

fn resets() -> Vec<u8> {
    let streams = (0..FRAMES).map(|number| number * 2 + 1);
    let both = |stream| {
        let mut bytes = frame(HEADERS, END_HEADERS | END_STREAM, stream, GET);
        bytes.extend(frame(RESET, 0, stream, &[0, 0, 0, 8]));
        bytes
    };
    streams.flat_map(both).collect()
}

fn endless_headers() -> Vec<u8> {
    let mut bytes = frame(HEADERS, END_STREAM, 1, GET);
    // A literal that is not kept, of one letter and one letter.
    let more = [0, 1, b'x', 1, b'y'].repeat(200);
    let piece = frame(CONTINUATION, 0, 1, &more);
    bytes.extend(piece.repeat(usize::try_from(FRAMES / 20).unwrap()));
    bytes
}

/// The reason of the GOAWAY that ended a connection; none when it was closed without one.
async fn end_of(url: &str, flood: Vec<u8>) -> Option<u32> {
    let address = url.trim_start_matches("http://");
    let (mut from, mut to) = TcpStream::connect(address).await.unwrap().into_split();
    let writing = async {
        // It is cut off at some moment: that is what it is for.
        drop(to.write_all(PREFACE).await);
        drop(to.write_all(&frame(SETTINGS, 0, 0, &[])).await);
        drop(to.write_all(&flood).await);
        std::future::pending().await
    };
    let mut reason = None;
    let reading = async {
        let mut head = [0; 9];
        while from.read_exact(&mut head).await.is_ok() {
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
            let mut content = vec![0; usize::try_from(length).unwrap()];
            if from.read_exact(&mut content).await.is_err() {
                break;
            }
            if head[3] == GOAWAY {
                let last = content[4..8].try_into().unwrap();
                reason = Some(u32::from_be_bytes(last));
            }
        }
    };
    let ended = async {
        tokio::select! {
            () = reading => {}
            () = writing => {}
        }
    };
    timeout(PATIENCE, ended).await.unwrap();
    reason
}

pub(crate) async fn assert_floods_are_ended(world: &World) {
    for (what, flood) in [
        ("rapid resets", resets()),
        ("endless headers", endless_headers()),
    ] {
        let others = async {
            for _ in 0..20 {
                let answer = world.nobody.get("/api/v1/categories").await;
                assert_eq!(answer.status, 200, "{what}: {}", answer.text);
            }
        };
        let (reason, ()) = tokio::join!(end_of(world.url(), flood), others);
        assert_eq!(reason, Some(ENHANCE_YOUR_CALM), "{what}");
    }
}

pub(crate) async fn assert_only_some_are_waited_for(world: &World) {
    let address = world.url().trim_start_matches("http://");
    let head = "POST /api/v1/auth/login HTTP/1.1\r\nHost: a\r\nConnection: close\r\n";
    let body = format!("{head}Content-Type: application/json\r\nContent-Length: 4\r\n\r\n{{");
    for (what, begun, rest) in [
        ("a head", head.to_owned(), "Content-Length: 0\r\n\r\n"),
        ("a body", body, "  }"),
    ] {
        let mut waiting = Vec::new();
        for _ in 0..HESITANT {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(begun.as_bytes()).await.unwrap();
            waiting.push(stream);
        }
        let look = async |stream: &TcpStream| stream.readable().await.unwrap();
        let let_go = waiting.iter().map(look).collect::<FuturesUnordered<_>>();
        let many = let_go.take(HESITANT - HESITANT_MAX).collect::<Vec<_>>();
        timeout(PATIENCE, many).await.expect(what);
        let mut left = 0;
        for stream in &mut waiting {
            let mut answer = [0; 12];
            let read = stream.try_read(&mut answer);
            if read.is_err_and(|error| error.kind() == ErrorKind::WouldBlock) {
                left += 1;
                stream.write_all(rest.as_bytes()).await.unwrap();
                stream.read_exact(&mut answer).await.unwrap();
                assert!(answer.starts_with(b"HTTP/1.1 4"), "{what}");
            }
        }
        assert_eq!(left, HESITANT_MAX, "{what}");
    }
}

//! Requests whose end two readers may see in different places, straight to a shop and through other people's balancers
//! with the configurations that we ship. Whatever is made of them: no second request comes out of one, and whoever asks
//! next gets their own answer.

use crate::proxies::{Kind, Proxy};
use std::net::SocketAddr;
use testkit::{Client, Shop, raw};

/// What a second request would be, if one came out of the body.
const HIDDEN: &str = "GET /api/v1/smuggled HTTP/1.1\r\nhost: shop.example\r\n\r\n";
/// Whoever asks next, often enough that each of a balancer's connections is used again.
const NEXT: usize = 4;

/// What makes a request's end unclear: header lines, and what stands before the hidden request.
#[rustfmt::skip] // a case a line
const UNCLEAR: &[(&str, &str, &str)] = &[
    ("a length and chunks", "content-length: $all\r\ntransfer-encoding: chunked", "0\r\n\r\n"),
    ("chunks and a length", "transfer-encoding: chunked\r\ncontent-length: $all", "0\r\n\r\n"),
    ("a short length and chunks", "content-length: 5\r\ntransfer-encoding: chunked", "0\r\n\r\n"),
    ("two lengths", "content-length: 0\r\ncontent-length: $all", ""),
    ("two lengths in one", "content-length: 0, $all", ""),
    ("a length with a sign", "content-length: +0", ""),
    ("a length in hexadecimal", "content-length: 0x0", ""),
    ("a length with a blank before its colon", "content-length : $all", ""),
    ("a folded length", "x-a: 1\r\n content-length: $all", ""),
    ("a folded coding", "transfer-encoding:\r\n chunked", "0\r\n\r\n"),
    ("a coding with a blank before its colon", "transfer-encoding : chunked\r\ncontent-length: $all", "0\r\n\r\n"),
    ("a coding that is none", "transfer-encoding: xchunked\r\ncontent-length: $all", "0\r\n\r\n"),
    ("a coding and identity", "transfer-encoding: identity, chunked\r\ncontent-length: 5", "0\r\n\r\n"),
    ("chunks that are not the last coding", "transfer-encoding: chunked, gzip", "0\r\n\r\n"),
    ("two codings", "transfer-encoding: chunked\r\ntransfer-encoding: gzip", "0\r\n\r\n"),
    ("a coding with a tab", "transfer-encoding: \tchunked\r\ncontent-length: 5", "0\r\n\r\n"),
    ("a line that ends with LF", "x-a: 1\ntransfer-encoding: chunked\r\ncontent-length: $all", "0\r\n\r\n"),
    ("a line that ends with CR", "x-a: 1\rtransfer-encoding: chunked\r\ncontent-length: $all", "0\r\n\r\n"),
    ("a chunk's size in 0x", "transfer-encoding: chunked", "0x0\r\n\r\n"),
    ("a chunk's size with a sign", "transfer-encoding: chunked", "-0\r\n\r\n"),
    ("a chunk's size that is too large", "transfer-encoding: chunked", "10000000000000000\r\n\r\n"),
    ("a chunk's size that ends with LF", "transfer-encoding: chunked", "0\n\r\n"),
    ("a chunk that is shorter than it says", "transfer-encoding: chunked", "2\r\nx\r\n0\r\n\r\n"),
    ("a chunk that is longer than it says", "transfer-encoding: chunked", "1\r\nxx\r\n0\r\n\r\n"),
    ("an extension with LF in it", "transfer-encoding: chunked", "1;a\nx\r\n0\r\n\r\n"),
    ("a null in a header", "content-length: 0\r\nx-a: \0", ""),
];

async fn assert_nothing_comes_out(url: &str) {
    let next = Client::new(url);
    for (what, headers, before) in UNCLEAR {
        let body = format!("{before}{HIDDEN}");
        let headers = headers.replace("$all", &body.len().to_string());
        let request = format!(
            "POST /api/v1/nothing HTTP/1.1\r\nhost: shop.example\r\nconnection: close\r\n{headers}\r\n\r\n{body}"
        );
        // No answer at all is one too: the connection was closed.
        if let Some(answer) = raw(url, request.as_bytes()).await {
            let text = &answer.text;
            // A balancer says 501 of a coding that it does not know.
            let refused = (400..500).contains(&answer.status) || answer.status == 501;
            assert!(refused, "{what}: {text}");
            assert!(!text.contains("smuggled"), "{what}: {text}");
            assert!(!text.contains("HTTP/1.1"), "{what}: two answers: {text}");
        }
        for number in 0..NEXT {
            let path = format!("/api/v1/next-{number}");
            let answer = next.get(&path).await;
            let seen = (answer.status, answer.str("/instance"));
            assert_eq!(seen, (404, path.as_str()), "{what}: {}", answer.text);
        }
    }
}

#[tokio::test]
async fn no_request_is_smuggled_past_the_door() {
    let shop = Shop::start().await;
    assert_nothing_comes_out(shop.url()).await;
}

#[tokio::test]
async fn no_request_is_smuggled_through_haproxy_or_nginx() {
    let shop = Shop::start().await;
    let address = shop.url().trim_start_matches("http://");
    let address: SocketAddr = address.parse().expect("an address");
    for kind in [Kind::Haproxy, Kind::Nginx] {
        let Some(proxy) = Proxy::start(kind, [address; 3]).await else {
            continue;
        };
        assert_nothing_comes_out(&proxy.url).await;
    }
}

//! What is asked of those who come, whatever they speak: to read what waits for them, and to end a request in one way.

use testkit::{Shop, raw};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpSocket,
    time::{Duration, Instant, timeout},
};

#[tokio::test]
async fn a_reader_who_takes_a_byte_now_and_then_is_cut_off() {
    let settings = [("SOUK_HTTP__SEND_WINDOW_MS", "500")];
    let shop = Shop::start_with(&settings).await;
    let address = shop.url().trim_start_matches("http://").parse().unwrap();
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(1_024).unwrap();
    let mut stream = socket.connect(address).await.unwrap();
    // Far more answers than any buffer between us holds.
    let request = b"GET /openapi.json HTTP/1.1\r\nhost: a\r\n\r\n".repeat(500);
    let (mut from, mut to) = stream.split();
    let writing = async {
        drop(to.write_all(&request).await);
        std::future::pending::<()>().await;
    };
    let begun = Instant::now();
    let reading = async {
        let mut byte = [0];
        while matches!(from.read(&mut byte).await, Ok(1)) {
            let others = shop.visitor().get("/livez").await;
            assert_eq!(others.status, 200);
            // A byte in a while: the pace of this reader is the thing itself.
            tokio::time::sleep(Duration::from_millis(50)).await;
            // What had been on its way is read at once when it is over.
            if begun.elapsed() > Duration::from_secs(10) {
                let mut rest = Vec::new();
                let over = timeout(Duration::from_secs(20), from.read_to_end(&mut rest)).await;
                assert!(over.is_ok(), "it was cut off long ago");
                let whole = 500 * 50_000;
                assert!(rest.len() < whole, "and did not get everything");
                return;
            }
        }
    };
    tokio::select! {
        () = reading => {}
        () = writing => {}
    }
}

#[tokio::test]
async fn nothing_follows_a_request_in_chunks_on_its_connection() {
    let shop = Shop::start().await;
    let body = r#"{"email":"ann@souk.example","password":"correct horse battery","name":"Ann"}"#;
    let chunks = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    let next = "GET /version HTTP/1.1\r\nhost: shop.example\r\n\r\n";
    for lengths in ["", "content-length: 5\r\n", "content-length: 76\r\n"] {
        for lengths in [
            format!("{lengths}transfer-encoding: chunked\r\n"),
            format!("transfer-encoding: chunked\r\n{lengths}"),
        ] {
            let request = format!(
                "POST /api/v1/auth/register HTTP/1.1\r\nhost: shop.example\r\n\
                 content-type: application/json\r\n{lengths}\r\n{chunks}{next}"
            );
            // It reads until the shop closes: nobody asked it to.
            let answer = raw(shop.url(), request.as_bytes()).await.unwrap();
            assert!([201, 409].contains(&answer.status), "{}", answer.text);
            assert_eq!(answer.header("connection"), "close", "{lengths}");
            assert!(
                !answer.text.contains("HTTP/1.1"),
                "two answers: {}",
                answer.text
            );
        }
    }
}

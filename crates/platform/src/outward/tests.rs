//! Against servers on this machine that mean no good, and name servers of the test's own.

use super::{options::defaults, *};
use async_trait::async_trait;
use std::{
    collections::VecDeque,
    io::{Read, Write},
    net::{IpAddr, SocketAddr, TcpListener, TcpStream},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
};
use testkit::Authority;
use tokio_rustls::rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

const FINE: &str = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nfine";

/// Answers with one list of addresses after the other; the last stays.
#[derive(Clone, Default)]
struct Names {
    answers: Arc<Mutex<VecDeque<Vec<IpAddr>>>>,
    asked: Arc<AtomicUsize>,
}

impl Names {
    fn saying(answers: &[&[&str]]) -> Self {
        let read = |list: &&[&str]| list.iter().map(|ip| ip.parse().unwrap()).collect();
        Self {
            answers: Arc::new(Mutex::new(answers.iter().map(read).collect())),
            asked: Arc::default(),
        }
    }
}

#[async_trait]
impl Resolve for Names {
    async fn addresses(&self, _: &str) -> Result<Vec<IpAddr>, BoxError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let mut answers = self.answers.lock().unwrap();
        if answers.len() > 1 {
            return Ok(answers.pop_front().unwrap());
        }
        Ok(answers.front().cloned().unwrap_or_default())
    }
}

fn open() -> Options {
    Options {
        allow: vec![Network::try_from("127.0.0.1".to_owned()).unwrap()],
        ports: Vec::new(),
        http: true,
        ..defaults()
    }
}

fn outward(options: Options, names: Names) -> Outward {
    Outward::by(options, Box::new(names)).unwrap()
}

/// A server that reads a head and hands the stream on; tells what it read.
fn server(
    answer: impl Fn(&mut dyn Write) + Send + 'static,
) -> (SocketAddr, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (told, heads) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            drop(told.send(head(&mut stream)));
            answer(&mut stream);
        }
    });
    (address, heads)
}

fn head(stream: &mut dyn Read) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|count| count == 1) {
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}

fn saying(text: impl Into<String>) -> (SocketAddr, mpsc::Receiver<String>) {
    let text = text.into();
    server(move |stream| drop(stream.write_all(text.as_bytes())))
}

async fn asked(outward: &Outward, address: &str) -> Result<Answer, OutwardError> {
    let address = Address::parse(address).unwrap();
    outward.ask(Question::get(address)).await
}

#[tokio::test]
async fn a_question_says_nothing_of_us_but_what_it_must() {
    let (at, heads) = saying(FINE);
    let outward = outward(open(), Names::default());
    let answer = asked(&outward, &format!("http://{at}/x?y=1"))
        .await
        .unwrap();
    assert_eq!(
        (answer.status.as_u16(), &answer.body[..]),
        (200, &b"fine"[..])
    );
    let expected = format!(
        "GET /x?y=1 HTTP/1.1\r\nhost: {at}\r\nuser-agent: souk\r\nconnection: close\r\n\r\n"
    );
    assert_eq!(heads.recv().unwrap(), expected);
}

#[tokio::test]
async fn something_to_take_that_is_nothing_says_that_it_is_nothing() {
    let (address, heads) = saying(FINE);
    let address = Address::parse(&format!("http://{address}/x")).unwrap();
    let question = Question::form(address, &[]);
    outward(open(), Names::default())
        .ask(question)
        .await
        .unwrap();
    let head = heads.recv().unwrap().to_ascii_lowercase();
    assert_eq!(head.matches("content-length: 0\r\n").count(), 1, "{head}");
}

#[tokio::test]
async fn a_form_and_a_client_are_written_as_oauth_wants_them() {
    let (at, heads) = saying(FINE);
    let outward = outward(open(), Names::default());
    let address = Address::parse(&format!("http://{at}/token")).unwrap();
    let question = Question::form(address, &[("code", "a b&c")]);
    let question = question.by_client("the shop", &"s:cret".into()).unwrap();
    assert!(
        !format!("{question:?}").contains("czpjcmV0"),
        "{question:?}"
    );
    outward.ask(question).await.unwrap();
    let head = heads.recv().unwrap();
    assert!(head.starts_with("POST /token HTTP/1.1\r\n"), "{head}");
    assert!(
        head.contains("authorization: Basic dGhlK3Nob3A6cyUzQWNyZXQ=\r\n"),
        "{head}"
    );
    assert!(head.contains("content-length: 12\r\n"), "{head}");
}

#[tokio::test]
async fn nothing_is_sent_inside_whatever_the_name_says() {
    let (at, heads) = saying(FINE);
    let port = at.port();
    let closed = Options {
        allow: Vec::new(),
        ..open()
    };
    for list in [
        &["127.0.0.1"][..],
        &["::1"],
        &["::ffff:127.0.0.1"],
        &["169.254.169.254"],
        &["1.1.1.1", "127.0.0.1"],
    ] {
        let outward = outward(closed.clone(), Names::saying(&[list]));
        let answer = asked(&outward, &format!("http://provider.example:{port}/")).await;
        assert!(
            matches!(answer, Err(OutwardError::Refused(Refusal::Inside(_)))),
            "{list:?}: {answer:?}"
        );
    }
    let straight = outward(closed, Names::default());
    let answer = asked(&straight, &format!("http://{at}/")).await;
    assert!(matches!(
        answer,
        Err(OutwardError::Refused(Refusal::Inside(_)))
    ));
    assert!(heads.try_recv().is_err(), "nobody was asked");
}

#[tokio::test]
async fn a_name_is_asked_for_once_and_the_connection_goes_where_was_looked() {
    let (at, heads) = saying(FINE);
    // First an address that may be asked, then, to whoever asks again, one that may not.
    let names = Names::saying(&[&["127.0.0.1"], &["127.0.0.2"]]);
    let outward = outward(open(), names.clone());
    let address = format!("http://provider.example:{}/", at.port());
    assert!(asked(&outward, &address).await.is_ok());
    assert_eq!(names.asked.load(Ordering::SeqCst), 1);
    assert!(heads.recv().unwrap().contains("host: provider.example:"));
    // No connection and no look is kept for the next question.
    let again = asked(&outward, &address).await;
    assert!(matches!(
        again,
        Err(OutwardError::Refused(Refusal::Inside(_)))
    ));
    assert_eq!(names.asked.load(Ordering::SeqCst), 2);
    assert!(heads.try_recv().is_err());
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let (inside, heads) = saying(FINE);
    let (at, _heads) = saying(format!(
        "HTTP/1.1 302 Found\r\nlocation: http://{inside}/\r\ncontent-length: 0\r\n\r\n"
    ));
    let outward = outward(open(), Names::default());
    let answer = asked(&outward, &format!("http://{at}/")).await.unwrap();
    assert_eq!(answer.status.as_u16(), 302);
    assert!(heads.try_recv().is_err(), "nobody was asked");
}

#[tokio::test]
async fn whoever_is_slow_is_left() {
    // Says nothing, and keeps the connection.
    let (at, _heads) = server(|_| thread::park());
    let hasty = Options {
        head_timeout_ms: 50,
        ..open()
    };
    let answer = asked(&outward(hasty, Names::default()), &format!("http://{at}/")).await;
    assert!(matches!(
        answer,
        Err(OutwardError::Late("the head of the answer"))
    ));
    let (at, _heads) = server(|stream| {
        drop(stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nwait"));
        thread::park();
    });
    let hasty = Options {
        timeout_ms: 100,
        ..open()
    };
    let answer = asked(&outward(hasty, Names::default()), &format!("http://{at}/")).await;
    assert!(matches!(
        answer,
        Err(OutwardError::Late("the whole answer"))
    ));
}

#[tokio::test]
async fn more_than_is_read_is_not_read() {
    let options = Options {
        body_bytes_max: 1_000,
        ..open()
    };
    let outward = outward(options, Names::default());
    let endless = server(|stream| {
        drop(stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n"));
        while stream.write_all(&[b'x'; 1_024]).is_ok() {}
    });
    let long_head = saying(format!(
        "HTTP/1.1 200 OK\r\na: {}\r\n\r\n",
        "x".repeat(20_000)
    ));
    let many = "a: b\r\n".repeat(65);
    let many_fields = saying(format!("HTTP/1.1 200 OK\r\n{many}\r\n"));
    for (at, _heads) in [endless, long_head, many_fields] {
        let answer = asked(&outward, &format!("http://{at}/")).await;
        assert!(matches!(answer, Err(OutwardError::TooLarge)), "{answer:?}");
    }
}

#[tokio::test]
async fn what_is_no_http_or_ends_too_early_is_no_answer() {
    let outward = outward(open(), Names::default());
    let short = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nfine";
    for text in ["", "220 mail.example ESMTP\r\n", short] {
        let (at, _heads) = saying(text);
        let answer = asked(&outward, &format!("http://{at}/")).await;
        assert!(
            matches!(answer, Err(OutwardError::Broken(_))),
            "{text:?}: {answer:?}"
        );
    }
}

#[tokio::test]
async fn one_too_many_is_refused_at_once_and_a_seat_is_given_back() {
    let (at, heads) = server(|_| thread::park());
    let options = Options {
        in_flight_max: 1,
        ..open()
    };
    let outward = outward(options, Names::default());
    let address = format!("http://{at}/");
    let mut first = Box::pin(asked(&outward, &address));
    assert!(futures_util::poll!(&mut first).is_pending());
    let second = asked(&outward, &address).await;
    assert!(matches!(second, Err(OutwardError::Overloaded)));
    drop((first, heads));
    let third = Box::pin(asked(&outward, &address));
    assert!(futures_util::poll!(third).is_pending());
}

/// An HTTPS server with this certificate; answers `fine`.
fn encrypted(authority: &Authority) -> SocketAddr {
    let chain = CertificateDer::pem_file_iter(authority.at("server.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(authority.at("server.key")).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain.map(Result::unwrap).collect(), key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream: StreamOwned<_, TcpStream> =
                StreamOwned::new(connection, stream.unwrap());
            if !head(&mut stream).is_empty() {
                drop(stream.write_all(FINE.as_bytes()));
            }
        }
    });
    address
}

#[tokio::test]
async fn tls_is_spoken_with_whoever_proves_the_name_and_with_nobody_else() {
    let Some(authority) = Authority::new("DNS:provider.example") else {
        return;
    };
    let port = encrypted(&authority).port();
    let options = Options {
        roots: authority.at("ca.pem"),
        http: false,
        ..open()
    };
    let names = || Names::saying(&[&["127.0.0.1"]]);
    let believing = outward(options, names());
    let answer = asked(&believing, &format!("https://provider.example:{port}/")).await;
    assert_eq!(answer.unwrap().body, "fine");
    for another in ["other.example", "127.0.0.1"] {
        let answer = asked(&believing, &format!("https://{another}:{port}/")).await;
        assert!(
            matches!(answer, Err(OutwardError::Unreachable(_))),
            "{answer:?}"
        );
    }
    let strange = outward(open(), names());
    let answer = asked(&strange, &format!("https://provider.example:{port}/")).await;
    assert!(
        matches!(answer, Err(OutwardError::Unreachable(_))),
        "{answer:?}"
    );
}

#[test]
fn a_file_without_certificates_is_named() {
    let options = Options {
        roots: "/nowhere.pem".to_owned(),
        ..open()
    };
    let refused = Outward::by(options, Box::new(Names::default()));
    let error = refused.err().unwrap().to_string();
    assert!(error.starts_with("outward.roots: /nowhere.pem"), "{error}");
}

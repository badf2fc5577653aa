//! The smallest server that a test's own fakes need: it reads one request of a connection, answers it, and closes. It
//! knows nothing of what is asked.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    thread,
};

/// A request.
pub(crate) struct Heard {
    pub(crate) method: String,
    /// Without its query.
    pub(crate) path: String,
    pub(crate) query: String,
    /// By names in small letters.
    pub(crate) head: BTreeMap<String, String>,
    pub(crate) body: String,
    /// The same as it came, which need be no text.
    pub(crate) bytes: Vec<u8>,
}

impl Heard {
    /// A field of the head; empty if it is not there.
    pub(crate) fn field(&self, name: &str) -> &str {
        self.head.get(name).map_or("", String::as_str)
    }
}

/// What comes of it.
pub(crate) enum Reply {
    /// An answer: its status, further lines of its head, its body.
    Says(u16, &'static str, String),
    /// The same, of something that is no text.
    Gives(u16, Vec<u8>),
    /// The connection is kept, and nothing comes.
    Silence,
    /// The connection is closed without an answer.
    Gone,
}

/// Serves on a free port of this machine until the test's process ends; gives the address.
pub(crate) fn serve(answer: impl Fn(&Heard) -> Reply + Clone + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer = answer.clone();
            thread::spawn(move || {
                if let Some(heard) = hear(&stream) {
                    reply(&stream, &answer(&heard));
                }
            });
        }
    });
    format!("http://{address}")
}

fn hear(stream: &TcpStream) -> Option<Heard> {
    let mut reader = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or_default() == 0 || line == "\r\n" {
            break;
        }
        lines.push(line.trim_end().to_owned());
    }
    let mut words = lines.first()?.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let fields = lines
        .iter()
        .skip(1)
        .filter_map(|line| line.split_once(": "));
    let head: BTreeMap<String, String> = fields
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length = head.get("content-length");
    let length = length.and_then(|length| length.parse().ok());
    let mut body = vec![0; length.unwrap_or_default()];
    reader.read_exact(&mut body).ok()?;
    Some(Heard {
        method,
        path: path.to_owned(),
        query: query.to_owned(),
        head,
        body: String::from_utf8(body.clone()).unwrap_or_default(),
        bytes: body,
    })
}

fn reply(mut stream: &TcpStream, reply: &Reply) {
    match reply {
        Reply::Says(status, head, body) => {
            let answer = format!(
                "HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n{head}\r\n{body}",
                body.len()
            );
            drop(stream.write_all(answer.as_bytes()));
        }
        Reply::Gives(status, body) => {
            let head = format!(
                "HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                body.len()
            );
            drop(stream.write_all(&[head.as_bytes(), body].concat()));
        }
        Reply::Silence => loop {
            thread::park();
        },
        Reply::Gone => {}
    }
}

/// The pairs of a form or a query.
pub(crate) fn pairs(text: &str) -> BTreeMap<String, String> {
    let address = format!("http://form/?{text}");
    let address = reqwest::Url::parse(&address).expect("a form");
    address.query_pairs().into_owned().collect()
}

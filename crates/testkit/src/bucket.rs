//! A bucket of a store that speaks S3's API, on this machine: objects that are put, got and deleted by whoever signs
//! for it, and whatever can go wrong on the way. It is written from Amazon's documents and shares nothing with the
//! shop: it reads of each request what was signed, and reckons the signature itself.

use crate::served::{Heard, Reply, serve};
use aws_lc_rs::{digest, hmac};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
};

const NAME: &str = "pictures";
const REGION: &str = "here-1";
const KEY_ID: &str = "AKIDOFTHESHOP";
const SECRET: &str = "secret/of+the/shop";
const ALGORITHM: &str = "AWS4-HMAC-SHA256 ";
/// What a request must be signed with at least.
const SIGNED: [&str; 3] = ["host", "x-amz-content-sha256", "x-amz-date"];

/// How the store is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mood {
    /// It does as it is told.
    #[default]
    Well,
    /// Connections to it end without an answer.
    Away,
    /// It answers that it cannot, whatever it is asked.
    Unwell,
    /// It takes the first thing that it is given from now on, and is away from then on.
    TakesOneMore,
}

#[derive(Default)]
struct State {
    objects: BTreeMap<String, Vec<u8>>,
    mood: Mood,
    /// Requests that were signed wrongly.
    refused: usize,
}

/// The bucket.
#[derive(Clone)]
pub struct Bucket {
    state: Arc<Mutex<State>>,
    url: String,
}

impl Bucket {
    /// An empty one.
    pub fn open() -> Self {
        let state: Arc<Mutex<State>> = Arc::default();
        let serving = Arc::clone(&state);
        let url = serve(move |heard| locked(&serving).reply(heard));
        Self { state, url }
    }

    /// The settings of a shop whose pictures are in it, below this prefix.
    pub fn settings(&self, prefix: &str) -> Vec<(String, String)> {
        let of = |key: &str, value: &str| (format!("SOUK_{key}"), value.to_owned());
        vec![
            of("CATALOG__IMAGES__STORE", &format!("s3://{NAME}/{prefix}")),
            of("CATALOG__IMAGES__S3__ENDPOINT", &self.url),
            of("CATALOG__IMAGES__S3__REGION", REGION),
            of("CATALOG__IMAGES__S3__ACCESS_KEY_ID", KEY_ID),
            of("CATALOG__IMAGES__S3__SECRET_ACCESS_KEY", SECRET),
            of("CATALOG__IMAGES__S3__TIMEOUT_MS", "2000"),
            of("OUTWARD__ALLOW", "[\"127.0.0.1\"]"),
            of("OUTWARD__HTTP", "true"),
            of("OUTWARD__PORTS", "[]"),
        ]
    }

    /// From now on it is so.
    pub fn is(&self, mood: Mood) {
        locked(&self.state).mood = mood;
    }

    /// The keys of all objects.
    pub fn keys(&self) -> Vec<String> {
        locked(&self.state).objects.keys().cloned().collect()
    }

    /// What an object is.
    pub fn object(&self, key: &str) -> Option<Vec<u8>> {
        locked(&self.state).objects.get(key).cloned()
    }

    /// Requests that nobody had signed who may.
    pub fn refused(&self) -> usize {
        locked(&self.state).refused
    }
}

fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().expect("the bucket")
}

impl State {
    fn reply(&mut self, heard: &Heard) -> Reply {
        match self.mood {
            Mood::Away => return Reply::Gone,
            Mood::Unwell => {
                return Reply::Gives(503, b"<Error><Code>SlowDown</Code></Error>".into());
            }
            Mood::TakesOneMore if heard.method == "PUT" => self.mood = Mood::Away,
            Mood::Well | Mood::TakesOneMore => {}
        }
        if let Err(why) = Self::judge(heard) {
            self.refused = self.refused.saturating_add(1);
            return Reply::Gives(403, format!("<Error><Code>{why}</Code></Error>").into());
        }
        let key = heard.path.strip_prefix(&format!("/{NAME}/"));
        let Some(key) = key.filter(|_| heard.query.is_empty()) else {
            return Reply::Gives(404, b"<Error><Code>NoSuchBucket</Code></Error>".into());
        };
        match heard.method.as_str() {
            "PUT" => {
                self.objects.insert(key.to_owned(), heard.bytes.clone());
                Reply::Gives(200, Vec::new())
            }
            "GET" => match self.objects.get(key) {
                Some(object) => Reply::Gives(200, object.clone()),
                None => Reply::Gives(404, b"<Error><Code>NoSuchKey</Code></Error>".into()),
            },
            "DELETE" => {
                self.objects.remove(key);
                Reply::Gives(204, Vec::new())
            }
            _ => Reply::Gives(405, Vec::new()),
        }
    }

    /// Whether somebody signed this who may, and nobody changed it since.
    fn judge(heard: &Heard) -> Result<(), &'static str> {
        let said = heard.field("authorization");
        let said = said.strip_prefix(ALGORITHM).ok_or("AccessDenied")?;
        let pairs: BTreeMap<&str, &str> = said
            .split(',')
            .filter_map(|pair| pair.trim().split_once('='))
            .collect();
        let of = |name: &str| {
            pairs
                .get(name)
                .copied()
                .ok_or("AuthorizationHeaderMalformed")
        };
        let (scope, names, signature) = (of("Credential")?, of("SignedHeaders")?, of("Signature")?);
        let (key_id, scope) = scope
            .split_once('/')
            .ok_or("AuthorizationHeaderMalformed")?;
        let date = heard.field("x-amz-date");
        let day = date.split('T').next().unwrap_or_default();
        if key_id != KEY_ID || scope != format!("{day}/{REGION}/s3/aws4_request") {
            return Err("InvalidAccessKeyId");
        }
        let names: Vec<&str> = names.split(';').collect();
        if !names.is_sorted() || !SIGNED.iter().all(|name| names.contains(name)) {
            return Err("AuthorizationHeaderMalformed");
        }
        let sum = hex(digest::digest(&digest::SHA256, &heard.bytes).as_ref());
        if heard.field("x-amz-content-sha256") != sum {
            return Err("XAmzContentSHA256Mismatch");
        }
        if signature != signed(heard, (date, scope), &names) {
            return Err("SignatureDoesNotMatch");
        }
        Ok(())
    }
}

/// The signature that a request must have.
fn signed(heard: &Heard, (date, scope): (&str, &str), names: &[&str]) -> String {
    let fields: String = names
        .iter()
        .map(|name| format!("{name}:{}\n", heard.field(name).trim()))
        .collect();
    let request = [
        heard.method.as_str(),
        &heard.path,
        &heard.query,
        &fields,
        &names.join(";"),
        heard.field("x-amz-content-sha256"),
    ]
    .join("\n");
    let sum = hex(digest::digest(&digest::SHA256, request.as_bytes()).as_ref());
    let text = ["AWS4-HMAC-SHA256", date, scope, &sum].join("\n");
    let first = format!("AWS4{SECRET}").into_bytes();
    let key = scope.split('/').fold(first, |key, part| hashed(&key, part));
    hex(&hashed(&key, &text))
}

fn hashed(key: &[u8], text: &str) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    hmac::sign(&key, text.as_bytes()).as_ref().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

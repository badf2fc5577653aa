//! Stripe's API, as much of it as a shop asks for, on this machine: intents that are confirmed once, keys that are
//! remembered, and whatever can go wrong on the way. It is written from Stripe's documents and shares nothing with the
//! shop. A test plays the buyer and the bank, and tells what shall go wrong.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should stop"
)]

mod books;

use crate::served::{Heard, Reply, pairs, serve};
use aws_lc_rs::hmac;
use books::Books;
use platform::clock::Clock;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard},
};

const KEY: &str = "sk_test_of_the_shop";
const WEBHOOK_SECRET: &str = "whsec_of_the_shop";
const SHOP: &str = "tried-out";

/// What goes wrong with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// It does not arrive.
    LostBefore,
    /// It is done, and the answer is lost.
    LostAfter,
    /// It fails before anything is done, and the failure is remembered under its key.
    FailsBefore,
    /// It is done, then it fails, and the failure is remembered under its key.
    FailsAfter,
    /// It is one too many.
    TooMany,
    /// Another under its key is not done yet.
    Conflict,
    /// It is done, and nothing is ever answered.
    Silent,
    /// It is kept on the way until it is delivered; the asker hears nothing.
    Delayed,
}

impl Trouble {
    /// All after which a shop has only to ask again.
    pub const PASSING: [Self; 6] = [
        Self::LostBefore,
        Self::LostAfter,
        Self::FailsBefore,
        Self::FailsAfter,
        Self::TooMany,
        Self::Conflict,
    ];
}

#[derive(Default)]
struct State {
    books: Books,
    /// By key: what was asked, and what was answered.
    remembered: BTreeMap<String, (String, u16, String)>,
    calls: Vec<String>,
    /// By the number of a call.
    troubles: BTreeMap<usize, Trouble>,
    /// What goes wrong with everything that is asked the first time.
    first: Option<Trouble>,
    asked: BTreeSet<String>,
    delayed: Vec<(String, String)>,
}

/// Stripe.
#[derive(Clone)]
pub struct Stripe {
    state: Arc<Mutex<State>>,
    url: String,
}

impl Stripe {
    /// An account without anything.
    pub fn start() -> Self {
        let state: Arc<Mutex<State>> = Arc::default();
        let serving = Arc::clone(&state);
        let url = serve(move |heard| locked(&serving).reply(heard));
        Self { state, url }
    }

    /// The settings of a shop that is paid by it.
    pub fn settings(&self) -> Vec<(String, String)> {
        [
            ("SOUK_PAYMENTS__PROVIDER", "stripe"),
            ("SOUK_PAYMENTS__STRIPE__MODE", "test"),
            ("SOUK_PAYMENTS__STRIPE__SHOP", SHOP),
            ("SOUK_PAYMENTS__STRIPE__SECRET_KEY", KEY),
            ("SOUK_PAYMENTS__STRIPE__WEBHOOK_SECRET", WEBHOOK_SECRET),
            ("SOUK_PAYMENTS__STRIPE__API", &self.url),
            (
                "SOUK_PAYMENTS__STRIPE__RETURN_URL",
                "https://shop.example/paid/{payment}",
            ),
            ("SOUK_OUTWARD__ALLOW", "[\"127.0.0.1\"]"),
            ("SOUK_OUTWARD__HTTP", "true"),
            ("SOUK_OUTWARD__PORTS", "[]"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }

    /// What time it is there, in seconds since 1970.
    pub fn at(&self, seconds: i64) {
        self.state().books.now = seconds;
    }

    /// It is there what time it is here; gives the seconds since 1970.
    pub fn at_our_time(&self) -> i64 {
        let now = Clock::System.now().as_ms() / 1_000;
        self.at(now);
        now
    }

    /// What goes wrong with the call of this number, counted from the first of all.
    pub fn troubles(&self, number: usize, trouble: Trouble) {
        self.state().troubles.insert(number, trouble);
    }

    /// What goes wrong with everything that is asked the first time from now on, or nothing.
    pub fn troubles_first(&self, trouble: Option<Trouble>) {
        self.state().first = trouble;
    }

    /// Nothing goes wrong from now on.
    pub fn calm(&self) {
        let mut state = self.state();
        state.troubles.clear();
        state.first = None;
    }

    /// What was asked, as `POST /v1/refunds`, in order.
    pub fn calls(&self) -> Vec<String> {
        self.state().calls.clone()
    }

    /// A day passes for the keys: none is remembered.
    pub fn forget_keys(&self) {
        self.state().remembered.clear();
    }

    /// What was kept on the way arrives. Nobody waits for the answers; gives their statuses.
    pub fn deliver(&self) -> Vec<u16> {
        let mut state = self.state();
        let delayed = std::mem::take(&mut state.delayed);
        let done = delayed
            .iter()
            .map(|(path, body)| state.books.post(path, &pairs(body)).0);
        done.collect()
    }

    /// All intents, oldest first, as Stripe shows them.
    pub fn intents(&self) -> Vec<Value> {
        self.state().books.intents.clone()
    }

    /// All refunds, oldest first.
    pub fn refunds(&self) -> Vec<Value> {
        self.state().books.refunds.clone()
    }

    /// What is held or was taken and not given back, in Stripe's units.
    pub fn holds(&self) -> i64 {
        let intents = self.intents();
        let held = intents.iter().filter(|intent| {
            ["requires_capture", "succeeded"].contains(&intent["status"].as_str().unwrap_or(""))
        });
        held.map(|intent| {
            let back = intent["latest_charge"]["amount_refunded"].as_i64();
            intent["amount"].as_i64().unwrap_or(0) - back.unwrap_or(0)
        })
        .sum()
    }

    /// An intent that somebody else on the account, or nobody, asked for.
    pub fn stray(&self, shop: &str, key: &str, amount: i64, status: &str) {
        self.state().books.stray(shop, key, amount, status);
    }

    /// The buyer behind a challenge proves to be the card's owner, or does not.
    pub fn prove(&self, address: &str, is_owner: bool) {
        let id = address.rsplit('/').next().unwrap_or_default().to_owned();
        self.state().books.prove(&id, is_owner);
    }

    /// The buyer has the intent's secret, from their way back from the bank, and tries another card on it.
    pub fn try_again(&self, address: &str) {
        let id = address.rsplit('/').next().unwrap_or_default().to_owned();
        self.state().books.try_again(&id);
    }

    /// A bank gives a refund back.
    pub fn fail_refund(&self, number: usize) {
        self.state().books.refunds[number]["status"] = json!("failed");
    }

    /// The bodies of all callbacks since the last time, in order.
    pub fn events(&self) -> Vec<String> {
        std::mem::take(&mut self.state().books.events)
    }

    /// A callback's signature at this second, made with the crypto library itself.
    pub fn sign(&self, body: &str, seconds: i64) -> String {
        sign(WEBHOOK_SECRET, body, seconds)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        locked(&self.state)
    }
}

fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().expect("no test has failed in here")
}

/// `Stripe-Signature` under any secret.
pub fn sign(secret: &str, body: &str, seconds: i64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, format!("{seconds}.{body}").as_bytes());
    let hex: String = tag
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("t={seconds},v1={hex}")
}

impl State {
    fn reply(&mut self, heard: &Heard) -> Reply {
        let number = self.calls.len() + 1;
        self.calls.push(format!("{} {}", heard.method, heard.path));
        if heard.field("authorization") != format!("Bearer {KEY}") {
            return refuse(401, "invalid_request_error", "the key is wrong");
        }
        if heard.field("stripe-version").is_empty() {
            return refuse(400, "invalid_request_error", "no version is named");
        }
        // The same under another turn of its key is no other thing.
        let key = heard.field("idempotency-key");
        let key = key.trim_end_matches("-2").trim_end_matches("-3");
        let what = format!("{} {} {key}", heard.method, heard.path);
        let is_first = self.asked.insert(what);
        let trouble = self.troubles.remove(&number);
        let trouble = trouble.or_else(|| self.first.filter(|_| is_first));
        match trouble {
            Some(Trouble::LostBefore) => return Reply::Gone,
            Some(Trouble::TooMany) => return refuse(429, "rate_limit_error", "too many"),
            Some(Trouble::Conflict) => return refuse(409, "idempotency_error", "not done yet"),
            Some(Trouble::Delayed) => {
                self.delayed.push((heard.path.clone(), heard.body.clone()));
                return Reply::Gone;
            }
            Some(
                Trouble::LostAfter | Trouble::FailsBefore | Trouble::FailsAfter | Trouble::Silent,
            )
            | None => {}
        }
        let answer = match heard.method.as_str() {
            "GET" => self.read(heard, trouble),
            _ => self.write(heard, trouble),
        };
        match trouble {
            Some(Trouble::LostAfter) => Reply::Gone,
            Some(Trouble::Silent) => Reply::Silence,
            _ => answer,
        }
    }

    fn read(&self, heard: &Heard, trouble: Option<Trouble>) -> Reply {
        if matches!(trouble, Some(Trouble::FailsBefore | Trouble::FailsAfter)) {
            return refuse(500, "api_error", "it fell over");
        }
        let (status, body) = self.books.get(&heard.path, &pairs(&heard.query));
        Reply::Says(status, "", body.to_string())
    }

    fn write(&mut self, heard: &Heard, trouble: Option<Trouble>) -> Reply {
        if heard.field("content-length").is_empty() {
            return refuse(411, "invalid_request_error", "a length is wanted");
        }
        let key = heard.field("idempotency-key").to_owned();
        if key.is_empty() || heard.field("content-type") != "application/x-www-form-urlencoded" {
            return refuse(400, "invalid_request_error", "a form with a key is wanted");
        }
        let asked = format!("{} {}", heard.path, heard.body);
        if let Some((before, status, body)) = self.remembered.get(&key) {
            if *before != asked {
                return refuse(400, "idempotency_error", "the key came with something else");
            }
            return Reply::Says(*status, "idempotent-replayed: true\r\n", body.clone());
        }
        let fell_over = || {
            let fault = json!({"error": {"type": "api_error", "message": "it fell over"}});
            (500, fault)
        };
        let (status, body) = match trouble {
            Some(Trouble::FailsBefore) => fell_over(),
            Some(Trouble::FailsAfter) => {
                self.books.post(&heard.path, &pairs(&heard.body));
                fell_over()
            }
            _ => self.books.post(&heard.path, &pairs(&heard.body)),
        };
        let body = body.to_string();
        self.remembered.insert(key, (asked, status, body.clone()));
        Reply::Says(status, "", body)
    }
}

fn refuse(status: u16, kind: &str, message: &str) -> Reply {
    let fault = json!({"error": {"type": kind, "message": message}});
    Reply::Says(status, "", fault.to_string())
}

//! The app on somebody's telephone that shows codes (RFC 6238). It knows a secret and the time, and never a shop.
#![expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "tests: what cannot be should stop them"
)]

use crate::{client::Client, process::PASSWORD};
use platform::{clock::Clock, digest::hmac_sha1};
use serde_json::json;

const STEP_MS: i64 = 30_000;
const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// An app that was told a secret.
#[derive(Debug, Clone)]
pub struct App {
    secret: Vec<u8>,
}

impl App {
    /// The app, after this was typed into it.
    pub fn new(secret: &str) -> Self {
        let (mut bytes, mut bits, mut held) = (Vec::new(), 0_u32, 0_u32);
        for letter in secret.chars() {
            let value = ALPHABET.find(letter).expect("base32");
            bits = bits << 5 | u32::try_from(value).expect("a small number");
            held += 5;
            if held >= 8 {
                held -= 8;
                bytes.push(u8::try_from(bits >> held & 0xff).expect("a byte"));
            }
        }
        Self { secret: bytes }
    }

    /// Turns somebody's second factor on with what the app shows now; gives the recovery codes as well.
    pub async fn set_up(somebody: &Client) -> (Self, Vec<String>) {
        let path = "/api/v1/me/second-factor";
        let begun = somebody.post(path, &json!({"password": PASSWORD})).await;
        assert_eq!(begun.status, 200, "{}", begun.text);
        let app = Self::new(begun.str("/secret"));
        let code = json!({"code": app.now(0)});
        let on = somebody.post(&format!("{path}/confirm"), &code).await;
        assert_eq!(on.status, 200, "{}", on.text);
        let codes = on.json["recovery_codes"].as_array().expect("codes");
        let codes = codes.iter().filter_map(|code| code.as_str());
        (app, codes.map(str::to_owned).collect())
    }

    /// What it was told, as bytes.
    pub fn secret(&self) -> &[u8] {
        &self.secret
    }

    /// What it shows at a moment.
    pub fn at(&self, ms: i64) -> String {
        let mac = hmac_sha1(&self.secret, &ms.div_euclid(STEP_MS).to_be_bytes());
        let offset = usize::from(mac[19] & 0x0f);
        let four = mac[offset..].first_chunk::<4>().expect("four bytes");
        let number = u32::from_be_bytes(*four) & 0x7fff_ffff;
        format!("{:06}", number % 1_000_000)
    }

    /// A code that it shows neither at a moment nor within a quarter of an hour of it.
    pub fn never_at(&self, ms: i64) -> String {
        let shown: Vec<String> = (-30..=30)
            .map(|step| self.at(ms + step * STEP_MS))
            .collect();
        let mut codes = (0..).map(|number| format!("{number:06}"));
        let never = codes.find(|code| !shown.contains(code));
        never.expect("there are more codes than that")
    }

    /// A wrong code, now and for a while.
    pub fn never(&self) -> String {
        self.never_at(Clock::System.now().as_ms())
    }

    /// What it shows now, or so many steps later.
    pub fn now(&self, steps_later: i64) -> String {
        self.at(Clock::System.now().as_ms() + steps_later * STEP_MS)
    }
}

//! How Stripe's words are read, and that signatures are those of its documents: the samples were made with Python's
//! `hmac`, in the way of `stripe.WebhookSignature`.

use super::*;
use contracts::values::Currency;
use platform::config::Secret;
use serde_json::json;

const BODY: &str = concat!(
    r#"{"id":"evt_1","object":"event","livemode":false,"data":{"object":"#,
    r#"{"metadata":{"souk_shop":"tried-out","souk_payment":"pay_x"}}}}"#
);
const FIRST: &str = "a151ceb6932dcdef5f84bce17bfec74fa5d60ca1b561f2a79f77d4dc49e28f70";
const SECOND: &str = "98e4be321d16c14167809c1160939cb9316b19db2a6ca096dff2b515a55115dc";
const NOW: i64 = 1_800_000_000;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_ms(seconds.saturating_mul(1_000))
}

fn secrets(names: &[&str]) -> Vec<SecretString> {
    names.iter().map(|name| (*name).into()).collect()
}

fn money(minor: i64, currency: &str) -> Money {
    Money::new(minor, currency.parse().unwrap())
}

fn intent(more: &serde_json::Value) -> Intent {
    let mut intent = json!({
        "id": "pi_1", "status": "requires_capture", "amount": 1999, "currency": "usd", "created": 7,
        "next_action": null, "last_payment_error": null, "latest_charge": "ch_1", "unheard": [{"of": 1}],
    });
    for (name, value) in more.as_object().unwrap() {
        intent
            .as_object_mut()
            .unwrap()
            .insert(name.clone(), value.clone());
    }
    serde_json::from_value(intent).unwrap()
}

#[test]
fn a_signature_is_that_of_stripes_documents_under_each_good_secret() {
    let check = |header: &str, names: &[&str], now: i64| {
        signature::check(header, BODY.as_bytes(), &secrets(names), at(now)).is_ok()
    };
    let first = format!("t={NOW},v1={FIRST}");
    let both = format!("t={NOW},v1={FIRST},v1={SECOND},v0=6ffb");
    assert!(check(&first, &["whsec_first"], NOW));
    assert!(check(&first, &["whsec_second", "whsec_first"], NOW));
    assert!(check(&both, &["whsec_second"], NOW.saturating_add(300)));
    assert!(check(&both, &["whsec_first"], NOW.saturating_sub(300)));
    assert!(!check(&first, &["whsec_second"], NOW), "another secret");
    assert!(!check(&first, &[], NOW), "no secret at all");
    assert!(!check(&both, &["whsec_first"], NOW.saturating_add(301)));
    assert!(!check(&both, &["whsec_first"], NOW.saturating_sub(301)));
    for broken in [
        String::new(),
        format!("v1={FIRST}"),
        format!("t={NOW}"),
        format!("t={NOW},v0={FIRST}"),
        format!("t={NOW},v1={}", FIRST.to_ascii_uppercase()),
        format!("t={},v1={FIRST}", NOW.saturating_add(1)),
        format!("t={NOW},v1={}", FIRST.trim_end_matches('0')),
    ] {
        assert!(!check(&broken, &["whsec_first"], NOW), "{broken}");
    }
    let longer = [BODY.as_bytes(), b" "].concat();
    let other = signature::check(&first, &longer, &secrets(&["whsec_first"]), at(NOW));
    assert!(other.is_err(), "another body");
}

#[test]
fn every_state_of_an_intent_is_one_of_a_charge() {
    let error = json!({"type": "card_error", "code": "card_declined", "decline_code": "lost_card"});
    for (more, state, captured) in [
        (json!({}), ChargeState::Authorised, 0),
        (
            json!({"status": "succeeded", "amount_received": 1500}),
            ChargeState::Captured,
            1_500,
        ),
        (json!({"status": "succeeded"}), ChargeState::Captured, 1_999),
        (json!({"status": "canceled"}), ChargeState::Voided, 0),
        (
            json!({"status": "canceled", "last_payment_error": error}),
            ChargeState::Declined,
            0,
        ),
        (
            json!({"status": "requires_payment_method", "last_payment_error": error}),
            ChargeState::Declined,
            0,
        ),
        (
            json!({"status": "requires_payment_method"}),
            ChargeState::Challenged,
            0,
        ),
        (
            json!({"status": "requires_confirmation"}),
            ChargeState::Challenged,
            0,
        ),
        (json!({"status": "processing"}), ChargeState::Challenged, 0),
        (
            json!({"status": "requires_action"}),
            ChargeState::Challenged,
            0,
        ),
        (json!({"status": "unheard of"}), ChargeState::Challenged, 0),
    ] {
        let charge = read_charge("k", intent(&more)).unwrap();
        assert_eq!(
            (charge.state, charge.captured_minor),
            (state, captured),
            "{more}"
        );
        assert_eq!((charge.key.as_str(), charge.number), ("k", 7));
        let is_declined = state == ChargeState::Declined;
        assert_eq!(charge.decline_code.is_some(), is_declined, "{more}");
        assert_ne!(charge.decline_code.as_deref(), Some("lost_card"));
    }
}

#[test]
fn what_was_given_back_and_where_a_proof_is_given_are_read() {
    let given =
        json!({"status": "succeeded", "latest_charge": {"amount_refunded": 500, "id": "ch"}});
    let charge = read_charge("k", intent(&given)).unwrap();
    assert_eq!((charge.refunded_minor, charge.net_minor()), (500, 1_499));
    let action = json!({
        "status": "requires_action",
        "next_action": {"type": "redirect_to_url", "redirect_to_url": {"url": "https://bank.example/x"}},
    });
    let charge = read_charge("k", intent(&action)).unwrap();
    assert_eq!(charge.action_url.as_deref(), Some("https://bank.example/x"));
    let other = json!({"status": "requires_action", "next_action": {"type": "use_stripe_sdk"}});
    assert_eq!(read_charge("k", intent(&other)).unwrap().action_url, None);
    assert!(read_charge("k", intent(&json!({"currency": "zzz"}))).is_none());
}

#[test]
fn amounts_are_said_as_stripe_counts_them_and_read_back_as_ours() {
    for (ours, currency, said) in [
        (1_999, "USD", Some(1_999)),
        (1_999, "EUR", Some(1_999)),
        (500, "JPY", Some(500)),
        (500, "KRW", Some(500)),
        (500, "ISK", Some(50_000)),
        (500, "UGX", Some(50_000)),
        (500, "MGA", Some(5)),
        (550, "MGA", None),
        (5_120, "KWD", Some(5_120)),
        (5_124, "KWD", None),
        (5_120, "IQD", Some(512)),
        (5_124, "IQD", None),
        (i64::MAX, "ISK", None),
    ] {
        assert_eq!(
            amount::to_stripe(money(ours, currency)),
            said,
            "{ours} {currency}"
        );
        if let Some(said) = said {
            let currency: Currency = currency.parse().unwrap();
            assert_eq!(amount::from_stripe(said, currency), Some(ours));
        }
    }
    assert_eq!(amount::currency("usd"), "USD".parse().ok());
    assert_eq!(amount::currency("points"), None);
}

fn settings() -> Settings {
    let none = Secret::default;
    Settings {
        mode: Mode::Test,
        shop: "tried-out".to_owned(),
        secret_key: Secret::from(SecretString::from("sk_test_1")),
        webhook_secret: Secret::from(SecretString::from("whsec_first")),
        webhook_secret_before: none(),
        publishable_key: String::new(),
        api: "https://api.stripe.com".to_owned(),
        return_url: String::new(),
        timeout_ms: 4_000,
        in_flight_max: 8,
        answer_bytes_max: 65_536,
        books_days: 30,
        verified_hours: 24,
    }
}

fn outside() -> outward::Options {
    #[derive(serde::Deserialize)]
    struct All {
        outward: outward::Options,
    }
    let sources = platform::config::Sources {
        defaults: outward::DEFAULTS,
        file: None,
        environment: false,
    };
    let all: All = platform::config::load(&sources, json!({})).unwrap();
    all.outward
}

/// Settings with one thing changed.
fn but(change: impl FnOnce(&mut Settings)) -> Settings {
    let mut changed = settings();
    change(&mut changed);
    changed
}

fn refused(broken: &[(Settings, &str)]) {
    for (settings, key) in broken {
        let refused = settings.check(&outside()).unwrap_err();
        assert!(refused.starts_with(key), "{key}: {refused}");
        assert!(!refused.contains("sk_live_1") && !refused.contains("sk_test_1"));
    }
}

fn secret(text: &str) -> Secret {
    Secret::from(SecretString::from(text))
}

fn live(settings: &mut Settings) {
    settings.mode = Mode::Live;
    settings.secret_key = secret("rk_live_1");
}

#[test]
fn a_shop_does_not_start_without_its_secrets_or_with_those_of_the_other_mode() {
    assert_eq!(settings().check(&outside()), Ok(()));
    assert_eq!(but(live).check(&outside()), Ok(()));
    let key = |text: &str| but(|all| all.secret_key = secret(text));
    let signed_by = |text: &str| but(|all| all.webhook_secret = secret(text));
    refused(&[
        (key(""), "secret_key: Stripe is the provider"),
        (key("pk_test_1"), "secret_key: it begins"),
        (key("sk_test_1 x"), "secret_key: it begins"),
        (key("sk_live_1"), "secret_key: a live key"),
        (but(|all| all.mode = Mode::Live), "secret_key: a test key"),
        (signed_by(""), "webhook_secret: callbacks"),
        (signed_by("first"), "webhook_secret: it begins"),
        (
            but(|all| all.webhook_secret_before = secret("first")),
            "webhook_secret_before",
        ),
    ]);
}

#[test]
fn a_shop_does_not_start_with_settings_that_cannot_work() {
    let api = |text: &str| but(|all| text.clone_into(&mut all.api));
    let elsewhere = Settings {
        api: "https://stripe.example".to_owned(),
        ..but(live)
    };
    refused(&[
        (but(|all| all.shop.clear()), "shop"),
        (but(|all| all.shop = "A'".to_owned()), "shop"),
        (api("stripe"), "api"),
        (api("https://127.0.0.1"), "api"),
        (api("https://api.stripe.com/"), "api"),
        (elsewhere, "api: a live key"),
        (
            but(|all| all.return_url = "javascript:x".to_owned()),
            "return_url",
        ),
        (but(|all| all.timeout_ms = 0), "timeout_ms"),
        (but(|all| all.in_flight_max = 0), "in_flight_max"),
        (but(|all| all.answer_bytes_max = 1), "answer_bytes_max"),
        (but(|all| all.books_days = 0), "books_days"),
        (but(|all| all.verified_hours = 0), "verified_hours"),
    ]);
}

#[test]
fn pages_take_cards_with_a_key_of_the_same_mode_and_live_ones_on_tls_only() {
    let key = |text: &str| but(|all| text.clone_into(&mut all.publishable_key));
    let (plain, sealed) = ("http://127.0.0.1:8080", "https://shop.example");
    assert_eq!(key("pk_test_1").check_pages(plain), Ok(()));
    for wrong in ["pk_live_1", "sk_test_1", "pk_test_1\"><script>"] {
        let refused = key(wrong).check_pages(plain).unwrap_err();
        assert!(
            refused.starts_with("payments.stripe.publishable_key"),
            "{refused}"
        );
        assert!(!refused.contains(wrong), "{refused}");
    }
    let sold = Settings {
        publishable_key: "pk_live_1".to_owned(),
        ..but(live)
    };
    assert_eq!(sold.check_pages(sealed), Ok(()));
    let refused = sold.check_pages(plain).unwrap_err();
    assert!(refused.starts_with("http.public_url"), "{refused}");
}

//! The account's books: intents, refunds, and what is called back about. Every request is decided here, and only here.

use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What is younger is not found yet.
const SEARCH_LAG_SECONDS: i64 = 60;

type Form = BTreeMap<String, String>;
type Answer = (u16, Value);

/// What is there.
#[derive(Default)]
pub(super) struct Books {
    /// Seconds since 1970.
    pub(super) now: i64,
    pub(super) intents: Vec<Value>,
    pub(super) refunds: Vec<Value>,
    /// Bodies of callbacks.
    pub(super) events: Vec<String>,
    events_made: usize,
}

fn fault(status: u16, code: &str, param: &str) -> Answer {
    let kind = if status == 402 {
        "card_error"
    } else {
        "invalid_request_error"
    };
    let mut error = json!({"type": kind, "code": code, "message": format!("{code}, says Stripe")});
    if !param.is_empty() {
        error["param"] = json!(param);
    }
    (status, json!({ "error": error }))
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

impl Books {
    pub(super) fn get(&self, path: &str, query: &Form) -> Answer {
        match path {
            "/v1/payment_intents" => self.listed(&self.intents, query),
            "/v1/payment_intents/search" => {
                let wanted = query.get("query").cloned().unwrap_or_default();
                let known = self.now - SEARCH_LAG_SECONDS;
                let is_wanted = |intent: &&Value| {
                    let is_found = intent["created"].as_i64().unwrap_or_default() <= known;
                    is_found
                        && ["souk_payment", "souk_shop"].iter().all(|name| {
                            let value = text(&intent["metadata"], name);
                            wanted.contains(&format!("metadata['{name}']:'{value}'"))
                        })
                };
                let found: Vec<&Value> = self.intents.iter().filter(is_wanted).collect();
                (
                    200,
                    json!({"object": "search_result", "data": found, "has_more": false}),
                )
            }
            "/v1/refunds" => {
                let of = query.get("payment_intent").cloned().unwrap_or_default();
                let of_it = |refund: &&Value| text(refund, "payment_intent") == of;
                let refunds: Vec<Value> = self.refunds.iter().filter(of_it).cloned().collect();
                self.listed(&refunds, query)
            }
            path => {
                let id = path.rsplit('/').next().unwrap_or_default();
                let found = self.intents.iter().find(|intent| text(intent, "id") == id);
                found.map_or_else(
                    || fault(404, "resource_missing", "intent"),
                    |intent| (200, intent.clone()),
                )
            }
        }
    }

    /// Newest first, as Stripe lists.
    fn listed(&self, all: &[Value], query: &Form) -> Answer {
        let number = |name: &str| query.get(name).and_then(|text| text.parse::<i64>().ok());
        let after = number("created[gt]").unwrap_or(i64::MIN);
        let upto = number("created[lte]").unwrap_or(i64::MAX);
        let limit = usize::try_from(number("limit").unwrap_or(10)).unwrap_or(10);
        let in_time = |one: &&Value| {
            let made = one["created"].as_i64().unwrap_or_default();
            made > after && made <= upto
        };
        let mut found: Vec<&Value> = all.iter().rev().filter(in_time).collect();
        found.sort_by_key(|one| std::cmp::Reverse(one["created"].as_i64()));
        if let Some(last) = query.get("starting_after") {
            let place = found.iter().position(|one| text(one, "id") == last);
            found.drain(..=place.expect("an object of the list"));
        }
        let has_more = found.len() > limit;
        found.truncate(limit);
        (
            200,
            json!({"object": "list", "data": found, "has_more": has_more}),
        )
    }

    pub(super) fn post(&mut self, path: &str, form: &Form) -> Answer {
        let parts: Vec<&str> = path.split('/').collect();
        match parts.as_slice() {
            ["", "v1", "payment_intents"] => self.make(form),
            ["", "v1", "refunds"] => self.refund(form),
            ["", "v1", "payment_intents", id, what] => {
                let place = self.intents.iter().position(|one| text(one, "id") == *id);
                match place {
                    Some(place) => self.change(place, what, form),
                    None => fault(404, "resource_missing", "intent"),
                }
            }
            _ => fault(404, "resource_missing", ""),
        }
    }

    fn make(&mut self, form: &Form) -> Answer {
        let of = |name: &str| form.get(name).cloned().unwrap_or_default();
        let known = [
            "amount",
            "currency",
            "capture_method",
            "payment_method",
            "payment_method_types[]",
            "metadata[souk_shop]",
            "metadata[souk_payment]",
        ];
        if let Some(unknown) = form.keys().find(|name| !known.contains(&name.as_str())) {
            return fault(400, "parameter_unknown", unknown);
        }
        assert_eq!(of("capture_method"), "manual");
        if !of("payment_method").starts_with("pm_card_") {
            return fault(400, "resource_missing", "payment_method");
        }
        let amount: i64 = of("amount").parse().expect("a whole number");
        if amount < 30 {
            return fault(400, "amount_too_small", "amount");
        }
        let (shop, key) = (of("metadata[souk_shop]"), of("metadata[souk_payment]"));
        self.stray(&shop, &key, amount, "requires_confirmation");
        let now = self.now;
        let made = self.intents.last_mut().expect("one was made");
        made["currency"] = json!(of("currency"));
        made["payment_method"] = json!(of("payment_method"));
        made["created"] = json!(now);
        (200, made.clone())
    }

    pub(super) fn stray(&mut self, shop: &str, key: &str, amount: i64, status: &str) {
        let id = format!("pi_{}", self.intents.len() + 1);
        let is_taken = status == "succeeded";
        let charge = json!({"id": format!("ch_{id}"), "amount_refunded": 0});
        self.intents.push(json!({
            "id": id, "object": "payment_intent", "amount": amount, "currency": "usd", "created": self.now,
            "amount_received": if is_taken { amount } else { 0 }, "status": status, "livemode": false,
            "metadata": {"souk_shop": shop, "souk_payment": key}, "next_action": null,
            "last_payment_error": null, "latest_charge": if is_taken { charge } else { Value::Null },
            "client_secret": "not for us", "a field of next year": {"deep": [1, 2]},
        }));
    }

    fn change(&mut self, place: usize, what: &str, form: &Form) -> Answer {
        let intent = &mut self.intents[place];
        let status = text(intent, "status").to_owned();
        match (what, status.as_str()) {
            ("confirm", "requires_confirmation" | "requires_payment_method") => {
                self.confirm(place, form)
            }
            ("capture", "requires_capture") => {
                assert_eq!(
                    form.get("amount_to_capture"),
                    Some(&intent["amount"].to_string())
                );
                intent["status"] = json!("succeeded");
                intent["amount_received"] = intent["amount"].clone();
                self.tell("payment_intent.succeeded", place)
            }
            ("cancel", "succeeded" | "canceled") | ("confirm" | "capture", _) => {
                fault(400, "payment_intent_unexpected_state", "")
            }
            ("cancel", _) => {
                intent["status"] = json!("canceled");
                intent["next_action"] = Value::Null;
                self.tell("payment_intent.canceled", place)
            }
            _ => fault(404, "resource_missing", ""),
        }
    }

    fn confirm(&mut self, place: usize, form: &Form) -> Answer {
        let intent = &mut self.intents[place];
        let method = text(intent, "payment_method").to_owned();
        match method.strip_prefix("pm_card_").unwrap_or_default() {
            "visa" => self.hold(place),
            "challenge" => {
                intent["status"] = json!("requires_action");
                let id = text(intent, "id");
                intent["next_action"] = match form.get("return_url") {
                    Some(back) => json!({
                        "type": "redirect_to_url",
                        "redirect_to_url": {"url": format!("https://bank.example/{id}"), "return_url": back},
                    }),
                    None => json!({"type": "use_stripe_sdk", "use_stripe_sdk": {}}),
                };
                self.tell("payment_intent.requires_action", place)
            }
            code => {
                let error =
                    json!({"type": "card_error", "code": "card_declined", "decline_code": code});
                intent["status"] = json!("requires_payment_method");
                intent["last_payment_error"] = error.clone();
                self.tell("payment_intent.payment_failed", place);
                (402, json!({ "error": error }))
            }
        }
    }

    fn hold(&mut self, place: usize) -> Answer {
        let intent = &mut self.intents[place];
        let id = format!("ch_{}", text(intent, "id"));
        intent["status"] = json!("requires_capture");
        intent["next_action"] = Value::Null;
        intent["latest_charge"] = json!({"id": id, "amount_refunded": 0});
        self.tell("payment_intent.amount_capturable_updated", place)
    }

    pub(super) fn try_again(&mut self, id: &str) {
        let place = self.intents.iter().position(|one| text(one, "id") == id);
        let place = place.expect("an intent");
        assert_eq!(
            text(&self.intents[place], "status"),
            "requires_payment_method"
        );
        self.intents[place]["last_payment_error"] = Value::Null;
        self.hold(place);
    }

    pub(super) fn prove(&mut self, id: &str, is_owner: bool) {
        let place = self.intents.iter().position(|one| text(one, "id") == id);
        let place = place.expect("a challenge");
        assert_eq!(text(&self.intents[place], "status"), "requires_action");
        if is_owner {
            self.hold(place);
            return;
        }
        let intent = &mut self.intents[place];
        intent["status"] = json!("requires_payment_method");
        intent["next_action"] = Value::Null;
        intent["last_payment_error"] = json!({
            "type": "invalid_request_error", "code": "payment_intent_authentication_failure",
        });
        self.tell("payment_intent.payment_failed", place);
    }

    fn refund(&mut self, form: &Form) -> Answer {
        let of = |name: &str| form.get(name).cloned().unwrap_or_default();
        let intent = of("payment_intent");
        let found = self.intents.iter_mut();
        let Some(intent) = found.into_iter().find(|one| text(one, "id") == intent) else {
            return fault(400, "resource_missing", "payment_intent");
        };
        let amount: i64 = of("amount").parse().expect("a whole number");
        let back = intent["latest_charge"]["amount_refunded"].as_i64();
        let total = back.unwrap_or_default() + amount;
        if text(intent, "status") != "succeeded" || Some(total) > intent["amount"].as_i64() {
            return fault(400, "charge_already_refunded", "");
        }
        intent["latest_charge"]["amount_refunded"] = json!(total);
        let refund = json!({
            "id": format!("re_{}", self.refunds.len() + 1), "object": "refund", "amount": amount,
            "payment_intent": text(intent, "id"), "status": "succeeded", "created": self.now,
            "metadata": {"souk_shop": of("metadata[souk_shop]"), "souk_refund": of("metadata[souk_refund]")},
        });
        self.refunds.push(refund.clone());
        (200, refund)
    }

    /// Notes a callback; answers with the intent.
    fn tell(&mut self, kind: &str, place: usize) -> Answer {
        self.events_made += 1;
        let intent = self.intents[place].clone();
        let event = json!({
            "id": format!("evt_{}", self.events_made), "object": "event", "type": kind, "livemode": false,
            "created": self.now, "data": {"object": intent},
        });
        self.events.push(event.to_string());
        (200, self.intents[place].clone())
    }
}

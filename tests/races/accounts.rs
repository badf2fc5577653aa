//! Registrations and sign-ins of one person at once. Never two accounts for one address, however it is written, and
//! never two sessions for one code.

use crate::{ground::Ground, outcomes};
use futures_util::future::join_all;
use serde_json::json;
use std::collections::BTreeMap;
use testkit::{App, PASSWORD};

/// Sixteen ways to write `anna` in capitals and small letters, each also in full-width letters.
fn spellings() -> Vec<String> {
    let full_width = |c: char| char::from_u32(u32::from(c) + 0xfee0).unwrap_or(c);
    let mut all = Vec::new();
    for mask in 0_u8..16 {
        let local: String = "anna"
            .char_indices()
            .map(|(index, c)| {
                if mask >> index & 1 == 1 {
                    c.to_ascii_uppercase()
                } else {
                    c
                }
            })
            .collect();
        all.push(format!("{local}@Souk.example"));
        all.push(format!(
            "{}@souk.EXAMPLE",
            local.chars().map(full_width).collect::<String>()
        ));
    }
    all
}

async fn of_32_registrations_of_one_address_in_all_spellings_one_opens_the_account(shop: Ground) {
    let visitor = shop.visitor();
    let spellings = spellings();
    let registering = spellings.iter().enumerate().map(|(number, email)| {
        let body = json!({"email": email, "password": "correct horse battery", "name": format!("Anna {number}")});
        let visitor = &visitor;
        async move { visitor.post("/api/v1/auth/register", &body).await }
    });
    let answers = join_all(registering).await;
    let expected = BTreeMap::from([((201, ""), 1), ((409, "email_taken"), 31)]);
    assert_eq!(outcomes(&answers), expected);
    let winner = answers
        .iter()
        .find(|answer| answer.status == 201)
        .map(|answer| answer.str("/user/id"));
    for email in &spellings {
        let body = json!({"email": email, "password": "correct horse battery"});
        let answer = visitor.post("/api/v1/auth/login", &body).await;
        assert_eq!(
            (answer.status, Some(answer.str("/user/id"))),
            (200, winner),
            "{email}"
        );
    }
    shop.verify().await;
}

async fn of_64_uses_of_one_code_one_opens_a_session(shop: Ground) {
    let visitor = shop.visitor();
    // Somebody else for each: whoever loses has to wait afterwards.
    for (name, recovers) in [("ann", false), ("bob", true)] {
        let owner = shop.customer(name).await;
        let (app, codes) = App::set_up(&owner).await;
        let login = json!({"email": format!("{name}@souk.example"), "password": PASSWORD});
        let asked = visitor.post("/api/v1/auth/login", &login).await;
        assert_eq!(asked.code(), "second_factor_required", "{}", asked.text);
        let code = if recovers {
            codes[0].clone()
        } else {
            app.now(1)
        };
        let body = json!({"challenge": asked.str("/challenge"), "code": code});
        let answering = (0..64).map(|_| visitor.post("/api/v1/auth/login/second-factor", &body));
        let answers = join_all(answering).await;
        let outcomes = outcomes(&answers);
        assert_eq!(outcomes.get(&(200, "")), Some(&1), "{outcomes:?}");
        let refused = [(401, "invalid_code"), (429, "rate_limited")];
        let refused = refused.iter().filter_map(|outcome| outcomes.get(outcome));
        assert_eq!(refused.sum::<usize>(), 63, "{outcomes:?}");
        let sessions = owner.get("/api/v1/me/sessions").await;
        let open = sessions.json["data"].as_array().map(Vec::len);
        assert_eq!(open, Some(2), "{}", sessions.text);
        let factor = owner.get("/api/v1/me/second-factor").await;
        let left = if recovers { 9 } else { 10 };
        assert_eq!(factor.int("/recovery_codes_left"), left);
    }
}

on_both_grounds! {
    of_64_uses_of_one_code_one_opens_a_session,
    of_32_registrations_of_one_address_in_all_spellings_one_opens_the_account,
}

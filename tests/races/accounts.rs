//! Registrations of one person at once. Never two accounts for one address, however it is written.

use crate::{ground::Ground, outcomes};
use futures_util::future::join_all;
use serde_json::json;
use std::collections::BTreeMap;

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

on_both_grounds! {
    of_32_registrations_of_one_address_in_all_spellings_one_opens_the_account,
}

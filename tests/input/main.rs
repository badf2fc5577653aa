//! What callers may send and must not: every route with bodies, addresses and headers that are malformed, hostile
//! or too much. Each is refused in the one shape, says nothing of our insides, and changes nothing.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    clippy::panic,
    reason = "a test that cannot go on should stop"
)]

mod addresses;
mod ask;
mod early;
mod floods;
mod hostile;
mod pages;
mod protocol;
mod rules;
mod values;
mod world;
mod writes;

use ask::{Ask, all_refused};
use world::World;

#[tokio::test]
async fn bodies_that_are_wrong_are_refused_and_change_nothing() {
    let world = World::new().await;
    let before = world.census().await;
    all_refused(world.url(), hostile::cases(&world)).await;
    world.assert_unchanged(&before).await;
    // They were refused for what was changed in them: unchanged, they are taken.
    for (number, route) in writes::ROUTES.iter().enumerate() {
        let ask = Ask::new(world.fill(route.line)).by(world.client(route.by));
        let ask = ask
            .header("idempotency-key", format!("valid-{number}"))
            .json(world.fill(route.body));
        let answer = ask.send(world.url()).await.unwrap();
        assert_eq!(
            answer.status, route.status,
            "{}: {}",
            route.line, answer.text
        );
    }
}

#[tokio::test]
async fn values_that_break_a_rule_are_refused_and_change_nothing() {
    let world = World::new().await;
    let before = world.census().await;
    all_refused(world.url(), rules::cases(&world)).await;
    world.assert_unchanged(&before).await;
}

#[tokio::test]
async fn addresses_that_are_wrong_are_refused_and_change_nothing() {
    let world = World::new().await;
    let before = world.census().await;
    all_refused(world.url(), addresses::ids(&world)).await;
    all_refused(world.url(), addresses::queries(&world)).await;
    all_refused(world.url(), addresses::nowhere(&world)).await;
    addresses::assert_methods(&world).await;
    addresses::assert_heads(&world).await;
    world.assert_unchanged(&before).await;
}

#[tokio::test]
async fn a_search_finds_what_it_names_whatever_it_looks_like() {
    let world = World::new().await;
    addresses::assert_searches(&world).await;
    addresses::assert_every_slug_leads_to_its_product(&world).await;
}

#[tokio::test]
async fn whoever_is_answered_before_their_body_has_come_keeps_the_connection_or_is_told() {
    early::assert_nobody_is_cut_off(&World::new().await).await;
}

#[tokio::test]
async fn of_many_who_do_not_come_to_the_end_of_what_they_ask_some_are_waited_for() {
    floods::assert_only_some_are_waited_for(&World::new().await).await;
}

#[tokio::test]
async fn floods_of_http_2_are_ended_and_others_are_served() {
    floods::assert_floods_are_ended(&World::new().await).await;
}

#[tokio::test]
async fn requests_that_are_odd_broken_or_too_much_are_refused_and_change_nothing() {
    let world = World::new().await;
    let before = world.census().await;
    all_refused(world.url(), protocol::keys(&world)).await;
    all_refused(world.url(), protocol::preconditions(&world)).await;
    all_refused(world.url(), protocol::limits(&world)).await;
    protocol::assert_broken_requests_end(&world).await;
    protocol::assert_nothing_is_smuggled(&world).await;
    protocol::assert_odd_headers_do_no_harm(&world).await;
    pages::assert_forms_refuse(&world).await;
    pages::assert_pages_hold(&world).await;
    pages::assert_problems_are_explained(&world).await;
    pages::assert_a_batch_tells_each(&world).await;
    pages::assert_an_import_tells_each(&world).await;
    world.assert_unchanged(&before).await;
}

//! Buying by card on the pages, with a Stripe of the tests' own behind the shop. Stripe's script and the person who
//! types a card's number are played here, by sending the form as the page's script does; in a real browser that is
//! tried by `cargo xtask security stripe`.

use crate::{
    browser::{Browser, all, field},
    buying::{check_out, put_in},
    guards::check_headers,
};
use serde_json::{Value, json};
use testkit::{Answer, Client, Shop, Stripe, on_both_stores};

const KEY: &str = "pk_test_of_the_shop";

/// A shop whose pages take cards, and what it lacks of the settings of others.
async fn shop(stripe: &Stripe, more: &[(&str, &str)]) -> Shop {
    stripe.at_our_time();
    let given = stripe.settings();
    let mut settings = vec![
        ("SOUK_SHOP__DEMO", "true"),
        ("SOUK_PAYMENTS__STRIPE__PUBLISHABLE_KEY", KEY),
        ("SOUK_PAYMENTS__SWEEP_EVERY_MS", "100"),
    ];
    settings.extend(given.iter().map(|(name, value)| (&**name, &**value)));
    // Buyers come back to the shop's own page.
    settings.push(("SOUK_PAYMENTS__STRIPE__RETURN_URL", ""));
    settings.extend(more);
    Shop::start_with(&settings).await
}

/// The same, with a Stripe of its own.
async fn open(more: &[(&str, &str)]) -> (Stripe, Shop) {
    let stripe = Stripe::start();
    let shop = shop(&stripe, more).await;
    (stripe, shop)
}

on_both_stores! {
    open:
    a_guest_orders_first_and_pays_then_with_what_stripe_made_of_the_card,
    a_bank_that_wants_a_proof_sends_its_customer_back_to_the_order,
    a_form_that_is_sent_twice_and_two_tabs_are_one_payment,
}

/// Orders one thing as a guest; where the card is asked for then.
async fn order(guest: &mut Browser) -> String {
    put_in(guest, "1").await;
    let page = guest.get("/checkout").await;
    assert!(page.text.contains("go on to pay") && !page.text.contains("name=\"method\""));
    assert!(!asks_for_a_card(&page), "{}", page.text);
    let ordered = check_out(guest, "gus@souk.example", "").await;
    assert_eq!(ordered.status, 303, "{}", ordered.text);
    ordered.header("location").to_owned()
}

/// Whether a browser would fill in something of a card on this page, or a field of it is called so.
fn asks_for_a_card(page: &Answer) -> bool {
    let named = ["card", "number", "cvc", "cvv", "exp", "pan"].map(|name| format!("name=\"{name}"));
    page.text.contains("autocomplete=\"cc-") || named.iter().any(|name| page.text.contains(name))
}

/// What stands in an attribute where a text begins it first.
fn first<'p>(page: &'p Answer, start: &str) -> &'p str {
    let found = all(page, start);
    found.first().expect("the attribute")
}

/// Sends the page's form as its script does when Stripe has made this of a card.
async fn send(guest: &mut Browser, page: &Answer, method: &str) -> Answer {
    let one = |name| field(page, name).expect("a hidden field");
    let (csrf, attempt) = (one("csrf"), one("attempt"));
    let action = first(page, "<form id=\"card-form\" action=\"").to_owned();
    let fields = [
        ("csrf", csrf.as_str()),
        ("attempt", attempt.as_str()),
        ("method", method),
    ];
    let sent = guest.submit(&action, &fields).await;
    assert_eq!(sent.status, 303, "{}", sent.text);
    sent
}

/// What somebody sees who follows.
async fn follow(guest: &mut Browser, answer: &Answer) -> Answer {
    guest.get(answer.header("location")).await
}

fn id(place: &str) -> &str {
    let rest = place.strip_prefix("/order/").expect("an order's address");
    rest.split(['/', '?']).next().expect("its id")
}

/// The only order, once it stands so.
async fn the_only_order_is(admin: &Client, status: &str) -> Answer {
    let is_so = |answer: &Answer| answer.str("/data/0/status") == status;
    let list = admin.get_until("/api/v1/orders", is_so).await;
    assert!(list.json.pointer("/data/1").is_none(), "{}", list.text);
    list
}

/// Stripe tells the shop of what happened last.
async fn call_back(stripe: &Stripe, shop: &Shop) {
    let body = stripe.events().pop().expect("a callback");
    let signature = stripe.sign(&body, stripe.at_our_time());
    let path = "/api/v1/payments/providers/stripe/webhook";
    let visitor = shop.visitor();
    let request = visitor.request(reqwest::Method::POST, path);
    let request = request
        .header("stripe-signature", signature)
        .header("content-type", "application/json");
    let taken = visitor.send(request.body(body)).await;
    assert_eq!(taken.status, 200, "{}", taken.text);
}

async fn a_guest_orders_first_and_pays_then_with_what_stripe_made_of_the_card(
    (stripe, mut shop): (Stripe, Shop),
) {
    let admin = shop.admin().await;
    let mut guest = Browser::new(&shop);
    let place = order(&mut guest).await;
    assert!(place.ends_with("/pay"), "{place}");
    // The order is in before anything was asked of Stripe.
    the_only_order_is(&admin, "pending").await;
    assert_eq!(stripe.intents().len(), 0);
    let page = guest.get(&place).await;
    check_headers(&page, &place);
    let policy = page.header("content-security-policy");
    for rule in [
        "script-src 'self' https://js.stripe.com https://*.js.stripe.com;",
        "frame-src https://js.stripe.com https://*.js.stripe.com;",
        "connect-src 'self' https://api.stripe.com;",
    ] {
        assert!(policy.contains(rule), "{policy}");
    }
    let scripts = all(&page, "<script src=\"").try_into();
    let [of_stripe, ours, _of_every_page]: [&str; 3] = scripts.expect("three scripts");
    assert_eq!(of_stripe, "https://js.stripe.com/v3/");
    let script = guest.get(ours).await;
    assert_eq!(
        (script.status, script.header("content-type")),
        (200, "text/javascript; charset=utf-8")
    );
    assert!(page.text.contains(&format!("data-key=\"{KEY}\"")));
    assert!(page.text.contains("<noscript>") && page.text.contains("needs JavaScript"));
    assert!(page.text.contains("<button type=\"submit\" disabled>"));
    assert!(!page.text.contains("sk_test") && !page.text.contains("whsec"));
    assert!(!asks_for_a_card(&page), "its field is Stripe's");
    // No other page opens anything.
    let order = format!("/order/{}", id(&place));
    for other in ["/", "/cart", "/sign-in", order.as_str()] {
        let page = guest.get(other).await;
        let policy = page.header("content-security-policy");
        assert!(!policy.contains("stripe"), "{other}: {policy}");
        assert!(!page.text.contains("<script src=\"http"), "{other}");
        assert!(!asks_for_a_card(&page), "{other}");
    }
    // Declined, and paid with another card.
    let declined = send(&mut guest, &page, "pm_card_declined").await;
    let shown = follow(&mut guest, &declined).await;
    assert!(shown.text.contains("was declined"), "{}", shown.text);
    assert!(
        shown.text.contains(&format!("href=\"{place}\"")),
        "{}",
        shown.text
    );
    let page = guest.get(&place).await;
    let paid = send(&mut guest, &page, "pm_card_visa").await;
    let shown = follow(&mut guest, &paid).await;
    assert!(shown.text.contains("Thank you"), "{}", shown.text);
    let list = the_only_order_is(&admin, "paid").await;
    assert_eq!(stripe.holds(), list.int("/data/0/total/amount"));
    // What is paid is not paid again, and nobody else gets as far.
    let again = guest.get(&place).await;
    assert_eq!((again.status, again.header("location")), (303, &*order));
    let mut other = Browser::new(&shop);
    let hidden = other.get(&place).await;
    assert!(matches!(hidden.status, 401 | 404), "{}", hidden.status);
    shop.verify().await;
}

async fn a_bank_that_wants_a_proof_sends_its_customer_back_to_the_order(
    (stripe, mut shop): (Stripe, Shop),
) {
    let admin = shop.admin().await;
    let mut guest = Browser::new(&shop);
    for (turn, is_owner) in [false, true].into_iter().enumerate() {
        let place = match turn {
            0 => order(&mut guest).await,
            _ => format!(
                "/order/{}/pay",
                the_only_order_is(&admin, "pending").await.str("/data/0/id")
            ),
        };
        let page = guest.get(&place).await;
        let begun = send(&mut guest, &page, "pm_card_challenge").await;
        let shown = follow(&mut guest, &begun).await;
        assert!(shown.text.contains("wants to be sure"), "{}", shown.text);
        let bank = first(&shown, "<a class=\"button\" href=\"").to_owned();
        assert!(bank.starts_with("https://bank.example/"), "{bank}");
        // Stripe leads back to where it was told to, with words of its own behind.
        let intents = stripe.intents();
        let intent = intents.last().expect("an intent");
        let back = intent.pointer("/next_action/redirect_to_url/return_url");
        let back = back.and_then(Value::as_str).expect("a way back");
        let path = back.strip_prefix(shop.url()).expect("a page of the shop");
        stripe.prove(&bank, is_owner);
        call_back(&stripe, &shop).await;
        let path = format!("{path}?redirect_status=succeeded&payment_intent_client_secret=x");
        let returned = guest.get(&path).await;
        assert_eq!(returned.status, 303, "{}", returned.text);
        let there = returned.header("location").to_owned();
        assert!(there.starts_with(&format!("/order/{}?", id(&place))) && !there.contains("secret"));
        let mut other = Browser::new(&shop);
        let hidden = other.get(&path).await;
        assert!(matches!(hidden.status, 401 | 404), "{}", hidden.status);
        // The page loads itself again until the bank's word is there.
        let words = if is_owner {
            "Thank you"
        } else {
            "was declined"
        };
        let mut shown = guest.get(&there).await;
        for _ in 0..300 {
            if shown.text.contains(words) {
                break;
            }
            assert_eq!(shown.status, 200, "{}", shown.text);
            let again = "<noscript><meta http-equiv=\"refresh\" content=\"5\">";
            assert!(shown.text.contains(again), "{}", shown.text);
            shown = guest.get(&there).await;
        }
        assert!(shown.text.contains(words), "{}", shown.text);
    }
    the_only_order_is(&admin, "paid").await;
    shop.verify().await;
}

async fn a_form_that_is_sent_twice_and_two_tabs_are_one_payment(
    (stripe, mut shop): (Stripe, Shop),
) {
    let admin = shop.admin().await;
    let mut guest = Browser::new(&shop);
    let place = order(&mut guest).await;
    let one = guest.get(&place).await;
    let two = guest.get(&place).await;
    // A double click makes two tokens of a card, or sends one of them twice.
    let first = send(&mut guest, &one, "pm_card_visa").await;
    send(&mut guest, &one, "pm_card_visa").await;
    let third = send(&mut guest, &one, "pm_card_other").await;
    assert!(third.header("location").contains("flash=before"));
    let other_tab = send(&mut guest, &two, "pm_card_visa").await;
    assert!(other_tab.header("location").contains("flash=before"));
    let shown = follow(&mut guest, &first).await;
    assert!(shown.text.contains("Thank you"), "{}", shown.text);
    let list = the_only_order_is(&admin, "paid").await;
    let total = list.int("/data/0/total/amount");
    assert_eq!((stripe.intents().len(), stripe.holds()), (1, total));
    // What was never a token of Stripe's pays nothing, and a card's number is taken from nobody.
    let place = self::order(&mut guest).await;
    for wrong in ["", "tok_ok", "4242424242424242"] {
        let page = guest.get(&place).await;
        let sent = send(&mut guest, &page, wrong).await;
        let shown = follow(&mut guest, &sent).await;
        assert_eq!(shown.status, 200, "{}", shown.text);
    }
    assert_eq!(stripe.holds(), total);
    shop.verify().await;
}

#[tokio::test]
async fn an_abandoned_form_leaves_an_order_that_ends_by_itself_and_gives_its_stock_back() {
    let stripe = Stripe::start();
    let mut shop = shop(&stripe, &[("SOUK_ORDERS__PAYMENT_WINDOW_SECONDS", "1")]).await;
    let admin = shop.admin().await;
    let mut guest = Browser::new(&shop);
    let place = order(&mut guest).await;
    let page = guest.get(&place).await;
    the_only_order_is(&admin, "cancelled").await;
    let late = send(&mut guest, &page, "pm_card_visa").await;
    let shown = follow(&mut guest, &late).await;
    assert!(!shown.text.contains("Thank you"), "{}", shown.text);
    assert_eq!(stripe.holds(), 0);
    shop.verify().await;
}

#[tokio::test]
async fn without_a_publishable_key_the_pages_take_no_cards() {
    let stripe = Stripe::start();
    let shop = shop(&stripe, &[("SOUK_PAYMENTS__STRIPE__PUBLISHABLE_KEY", "")]).await;
    let mut guest = Browser::new(&shop);
    put_in(&mut guest, "1").await;
    let page = guest.get("/checkout").await;
    assert!(
        page.text.contains("takes no money on these pages"),
        "{}",
        page.text
    );
    let refused = guest.get("/order/ord_0/pay").await;
    assert_eq!(refused.status, 404);
    assert!(
        json!(refused.header("content-security-policy"))
            .to_string()
            .contains("default-src 'self'")
    );
}

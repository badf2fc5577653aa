//! Signing in by a provider of identities, and adding one to an account: only whom the provider vouches for, in the
//! browser that asked, once.

use crate::browser::{Browser, field};
use futures_util::future::join_all;
use serde_json::json;
use testkit::{Answer, Broken, Issuer, PASSWORD, Shop, Signs};

pub(crate) const ANN: &str = "ann@souk.example";
const BEGIN: &str = "/login/with/acme?next=%2Fp%2Ftea";
const OWN: &str = "/account/providers";
/// More than can be made within the pause of a test.
const TRIES_MAX: usize = 10_000;

/// A shop that knows this provider as `acme`.
pub(crate) async fn shop_with(issuer: &Issuer, more: &[(&str, &str)]) -> Shop {
    let settings = issuer.settings("acme");
    let settings = settings
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    let all: Vec<(&str, &str)> = settings.chain(more.iter().copied()).collect();
    Shop::start_with(&all).await
}

/// Begins; where the browser is sent.
async fn begun(browser: &mut Browser) -> String {
    let answer = browser.get(BEGIN).await;
    assert_eq!(answer.status, 303, "{}", answer.text);
    answer.header("location").to_owned()
}

/// Begins, visits the provider, and comes back.
pub(crate) async fn came_back(browser: &mut Browser, issuer: &Issuer) -> Answer {
    let location = begun(browser).await;
    let path = issuer.visit(&location);
    browser.get(&path).await
}

/// A browser that comes back and is signed in.
async fn signed_in(shop: &Shop, issuer: &Issuer) -> Browser {
    let mut browser = Browser::new(shop);
    let answer = came_back(&mut browser, issuer).await;
    assert_eq!(answer.status, 303, "{}", answer.text);
    assert_eq!(answer.header("location"), "/p/tea");
    browser
}

pub(crate) async fn me(browser: &mut Browser) -> Answer {
    let answer = browser
        .get_with("/api/v1/me", ("accept", "application/json"))
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer
}

pub(crate) fn is_nobody(browser: &Browser) -> bool {
    browser.cookies.keys().all(|name| name == "souk_form")
}

/// Whether nobody has an account with this address, which somebody has from now on.
async fn is_free(shop: &Shop, email: &str) -> bool {
    let body = json!({"email": email, "password": PASSWORD});
    let answer = shop.visitor().post("/api/v1/auth/register", &body).await;
    answer.status == 201
}

#[tokio::test]
async fn a_new_person_gets_an_account_and_the_same_one_again() {
    for signs in [Signs::Rs256, Signs::Es256, Signs::EdDsa] {
        let issuer = Issuer::start(signs);
        let shop = shop_with(&issuer, &[]).await;
        issuer.knows("subject-1", ANN, true);
        let mut browser = Browser::new(&shop);
        let page = browser.get("/sign-in?next=%2Fp%2Ftea").await;
        assert!(
            page.text.contains("Sign in with The Provider"),
            "{}",
            page.text
        );
        assert!(
            page.text
                .contains("href=\"/login/with/acme?next=%2Fp%2Ftea\"")
        );
        begun(&mut browser).await;
        let cookie = browser
            .set
            .iter()
            .find(|line| line.starts_with("souk_attempt="));
        let cookie = cookie.expect("a ticket");
        assert!(
            cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax; Max-Age=600"),
            "{cookie}"
        );
        let mut first = signed_in(&shop, &issuer).await;
        assert!(!first.cookies.contains_key("souk_attempt"), "it is over");
        let profile = me(&mut first).await;
        assert_eq!(profile.str("/email"), ANN);
        assert_eq!(profile.str("/name"), "Ann Smith");
        assert!(
            profile.text.contains("\"verified_at\":\""),
            "{}",
            profile.text
        );
        assert!(profile.text.contains("\"roles\":[\"customer\"]"));
        // Whatever address the provider says now: it is the same person.
        issuer.knows("subject-1", "other@souk.example", false);
        let mut again = signed_in(&shop, &issuer).await;
        assert_eq!(me(&mut again).await.str("/id"), profile.str("/id"));
    }
}

#[tokio::test]
async fn whatever_breaks_a_rule_signs_nobody_in() {
    let signs = [Signs::Rs256, Signs::EdDsa];
    for signs in signs {
        let issuer = Issuer::start(signs);
        let shop = shop_with(&issuer, &[("SOUK_OUTWARD__HEAD_TIMEOUT_MS", "300")]).await;
        issuer.knows("subject-1", ANN, true);
        let mut browser = Browser::new(&shop);
        // Its description is known from here on.
        begun(&mut browser).await;
        for broken in [
            Broken::Issuer,
            Broken::Audience,
            Broken::Audiences,
            Broken::Party,
            Broken::Nonce,
            Broken::NoNonce,
            Broken::Expired,
            Broken::Old,
            Broken::Future,
            Broken::Unsigned,
            Broken::PublicKeyAsSecret,
            Broken::KeyId,
            Broken::ForeignKey,
            Broken::AccessHash,
            Broken::Subject,
            Broken::Type,
            Broken::NoJson,
            Broken::Silent,
            Broken::Down,
            Broken::MixedUp,
        ] {
            issuer.breaks(Some(broken));
            let answer = came_back(&mut browser, &issuer).await;
            assert_eq!(answer.status, 503, "{broken:?}: {}", answer.text);
            assert!(
                answer.text.contains("The provider"),
                "{broken:?}: {}",
                answer.text
            );
            assert!(is_nobody(&browser), "{broken:?}");
        }
        issuer.breaks(None);
        assert!(is_free(&shop, ANN).await, "no account was made");
    }
}

#[tokio::test]
async fn an_attempt_is_good_once_and_only_in_the_browser_that_began_it() {
    let issuer = Issuer::start(Signs::EdDsa);
    let shop = shop_with(&issuer, &[]).await;
    issuer.knows("subject-1", ANN, true);
    let (mut ann, mut other) = (Browser::new(&shop), Browser::new(&shop));
    let location = begun(&mut ann).await;
    let ticket = ann.cookies.get("souk_attempt").cloned().expect("a ticket");
    let (path, second) = (issuer.visit(&location), issuer.visit(&location));
    // A browser without a ticket, one with its own, one that changes the state.
    assert_eq!(other.get(&path).await.status, 401);
    begun(&mut other).await;
    assert_eq!(other.get(&path).await.status, 401);
    other
        .cookies
        .insert("souk_attempt".to_owned(), ticket.clone());
    let changed = path.replace("&state=", "&state=x");
    assert_eq!(other.get(&changed).await.status, 401);
    assert!(is_nobody(&other));
    assert_eq!(ann.get(&path).await.status, 303);
    // Another code of the same attempt, and the same once more.
    for path in [&second, &path] {
        other
            .cookies
            .insert("souk_attempt".to_owned(), ticket.clone());
        let answer = other.get(path).await;
        assert_eq!(answer.status, 401, "{}", answer.text);
        assert!(answer.text.contains("begin it again"), "{}", answer.text);
    }
    assert!(is_nobody(&other));
    // A ticket that was written by somebody else.
    let (text, seal) = ticket.split_once('.').expect("a seal");
    for forged in [
        text.to_owned(),
        format!("{text}."),
        format!("A{text}.{seal}"),
    ] {
        begun(&mut other).await;
        other.cookies.insert("souk_attempt".to_owned(), forged);
        assert_eq!(other.get(&second).await.status, 401);
    }
}

#[tokio::test]
async fn who_does_not_agree_is_not_signed_in() {
    let issuer = Issuer::start(Signs::EdDsa);
    let shop = shop_with(&issuer, &[]).await;
    issuer.knows("subject-1", ANN, true);
    let mut browser = Browser::new(&shop);
    let location = begun(&mut browser).await;
    let path = issuer.visit(&location);
    let denied = path.replace("?code=code-0", "?error=access_denied");
    let answer = browser.get(&denied).await;
    assert_eq!(answer.status, 401, "{}", answer.text);
    assert!(
        answer.text.contains("The provider did not agree"),
        "{}",
        answer.text
    );
    assert!(is_nobody(&browser));
    let location = begun(&mut browser).await;
    let path = issuer
        .visit(&location)
        .replace("code=code-1", "code=guessed");
    assert_eq!(browser.get(&path).await.status, 401);
    assert!(is_free(&shop, ANN).await);
}

#[tokio::test]
async fn an_account_is_not_taken_over_by_its_address_but_linked_by_its_owner() {
    let issuer = Issuer::start(Signs::EdDsa);
    let shop = shop_with(&issuer, &[]).await;
    shop.customer("ann").await;
    issuer.knows("subject-1", ANN, true);
    let mut stranger = Browser::new(&shop);
    let answer = came_back(&mut stranger, &issuer).await;
    assert_eq!(answer.status, 409, "{}", answer.text);
    assert!(
        answer.text.contains("sign in with its password"),
        "{}",
        answer.text
    );
    assert!(is_nobody(&stranger));
    let mut ann = Browser::signed_in(&shop, ANN).await;
    let id = me(&mut ann).await.str("/id").to_owned();
    let wrong = change(&mut ann, "link", "wrong horse battery", "").await;
    assert_eq!(wrong.status, 403, "{}", wrong.text);
    assert!(
        wrong.text.contains("The password is wrong."),
        "{}",
        wrong.text
    );
    let page = change(&mut ann, "link", PASSWORD, "").await;
    assert_eq!(page.status, 200, "{}", page.text);
    let location = link_of(&page);
    let path = issuer.visit(&location);
    // Somebody else's session does not end it, even with the ticket.
    shop.customer("bob").await;
    let mut bob = Browser::signed_in(&shop, "bob@souk.example").await;
    let ticket = ann.cookies.get("souk_attempt").cloned().expect("a ticket");
    bob.cookies.insert("souk_attempt".to_owned(), ticket);
    assert_eq!(bob.get(&path).await.status, 401);
    let linked = ann.get(&path).await;
    assert_eq!(
        linked.header("location"),
        "/account/providers?flash=linked",
        "{}",
        linked.text
    );
    let mut again = signed_in(&shop, &issuer).await;
    assert_eq!(me(&mut again).await.str("/id"), id);
    // The same person at the provider is nobody else here.
    let page = change(&mut bob, "link", PASSWORD, "").await;
    let path = issuer.visit(&link_of(&page));
    assert_eq!(bob.get(&path).await.status, 409);
    let gone = change(&mut ann, "unlink", PASSWORD, "").await;
    assert_eq!(
        gone.header("location"),
        "/account/providers?flash=unlinked",
        "{}",
        gone.text
    );
    let mut stranger = Browser::new(&shop);
    assert_eq!(came_back(&mut stranger, &issuer).await.status, 409);
}

/// Sends the form of one's own providers.
pub(crate) async fn change(
    browser: &mut Browser,
    what: &str,
    password: &str,
    code: &str,
) -> Answer {
    let page = browser.get(OWN).await;
    assert_eq!(page.status, 200, "{}", page.text);
    let proof = page.text.split(&format!("{OWN}/{what}\"")).nth(1);
    let proof = proof.and_then(|rest| rest.split("name=\"csrf\" value=\"").nth(1));
    let proof = proof
        .and_then(|rest| rest.split('"').next())
        .expect("a form");
    let fields = [
        ("provider", "acme"),
        ("password", password),
        ("code", code),
        ("csrf", proof),
    ];
    browser.submit(&format!("{OWN}/{what}"), &fields).await
}

/// Where the page leads on to.
pub(crate) fn link_of(page: &Answer) -> String {
    let link = page.text.split("class=\"button\" href=\"").nth(1);
    let link = link
        .and_then(|rest| rest.split('"').next())
        .expect("a link");
    link.replace("&#38;", "&").replace("&amp;", "&")
}

#[tokio::test]
async fn own_providers_change_by_forms_of_ours_only() {
    let issuer = Issuer::start(Signs::EdDsa);
    let shop = shop_with(&issuer, &[]).await;
    shop.customer("ann").await;
    let mut stranger = Browser::new(&shop);
    let answer = stranger.get(OWN).await;
    assert_eq!(
        answer.header("location"),
        "/sign-in?next=%2Faccount%2Fproviders"
    );
    let mut ann = Browser::signed_in(&shop, ANN).await;
    for what in ["link", "unlink"] {
        let fields = [("provider", "acme"), ("password", PASSWORD), ("csrf", "x")];
        let path = format!("{OWN}/{what}");
        assert_eq!(ann.submit(&path, &fields).await.status, 403);
        let site = [("sec-fetch-site", "cross-site")];
        assert_eq!(ann.submit_with(&path, &fields, &site).await.status, 403);
        assert_eq!(stranger.submit(&path, &fields).await.status, 303);
    }
    let page = ann.get(OWN).await;
    assert!(
        field(&page, "csrf").is_some() && !page.text.contains("since"),
        "{}",
        page.text
    );
}

#[tokio::test]
async fn an_address_that_nobody_vouches_for_opens_no_account() {
    let issuer = Issuer::start(Signs::EdDsa);
    let shop = shop_with(&issuer, &[]).await;
    let mut browser = Browser::new(&shop);
    for (email, is_verified) in [(ANN, false), ("", true), ("no address", true)] {
        issuer.knows("subject-1", email, is_verified);
        let answer = came_back(&mut browser, &issuer).await;
        assert_eq!(answer.status, 403, "{}", answer.text);
        assert!(is_nobody(&browser));
    }
    assert!(is_free(&shop, ANN).await);
}

#[tokio::test]
async fn a_new_key_is_asked_for_and_not_for_every_name_of_chance() {
    let issuer = Issuer::start(Signs::Rs256);
    let shop = shop_with(
        &issuer,
        &[("SOUK_IDENTITY__OPENID_KEYS_PAUSE_SECONDS", "1")],
    )
    .await;
    issuer.knows("subject-1", ANN, true);
    signed_in(&shop, &issuer).await;
    issuer.rotate(Signs::Es256);
    let mut browser = Browser::new(&shop);
    let mut is_in = false;
    // Refused within the pause, let in after it.
    for _ in 0..TRIES_MAX {
        is_in = came_back(&mut browser, &issuer).await.status == 303;
        if is_in {
            break;
        }
    }
    assert!(is_in, "the new key is never asked for");
    assert_eq!(issuer.keys_asked(), 2);
    let patient = shop_with(
        &issuer,
        &[("SOUK_IDENTITY__OPENID_KEYS_PAUSE_SECONDS", "3600")],
    )
    .await;
    let mut browser = Browser::new(&patient);
    issuer.breaks(Some(Broken::KeyId));
    for _ in 0..5 {
        assert_eq!(came_back(&mut browser, &issuer).await.status, 503);
    }
    assert_eq!(issuer.keys_asked(), 3, "once for this shop");
}

#[tokio::test]
async fn a_new_person_who_comes_back_in_many_browsers_at_once_has_one_account() {
    let issuer = Issuer::start(Signs::EdDsa);
    let shop = shop_with(&issuer, &[]).await;
    for turn in 0..5 {
        issuer.knows(
            &format!("subject-{turn}"),
            &format!("ann{turn}@souk.example"),
            true,
        );
        let mut browsers: Vec<Browser> = (0..6).map(|_| Browser::new(&shop)).collect();
        let mut paths = Vec::new();
        for browser in &mut browsers {
            let location = begun(browser).await;
            paths.push(issuer.visit(&location));
        }
        let coming = browsers
            .iter_mut()
            .zip(&paths)
            .map(|(browser, path)| browser.get(path));
        for answer in join_all(coming).await {
            assert_eq!(answer.status, 303, "{}", answer.text);
        }
        let mut ids = Vec::new();
        for browser in &mut browsers {
            ids.push(me(browser).await.str("/id").to_owned());
        }
        ids.dedup();
        assert_eq!(ids.len(), 1);
    }
}

#[tokio::test]
async fn a_provider_that_is_away_or_another_is_said_so() {
    let issuer = Issuer::start(Signs::EdDsa);
    let shop = shop_with(&issuer, &[]).await;
    let mut browser = Browser::new(&shop);
    for (broken, words) in [
        (Broken::Down, "cannot be asked just now"),
        (Broken::Description, "answer cannot be used"),
    ] {
        issuer.breaks(Some(broken));
        let answer = browser.get(BEGIN).await;
        assert_eq!(answer.status, 503, "{broken:?}: {}", answer.text);
        assert!(answer.text.contains(words), "{}", answer.text);
        assert!(!browser.cookies.contains_key("souk_attempt"));
    }
    assert_eq!(browser.get("/login/with/nobody").await.status, 404);
    assert_eq!(
        browser
            .get("/login/with/nobody/callback?code=x&state=x")
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn nobody_is_sent_to_another_site() {
    let issuer = Issuer::start(Signs::EdDsa);
    let shop = shop_with(&issuer, &[("SOUK_HTTP__PUBLIC_URL", "http://shop.example")]).await;
    issuer.knows("subject-1", ANN, true);
    for next in [
        "//evil.example",
        "https://evil.example",
        "%2F%5Cevil.example",
    ] {
        let mut browser = Browser::new(&shop);
        let path = format!("/login/with/acme?next={next}");
        let headers = ("x-forwarded-host", "evil.example");
        let answer = browser.get_with(&path, headers).await;
        let location = answer.header("location").to_owned();
        let back = "redirect_uri=http%3A%2F%2Fshop.example%2Flogin%2Fwith%2Facme%2Fcallback&";
        assert!(
            location.contains(back) && !location.contains("evil"),
            "{location}"
        );
        let back = browser.get(&issuer.visit(&location)).await;
        assert_eq!(back.header("location"), "/account", "{}", back.text);
    }
}

#[tokio::test]
async fn an_account_of_a_provider_s_has_a_password_that_nobody_has() {
    let issuer = Issuer::start(Signs::EdDsa);
    let shop = shop_with(&issuer, &[]).await;
    issuer.knows("subject-1", ANN, true);
    let mut browser = signed_in(&shop, &issuer).await;
    let mut guess = Browser::new(&shop);
    for password in [PASSWORD, "subject-1", "x"] {
        assert_eq!(guess.sign_in(ANN, password, "").await.status, 401);
    }
    // What takes a way away asks for the password: there is always one left.
    let refused = change(&mut browser, "unlink", PASSWORD, "").await;
    assert_eq!(refused.status, 403, "{}", refused.text);
    assert!(
        refused.text.contains("/forgot-password"),
        "{}",
        refused.text
    );
}

//! A second factor behind a provider of identities: nobody goes around it.

use crate::{
    browser::{Browser, field},
    providers::{ANN, came_back, change, is_nobody, link_of, me, shop_with},
};
use testkit::{App, Issuer, PASSWORD, Signs};

#[tokio::test]
async fn a_code_is_asked_for_behind_a_provider_too_unless_the_provider_did() {
    let issuer = Issuer::start(Signs::EdDsa);
    let shop = shop_with(&issuer, &[]).await;
    shop.customer("ann").await;
    issuer.knows("subject-1", ANN, true);
    let mut ann = Browser::signed_in(&shop, ANN).await;
    let page = change(&mut ann, "link", PASSWORD, "").await;
    let linked = ann.get(&issuer.visit(&link_of(&page))).await;
    assert_eq!(linked.status, 303, "{}", linked.text);
    let id = me(&mut ann).await.str("/id").to_owned();
    let (app, codes) = App::set_up(&shop.sign_in("ann").await).await;
    let mut browser = Browser::new(&shop);
    let page = came_back(&mut browser, &issuer).await;
    assert_eq!(page.status, 200, "{}", page.text);
    assert!(is_nobody(&browser), "{:?}", browser.cookies);
    let hidden = |name| field(&page, name).expect("a hidden field");
    let (csrf, challenge, next) = (hidden("csrf"), hidden("challenge"), hidden("next"));
    let code = app.now(1);
    let fields = [
        ("csrf", csrf.as_str()),
        ("challenge", &challenge),
        ("next", &next),
        ("code", &code),
    ];
    let answer = browser.submit("/sign-in/code", &fields).await;
    assert_eq!(answer.header("location"), "/p/tea", "{}", answer.text);
    assert_eq!(me(&mut browser).await.str("/id"), id);
    // A way in is taken away by password and code.
    for code in ["", "000000"] {
        let refused = change(&mut browser, "unlink", PASSWORD, code).await;
        assert_eq!(refused.status, 403, "{}", refused.text);
    }
    // A provider that has asked for more than one proof itself.
    issuer.says_mfa();
    let mut straight = Browser::new(&shop);
    let answer = came_back(&mut straight, &issuer).await;
    assert_eq!(answer.status, 303, "{}", answer.text);
    let recovery = codes.first().expect("a recovery code");
    let gone = change(&mut browser, "unlink", PASSWORD, recovery).await;
    assert_eq!(gone.status, 303, "{}", gone.text);
    let again = change(&mut browser, "link", PASSWORD, recovery).await;
    assert_eq!(again.status, 403, "used up: {}", again.text);
}

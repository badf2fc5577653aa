//! What one customer can learn of another: nothing. Every readable address is walked as a stranger, and all
//! that comes back is searched for what is the owner's alone.

use crate::table::{ROUTES, Row, SEEDS};
use crate::{
    cast::{Cast, Made, Who},
    thing::Thing,
};
use reqwest::Method;
use testkit::Answer;

/// What nobody may see but its owner, those who sell to her, and admins.
const CANARIES: &[&str] = &["ann-canary-7f3a", "guest-canary-91bc"];

/// Pages and addresses that no document lists.
const MORE: &[&str] = &[
    "/",
    "/?q=tea",
    "/docs",
    "/openapi.json",
    "/version",
    "/account",
    "/cart",
    "/checkout",
    "/sign-in",
    // By its beginning: the page says what was looked for.
    "/search?q=ann-canary",
    "/api/v1/products?q=canary&limit=100",
    "/api/v1/products?status=archived&limit=100",
    "/api/v1/orders?limit=100",
    "/api/v1/inventory?limit=100",
    "/orders",
    "/orders/user/ann-canary-7f3a@souk.example",
    "/orders/user/$owner",
    "/users/$owner",
    "/api/v1/users",
    "/api/v1/users/$owner",
    "/metrics",
];

impl Cast {
    /// What an answer tells of the owner to somebody whom she did not buy from.
    pub(crate) fn leak(&self, who: Who, path: &str, answer: &Answer) -> Option<String> {
        if matches!(who, Who::Owner | Who::OwnMerchant | Who::Admin) {
            return None;
        }
        // What they sent themselves may come back as `instance`.
        let said = format!("{:?} {}", answer.headers, answer.text);
        let said = path
            .split('?')
            .next()
            .map(|own| said.replace(own, ""))
            .unwrap_or_default();
        let id = self.owner.user_id();
        let found = CANARIES
            .iter()
            .copied()
            .chain([id])
            .find(|canary| said.contains(canary));
        found.map(|canary| format!("tells {canary}: {said}"))
    }
}

#[tokio::test]
async fn nothing_of_one_customer_reaches_another() {
    let cast = Cast::gather().await;
    for thing in [
        Thing::Pending,
        Thing::Paid,
        Thing::Shipped,
        Thing::Mixed,
        Thing::Payment,
        Thing::Guests,
    ] {
        cast.make(Who::Nobody, thing).await;
    }
    let me = cast.owner.get("/api/v1/me").await;
    assert!(
        me.text.contains(CANARIES[0]) && me.text.contains(cast.owner.user_id()),
        "the canary sings"
    );
    let reads = ROUTES
        .iter()
        .chain(SEEDS)
        .filter(|row| row.0.starts_with("GET "));
    let mut wrong = Vec::new();
    for Row(route, thing, ..) in reads {
        // Whose token it is does not matter here; whoever has one may look.
        if matches!(thing, Thing::GuestsWithToken | Thing::GuestsPayment) {
            continue;
        }
        for who in [Who::Nobody, Who::Stranger, Who::ForeignMerchant] {
            let made = cast.make(who, *thing).await;
            wrong.extend(look(&cast, who, &made, &route[4..]).await);
        }
    }
    for path in MORE {
        for who in [Who::Nobody, Who::Stranger, Who::ForeignMerchant] {
            let made = cast.make(who, Thing::Nothing).await;
            wrong.extend(look(&cast, who, &made, path).await);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

async fn look(cast: &Cast, who: Who, made: &Made, path: &str) -> Option<String> {
    let path = made.path(path);
    let mut wrong = None;
    for accept in ["application/json", "text/html"] {
        let request = made
            .asker
            .request(Method::GET, &path)
            .header("accept", accept);
        let answer = made.asker.send(request).await;
        assert!(
            answer.status < 500,
            "GET {path} by {who:?}: {}",
            answer.text
        );
        if let Some(leak) = cast.leak(who, &path, &answer) {
            wrong = Some(format!("GET {path} by {who:?}: {leak}"));
        }
    }
    wrong
}

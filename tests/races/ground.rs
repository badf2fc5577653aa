//! Where races are run: in one shop on its own files, or on two nodes that share a PostgreSQL, with everybody asking
//! the one and the other in turn. Nobody in a race can tell where it is.

use futures_util::future::join_all;
use std::time::{Duration, Instant};
use testkit::{Answer, Client, Shop, postgres::Postgres};

/// Longer than anything is under way.
const PATIENCE: Duration = Duration::from_secs(30);

/// They say only what went wrong: a line for each of a thousand payments helps nobody. And a thousand people come from
/// one address here, of a process that is busy with all of them: some say what they want a second after they came.
const SETTINGS: [(&str, &str); 3] = [
    ("SOUK_LOG_LEVEL", "warn"),
    ("SOUK_HTTP__HESITANT_PER_ADDRESS_MAX", "2000"),
    ("SOUK_PAYMENTS__SANDBOX_SLOW_MS", "20"),
];

/// A shop, or several nodes of one.
pub(crate) struct Ground {
    nodes: Vec<Shop>,
    door: Client,
}

impl Ground {
    /// One shop.
    pub(crate) async fn one_shop() -> Self {
        Self::one_shop_with(&[]).await
    }

    /// One shop with more settings.
    pub(crate) async fn one_shop_with(more: &[(&str, &str)]) -> Self {
        let settings = [&SETTINGS, more].concat();
        Self::of(vec![Shop::start_with(&settings).await])
    }

    /// Two nodes; `None` only where servers may be missing, which was said then.
    pub(crate) async fn two_nodes() -> Option<Self> {
        Self::two_nodes_with(&[]).await
    }

    /// The same with more settings.
    pub(crate) async fn two_nodes_with(more: &[(&str, &str)]) -> Option<Self> {
        let database = Postgres::shared()?.database();
        let mut settings = [&SETTINGS, more].concat();
        settings.extend([
            ("SOUK_DB", database.as_str()),
            ("SOUK_POSTGRES__MIGRATE", "true"),
        ]);
        let mut nodes = Vec::new();
        for _ in 0..2 {
            nodes.push(Shop::start_with(&settings).await);
        }
        Some(Self::of(nodes))
    }

    fn of(nodes: Vec<Shop>) -> Self {
        let urls: Vec<&str> = nodes.iter().map(Shop::url).collect();
        let door = Client::among(&urls);
        Self { nodes, door }
    }

    /// Somebody without an account.
    pub(crate) fn visitor(&self) -> Client {
        self.door.clone()
    }

    /// The admin, made with the setup token that was told last: it is the one that counts.
    pub(crate) async fn admin(&mut self) -> Client {
        let last = self.nodes.len() - 1;
        self.nodes[last].admin_at(&self.door).await
    }

    /// A new customer with this name.
    pub(crate) async fn customer(&self, name: &str) -> Client {
        self.everywhere(&self.nodes[0].customer(name).await)
    }

    /// Somebody who has an account.
    pub(crate) async fn sign_in(&self, name: &str) -> Client {
        self.everywhere(&self.nodes[0].sign_in(name).await)
    }

    /// The same person, at all nodes in turn.
    fn everywhere(&self, somebody: &Client) -> Client {
        let urls: Vec<&str> = self.nodes.iter().map(Shop::url).collect();
        somebody.at_each(&urls)
    }

    /// The same a hundred times at once. What is under way on another node is not waited for there: whoever is told how
    /// far it has come asks again when it has ended.
    pub(crate) async fn twins<F: Future<Output = Answer>>(
        &self,
        ask: impl Fn() -> F,
    ) -> Vec<Answer> {
        let mut answers = join_all((0..100).map(|_| ask())).await;
        if self.nodes.len() == 1 {
            return answers;
        }
        let begun = Instant::now();
        let mut ended = ask().await;
        while ended.status == 202 {
            assert!(begun.elapsed() < PATIENCE, "{}", ended.text);
            ended = ask().await;
        }
        for answer in &mut answers {
            assert!(
                [ended.status, 202].contains(&answer.status),
                "{}",
                answer.text
            );
            assert_eq!(answer.str("/id"), ended.str("/id"));
            let replayed = answer.header("idempotent-replayed") == "true";
            // Whoever made the order may have to wait for a payment that a twin began elsewhere.
            if answer.status != ended.status || (replayed && answer.text != ended.text) {
                let first = std::mem::replace(answer, ask().await);
                // Who did it and who was told was said the first time.
                answer.headers = first.headers;
            }
        }
        answers
    }

    /// Runs `souk verify`; fails with what it found.
    pub(crate) async fn verify(&self) -> String {
        self.nodes[0].verify().await
    }

    /// What everybody is shown at this address. A shop that is alone shows at once what it answered; what another node
    /// shows may be two seconds old.
    pub(crate) async fn shown(&self, path: &str, fits: impl Fn(&Answer) -> bool) -> Answer {
        if self.nodes.len() > 1 {
            for node in &self.nodes {
                Client::new(node.url()).get_until(path, &fits).await;
            }
        }
        let shown = Client::new(self.nodes[0].url()).get(path).await;
        assert!(fits(&shown), "{}", shown.text);
        shown
    }

    /// Checks a product's stock: on hand, reserved, available.
    pub(crate) async fn has_stock(&self, product: &str, expected: (i64, i64, i64)) {
        let fits = |answer: &Answer| {
            let units = |name: &str| answer.int(&format!("/stock/{name}"));
            (units("on_hand"), units("reserved"), units("available")) == expected
        };
        self.shown(&format!("/api/v1/products/{product}"), fits)
            .await;
    }
}

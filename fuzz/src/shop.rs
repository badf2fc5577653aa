//! The shop that all inputs of a process are sent to: the whole of it, in this process, so that a fuzzer sees which
//! lines an input reaches. It is opened once, in a folder of its own.

use server::{
    config::{Config, Flags},
    shop::Shop,
};
use std::{path::Path, sync::OnceLock};
use testkit::{Answer, Client, Folder};
use tokio::runtime::{Builder, Runtime};

/// Limits would answer for the parsers; the demo catalog and strong hashes take time that is better spent.
const SETTINGS: &str = r#"
[shop]
demo = false
[limits]
enabled = false
[http]
listen = "127.0.0.1:0"
ops_listen = ""
[identity]
argon2_memory_kib = 8
argon2_passes = 1
"#;

/// A shop with an admin and a product.
pub(crate) struct Fuzzed {
    runtime: Runtime,
    url: String,
    /// The admin's access token.
    pub(crate) token: String,
    /// The id of a product that can be bought.
    pub(crate) product: String,
    /// What the provider signs its callbacks with.
    pub(crate) callback_secret: Vec<u8>,
    // Dropped with the process, if that has time; the folder is below the system's own for such things.
    _shop: Shop,
    _folder: Folder,
}

impl Fuzzed {
    /// The shop of this process.
    pub(crate) fn get() -> &'static Self {
        static SHOP: OnceLock<Fuzzed> = OnceLock::new();
        SHOP.get_or_init(Self::open)
    }

    fn open() -> Self {
        let mut builder = Builder::new_multi_thread();
        let runtime = builder.worker_threads(2).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let folder = Folder::default();
        let file = folder.write("souk.toml", SETTINGS);
        let flags = Flags {
            db: Some(format!("sqlite:{}", folder.at("data"))),
            ..Flags::default()
        };
        let config = Config::load(Some(Path::new(&file)), false, &flags).expect("good settings");
        let shop = runtime
            .block_on(Shop::open(config, false))
            .expect("the shop opens");
        let (admin, product) = runtime.block_on(furnish(&shop));
        Self {
            url: format!("http://{}", shop.address),
            token: admin.token().to_owned(),
            product,
            callback_secret: secret(shop.data_folder().expect("it keeps things")),
            runtime,
            _shop: shop,
            _folder: folder,
        }
    }

    /// Sends these bytes on a connection of their own.
    pub(crate) fn raw(&self, request: &[u8]) -> Option<Answer> {
        self.runtime.block_on(testkit::raw(&self.url, request))
    }
}

async fn furnish(shop: &Shop) -> (Client, String) {
    use secrecy::ExposeSecret;
    let door = Client::new(&format!("http://{}", shop.address));
    let token = shop.setup_token.as_ref().expect("it has no admin yet");
    let body = serde_json::json!({
        "setup_token": token.expose_secret(),
        "email": "admin@souk.example",
        "password": testkit::PASSWORD,
    });
    let answer = door.post("/api/v1/auth/setup", &body).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let admin = door.signed_in(&answer);
    let product = admin.sell("Ras el hanout", 450, 1_000_000).await;
    (admin, product)
}

/// What the built-in provider signs with, out of its own books.
fn secret(folder: &Path) -> Vec<u8> {
    let books = rusqlite::Connection::open(folder.join("sandbox.sqlite")).expect("its books");
    let sql = "SELECT value FROM secrets WHERE name = 'callbacks'";
    books
        .query_row(sql, [], |row| row.get(0))
        .expect("it has a secret")
}

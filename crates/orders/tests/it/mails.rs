//! What buyers are written: each news once, whoever they are, and however long the mail server is away.

use crate::shop::{Ask, Shop, admin, ann, tea, with};
use async_trait::async_trait;
use axum::http::StatusCode;
use contracts::{
    BoxError,
    access::Principal,
    identity::Addresses,
    values::{Email, UserId},
};
use orders::Post;
use platform::{
    bus::{Bus, MemoryBus},
    config::{Sources, load},
    mail::{self, Mail, Mailer},
};
use serde_json::json;
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

/// Mails that go nowhere but here; the first ones may be refused.
#[derive(Default)]
pub(crate) struct FakeMailer {
    sent: Mutex<Vec<Sent>>,
    tried: Mutex<Vec<String>>,
    refusals: AtomicU32,
}

/// A mail as it went.
#[derive(Debug, Clone)]
struct Sent {
    id: String,
    to: String,
    subject: String,
    text: String,
}

#[async_trait]
impl Mailer for FakeMailer {
    async fn send(&self, mail: &Mail) -> Result<(), BoxError> {
        self.tried.lock().unwrap().push(mail.id.clone());
        let refuses = |left: u32| left.checked_sub(1);
        let refused = self
            .refusals
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, refuses);
        if refused.is_ok() {
            return Err("no room".into());
        }
        self.sent.lock().unwrap().push(Sent {
            id: mail.id.clone(),
            to: mail.to.as_str().to_owned(),
            subject: mail.subject.to_string(),
            text: mail.text.clone(),
        });
        Ok(())
    }

    fn target(&self) -> String {
        "nowhere".to_owned()
    }
}

/// How a shop of these tests writes to buyers.
pub(crate) fn post(mailer: &Arc<FakeMailer>) -> Post {
    #[derive(serde::Deserialize)]
    struct All {
        mail: mail::Options,
    }
    let sources = Sources {
        defaults: mail::DEFAULTS,
        file: None,
        environment: false,
    };
    let keys = json!({"poll_ms": 10, "retry_ms": 1_000});
    Post {
        mailer: Arc::clone(mailer) as Arc<dyn Mailer>,
        options: load::<All>(&sources, json!({ "mail": keys })).unwrap().mail,
        public_url: "https://shop.test".to_owned(),
    }
}

/// Knows Ann's address, which nobody has shown to be hers.
struct Book;

#[async_trait]
impl Addresses for Book {
    async fn verified_address(&self, _: UserId) -> Result<Option<Email>, BoxError> {
        Ok(None)
    }

    async fn address(&self, id: UserId) -> Result<Option<Email>, BoxError> {
        let address = (id == ann().user_id).then_some("ann@example.com");
        Ok(address.and_then(|text| Email::parse(text).ok()))
    }

    async fn owner(&self, _: &Email) -> Result<Option<UserId>, BoxError> {
        Ok(None)
    }
}

async fn writing_shop() -> Shop {
    let shop = Shop::open().await;
    shop.opened.introduce(Arc::new(Book));
    let bus = Arc::new(MemoryBus::default()) as Arc<dyn Bus>;
    shop.opened.start(&shop.tasks, &bus);
    shop
}

impl Shop {
    fn sent(&self) -> Vec<Sent> {
        self.mailer.sent.lock().unwrap().clone()
    }

    /// The mail about this, when it went.
    async fn mail(&self, about: &str) -> Sent {
        let looking = async {
            loop {
                let found = self
                    .sent()
                    .into_iter()
                    .find(|one| one.subject.ends_with(about));
                if let Some(found) = found {
                    return found;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let found = tokio::time::timeout(Duration::from_secs(20), looking).await;
        found.unwrap_or_else(|_| panic!("no mail {about}: {:?}", self.sent()))
    }
}

#[tokio::test]
async fn a_guest_is_told_by_links_that_open_the_order() {
    let shop = writing_shop().await;
    let wish = with(tea(2), "email", json!("gus@example.com"));
    let placed = shop.ask(Ask::place(&wish).key("k1")).await;
    let id = placed.order_id();
    shop.clock.advance_seconds(60);
    let mail = shop.mail(": received").await;
    assert_eq!(mail.to, "gus@example.com");
    assert!(mail.text.contains("39.98 USD"), "{}", mail.text);
    let link = format!("\r\nhttps://shop.test/order/{id}?token=");
    let (_, rest) = mail.text.split_once(&link).expect("a link");
    let token = rest.split("\r\n").next().unwrap();
    let seen = shop.ask(Ask::order(id).header("order-token", token)).await;
    assert_eq!(seen.status, StatusCode::OK);
    shop.clock.advance_seconds(900);
    let mail = shop.mail(": cancelled").await;
    assert!(mail.text.contains("(not paid in time)"), "{}", mail.text);
}

#[tokio::test]
async fn a_mail_server_that_is_away_holds_up_no_order_and_gets_the_same_mail_later() {
    let shop = writing_shop().await;
    shop.mailer.refusals.store(3, Ordering::SeqCst);
    let id = shop.paid("k1", 2).await;
    let path = format!("/api/v1/orders/{id}/shipments");
    let parcel = json!({"lines": [{"line": 1, "quantity": 1}], "tracking": "1Z999"});
    let sent = shop
        .ask(Ask::post(&path, parcel.to_string()).by(&admin()))
        .await;
    assert_eq!(sent.status, StatusCode::CREATED);
    let waiting = async {
        while shop.sent().len() < 2 {
            shop.clock.advance_seconds(60);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(20), waiting).await;
    waited.unwrap_or_else(|_| panic!("{:?}", shop.mailer.tried.lock().unwrap()));
    let confirmed = shop.mail(": confirmed").await;
    let parcel = shop.mail(": on its way").await;
    assert!(
        parcel.text.contains("  Tracking: 1Z999\r\n"),
        "{}",
        parcel.text
    );
    assert!(!confirmed.text.contains("token"), "accounts sign in");
    assert_eq!(
        (confirmed.to, parcel.to),
        ("ann@example.com".into(), "ann@example.com".into())
    );
    let tried = shop.mailer.tried.lock().unwrap().clone();
    assert_eq!(tried.len(), 5, "{tried:?}");
    let of = |id: &str| tried.iter().filter(|tried| *tried == id).count();
    assert_eq!(
        of(&confirmed.id).saturating_add(of(&parcel.id)),
        5,
        "one name for all tries"
    );
}

#[tokio::test]
async fn an_admin_has_a_mail_sent_again_about_what_happened() {
    let shop = writing_shop().await;
    let id = shop.paid("k1", 2).await;
    let first = shop.mail(": confirmed").await;
    let again = |kind: &str, who: Principal| {
        let body = json!({ "kind": kind }).to_string();
        Ask::post(&format!("/api/v1/orders/{id}/mails"), body).by(&who)
    };
    let asked = shop.ask(again("paid", admin())).await;
    assert_eq!(asked.status, StatusCode::ACCEPTED);
    let waiting = async {
        while shop.sent().len() < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waiting)
        .await
        .unwrap();
    let second = shop.sent()[1].clone();
    assert_eq!(asked.json()["id"], json!(second.id));
    assert_eq!((second.subject, second.text), (first.subject, first.text));
    assert_ne!(
        second.id, first.id,
        "whoever keeps mails apart by their ids shows it"
    );
    for kind in ["shipped", "received", "refunded", "cancelled"] {
        let refused = shop.ask(again(kind, admin())).await;
        assert_eq!(refused.said(), "422 validation_failed /kind", "{kind}");
    }
    assert_eq!(shop.ask(again("paid", ann())).await.said(), "403 forbidden");
}

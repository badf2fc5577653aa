//! What happens in a demo: one thing after the other, at a bounded rate, through the public API. What goes wrong is
//! said in the log, and the next thing is done.

use super::{
    super::api::{Answer, Call},
    cast::Cast,
};
use contracts::BoxError;
use platform::digest;
use serde_json::{Value, json};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Things that happen at once when it opens, so that there is something to see.
const FIRST: u32 = 40;
/// From one of these to the next.
const FIRST_EVERY: Duration = Duration::from_millis(150);
/// Orders that are looked at for the next thing to do.
const LOOKED_AT: &str = "30";
/// Units that come when a shelf is nearly empty.
const DELIVERY: u32 = 25;

const WORDS: [(i64, &str, &str); 6] = [
    (
        5,
        "Just right",
        "Exactly as it looks on the picture. I will come back.",
    ),
    (5, "A present", "My sister did not want to give it back."),
    (4, "Good", "Well made, and it came quickly."),
    (4, "As expected", "Nothing to complain about."),
    (3, "Fine", "A little smaller than I thought."),
    (5, "Again", "The second one already."),
];

/// Something that may happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    Buy,
    Ship,
    Deliver,
    CallOff,
    SendBack,
    Review,
    Restock,
}

/// How often each happens, in a hundred.
const DEEDS: [(Deed, u32); 7] = [
    (Deed::Buy, 50),
    (Deed::Ship, 17),
    (Deed::Deliver, 13),
    (Deed::CallOff, 4),
    (Deed::SendBack, 3),
    (Deed::Review, 7),
    (Deed::Restock, 6),
];

/// A demo's life.
pub(super) struct Life {
    cast: Cast,
    orders_a_minute: u32,
}

impl Life {
    pub(super) const fn new(cast: Cast, orders_a_minute: u32) -> Self {
        Self {
            cast,
            orders_a_minute,
        }
    }

    /// Goes on until the shop stops.
    pub(super) async fn go_on(mut self, stop: CancellationToken) -> Result<(), BoxError> {
        // Before anybody else comes in.
        self.cast.admin().await?;
        let mut done: u32 = 0;
        loop {
            let pause = self.pause(done)?;
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(pause) => {}
            }
            let deed = chosen(below(100)?);
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                outcome = self.act(deed) => if let Err(error) = outcome {
                    tracing::warn!(error = %error, "something in the demo's life went wrong; it goes on");
                }
            }
            done = done.saturating_add(1);
        }
    }

    /// How long nothing happens: half as long as it is on average, or up to half as long again.
    fn pause(&self, done: u32) -> Result<Duration, BoxError> {
        if done < FIRST {
            return Ok(FIRST_EVERY);
        }
        // Half of what happens are orders.
        let deeds_a_minute = self.orders_a_minute.saturating_mul(2).max(1);
        let usual = 60_000_u32.checked_div(deeds_a_minute).unwrap_or(60_000);
        let half = usual.checked_div(2).unwrap_or(0).max(1);
        let pause = half.saturating_add(below(usual.max(1))?);
        Ok(Duration::from_millis(pause.into()))
    }

    async fn act(&mut self, deed: Deed) -> Result<(), BoxError> {
        match deed {
            Deed::Buy => self.buy().await,
            Deed::Ship => self.move_one("paid", "ship").await,
            Deed::Deliver => self.move_one("shipped", "deliver").await,
            Deed::CallOff => self.move_one("pending", "cancel").await,
            Deed::SendBack => self.send_back().await,
            Deed::Review => self.review().await,
            Deed::Restock => self.restock().await,
        }
    }

    /// Somebody buys a few things. Some cards are declined, and some people forget to pay.
    async fn buy(&mut self) -> Result<(), BoxError> {
        let customer = self.somebody()?;
        let token = self.cast.customer(customer).await?;
        let call = Call::get("/api/v1/products?limit=100&in_stock=true");
        let found = self.cast.api.send(&call).await?.expect_status(200)?;
        let products = list(&found);
        let mut items = Vec::new();
        for _ in 0..=below(3)? {
            let product = one_of(products)?;
            let variant =
                product.and_then(|product| one_of(list_of(product, "variants")).transpose());
            let id = variant.transpose()?.and_then(|variant| variant.get("id"));
            let is_new = |item: &Value| item.get("variant_id") != id;
            if let Some(id) = id.filter(|_| items.iter().all(is_new)) {
                items.push(json!({"variant_id": id, "quantity": below(2)?.saturating_add(1)}));
            }
        }
        if items.is_empty() {
            return Ok(());
        }
        let mut body = json!({"items": items});
        let method = match below(100)? {
            0..10 => None,
            10..16 => Some("tok_declined"),
            _ => Some("tok_ok"),
        };
        if let (Some(method), Some(body)) = (method, body.as_object_mut()) {
            body.insert("payment".to_owned(), json!({"method": method}));
        }
        let key = digest::base64url(&digest::random::<12>()?);
        let call = Call::post("/api/v1/orders", &body).by(&token).key(&key);
        // Sold out meanwhile, declined: that is life.
        fine(&self.cast.api.send(&call).await?, &[201, 202, 402, 409])
    }

    /// The oldest of the newest orders that stand so takes a step.
    async fn move_one(&mut self, status: &str, verb: &str) -> Result<(), BoxError> {
        let admin = self.cast.admin().await?;
        let Some(order) = self.orders(status, &admin).await?.pop() else {
            return Ok(());
        };
        let path = format!("/api/v1/orders/{}/{verb}", id(&order));
        self.say(&admin, (&path, &json!({})), &[200, 409]).await
    }

    /// Somebody sends a thing back; the shop takes it, and gives the money back.
    async fn send_back(&mut self) -> Result<(), BoxError> {
        let admin = self.cast.admin().await?;
        let orders = self.orders("delivered", &admin).await?;
        let Some((order, customer)) = self.of_somebody(&orders)? else {
            return Ok(());
        };
        let token = self.cast.customer(customer).await?;
        let returns = format!("/api/v1/orders/{}/returns", id(order));
        let wish =
            json!({"lines": [{"line": 1, "quantity": 1}], "reason": "It does not fit the room."});
        let call = Call::post(&returns, &wish).by(&token);
        let asked = self.cast.api.send(&call).await?;
        if asked.status != 201 {
            return fine(&asked, &[409, 422]);
        }
        let one = format!("{returns}/{}", id(&asked.body));
        let (approve, receive) = (format!("{one}/approve"), format!("{one}/receive"));
        self.say(&admin, (&approve, &json!({})), &[200, 409])
            .await?;
        self.say(&admin, (&receive, &json!({})), &[200, 202, 409])
            .await
    }

    /// Somebody says what they think of what they got.
    async fn review(&mut self) -> Result<(), BoxError> {
        let admin = self.cast.admin().await?;
        let orders = self.orders("delivered", &admin).await?;
        let Some((order, customer)) = self.of_somebody(&orders)? else {
            return Ok(());
        };
        let line = one_of(list_of(order, "items"))?;
        let product = line.and_then(|line| line.get("product_id")?.as_str());
        let Some(product) = product else {
            return Ok(());
        };
        let words = below(u32::try_from(WORDS.len())?)?;
        let words = WORDS.get(usize::try_from(words)?);
        let (rating, title, text) = words.copied().unwrap_or((5, "", ""));
        let wish = json!({
            "rating": rating, "title": title, "text": text, "author": Cast::name(customer),
        });
        let token = self.cast.customer(customer).await?;
        let path = format!("/api/v1/products/{product}/reviews");
        // They have said so before.
        self.say(&token, (&path, &wish), &[200, 201, 403, 409])
            .await
    }

    /// Shelves that are nearly empty are filled.
    async fn restock(&mut self) -> Result<(), BoxError> {
        let admin = self.cast.admin().await?;
        let call = Call::get("/api/v1/inventory?low_stock=true&limit=20");
        let low = self
            .cast
            .api
            .send(&call.by(&admin))
            .await?
            .expect_status(200)?;
        let change = |stock: &Value| {
            json!({
                "variant_id": stock.get("variant_id"), "delta": DELIVERY, "reason": "a delivery came",
            })
        };
        let changes: Vec<Value> = list(&low).iter().map(change).collect();
        if changes.is_empty() {
            return Ok(());
        }
        let wish = json!({"changes": changes});
        self.say(&admin, ("/api/v1/inventory/adjust", &wish), &[200])
            .await
    }

    /// The newest orders that stand so, newest first.
    async fn orders(&self, status: &str, admin: &str) -> Result<Vec<Value>, BoxError> {
        let path = format!("/api/v1/orders?status={status}&limit={LOOKED_AT}");
        let found = self.cast.api.send(&Call::get(&path).by(admin)).await?;
        Ok(list(&found.expect_status(200)?).to_vec())
    }

    /// One of these orders whose buyer is known.
    fn of_somebody<'o>(&self, orders: &'o [Value]) -> Result<Option<(&'o Value, usize)>, BoxError> {
        let known = orders
            .iter()
            .filter_map(|order| Some((order, self.cast.whose(order)?)));
        let known: Vec<(&Value, usize)> = known.collect();
        one_of(&known).map(|one| one.copied())
    }

    async fn say(
        &self,
        token: &str,
        (path, body): (&str, &Value),
        statuses: &[u16],
    ) -> Result<(), BoxError> {
        let key = digest::base64url(&digest::random::<12>()?);
        let call = Call::post(path, body).by(token).key(&key);
        fine(&self.cast.api.send(&call).await?, statuses)
    }

    fn somebody(&self) -> Result<usize, BoxError> {
        Ok(usize::try_from(below(u32::try_from(Cast::customers())?)?)?)
    }
}

fn fine(answer: &Answer, statuses: &[u16]) -> Result<(), BoxError> {
    if statuses.contains(&answer.status) {
        return Ok(());
    }
    Err(answer.refusal(statuses))
}

fn id(thing: &Value) -> &str {
    let id = thing.get("id").or_else(|| thing.get("number"));
    id.and_then(Value::as_str).unwrap_or_default()
}

fn list(page: &Value) -> &[Value] {
    list_of(page, "data")
}

fn list_of<'v>(thing: &'v Value, name: &str) -> &'v [Value] {
    let list = thing.get(name).and_then(Value::as_array);
    list.map(Vec::as_slice).unwrap_or_default()
}

fn chosen(number: u32) -> Deed {
    let mut left = number;
    for (deed, share) in DEEDS {
        if left < share {
            return deed;
        }
        left = left.saturating_sub(share);
    }
    Deed::Buy
}

/// A number from zero to below this.
fn below(bound: u32) -> Result<u32, BoxError> {
    let number = u32::from_le_bytes(digest::random::<4>()?);
    Ok(number.checked_rem(bound).unwrap_or(0))
}

fn one_of<T>(all: &[T]) -> Result<Option<&T>, BoxError> {
    let count = u32::try_from(all.len())?;
    Ok(all.get(usize::try_from(below(count)?)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_deed_has_its_share_of_a_hundred_and_half_of_them_are_orders() {
        assert_eq!(DEEDS.iter().map(|(_, share)| share).sum::<u32>(), 100);
        let counted = |deed| (0..100).filter(|number| chosen(*number) == deed).count();
        for (deed, share) in DEEDS {
            assert_eq!(counted(deed), usize::try_from(share).unwrap(), "{deed:?}");
        }
        assert_eq!(counted(Deed::Buy), 50);
    }
}

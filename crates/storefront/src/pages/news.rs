//! News of an order for the page that shows it, as events of a server (`EventSource`): that it stands elsewhere by
//! now, and nothing else; the page then asks for itself anew. However many listen to one order, its row is looked at
//! once in a while for all of them, and all of it is bounded: listeners of an order, of a client, and in all; how long
//! one lasts. Whoever signed out is cut off at the door, and so is everybody when the node stops.

use super::{
    frame::Visit,
    order::{is_final, reader},
    problems,
};
use crate::{App, view};
use axum::{
    body::{Body, Bytes},
    extract::{Path, State},
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use contracts::{
    orders::{OrderStatus, OrderView, Orders, Reader},
    problem::{Code, Problem},
    values::{OrderId, Version},
};
use futures_util::stream;
use platform::http::{Fault, Query, auth::ClientNetwork};
use serde::Deserialize;
use serde_json::json;
use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::{Instant, sleep};

/// Listeners to one order: its buyer has few browsers.
const OF_AN_ORDER: u32 = 4;
/// Listeners of one client, or of one network of such.
const OF_A_CLIENT: u32 = 16;
/// Listeners of a process.
const IN_ALL: u32 = 512;
/// From one look at an order to the next, for the first minute of a listener, and afterwards.
const SOON: Duration = Duration::from_secs(2);
const LATER: Duration = Duration::from_secs(5);
const SOON_FOR: Duration = Duration::from_secs(60);
/// Something is said at least this often, so that nobody in between takes it for dead.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How long one lasts; a browser comes again by itself, and is let in anew.
const LIFE: Duration = Duration::from_secs(300);

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// What the address may carry.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wish {
    /// The version that the page shows.
    seen: String,
}

/// Where an order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mark {
    version: Version,
    status: OrderStatus,
}

impl Mark {
    const fn of(order: &OrderView) -> Self {
        Self {
            version: order.version,
            status: order.status,
        }
    }
}

/// Who listens in this process. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct News(Arc<Mutex<Listeners>>);

#[derive(Debug, Default)]
struct Listeners {
    all: u32,
    clients: HashMap<String, u32>,
    orders: HashMap<OrderId, Heard>,
}

/// An order that somebody listens to, as it was when somebody looked last.
#[derive(Debug)]
struct Heard {
    listeners: u32,
    looked: Instant,
    mark: Mark,
}

/// A place among the listeners; free again when it goes.
struct Place {
    news: News,
    client: String,
    order: OrderId,
}

impl News {
    fn lock(&self) -> MutexGuard<'_, Listeners> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for this client at this order, if there is one.
    fn place(&self, client: &str, order: OrderId, mark: Mark) -> Option<Place> {
        let mut listeners = self.lock();
        let of_client = listeners.clients.get(client).copied().unwrap_or(0);
        let of_order = listeners.orders.get(&order);
        let of_order = of_order.map_or(0, |heard| heard.listeners);
        if listeners.all >= IN_ALL || of_client >= OF_A_CLIENT || of_order >= OF_AN_ORDER {
            return None;
        }
        listeners.all = listeners.all.saturating_add(1);
        let of_client = listeners.clients.entry(client.to_owned()).or_default();
        *of_client = of_client.saturating_add(1);
        let heard = listeners.orders.entry(order).or_insert_with(|| Heard {
            listeners: 0,
            looked: Instant::now(),
            mark,
        });
        heard.listeners = heard.listeners.saturating_add(1);
        (heard.looked, heard.mark) = (Instant::now(), mark);
        Some(Place {
            news: self.clone(),
            client: client.to_owned(),
            order,
        })
    }
}

impl Place {
    /// What another listener saw within this time.
    fn heard_within(&self, time: Duration) -> Option<Mark> {
        let listeners = self.news.lock();
        let heard = listeners.orders.get(&self.order)?;
        (heard.looked.elapsed() < time).then_some(heard.mark)
    }

    fn tell(&self, mark: Mark) {
        if let Some(heard) = self.news.lock().orders.get_mut(&self.order) {
            (heard.looked, heard.mark) = (Instant::now(), mark);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut listeners = self.news.lock();
        listeners.all = listeners.all.saturating_sub(1);
        if let Some(count) = listeners.clients.get_mut(&self.client) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                listeners.clients.remove(&self.client);
            }
        }
        if let Some(heard) = listeners.orders.get_mut(&self.order) {
            heard.listeners = heard.listeners.saturating_sub(1);
            if heard.listeners == 0 {
                listeners.orders.remove(&self.order);
            }
        }
    }
}

/// Somebody who listens.
struct Listener {
    place: Place,
    orders: Arc<dyn Orders>,
    reader: Reader,
    /// What the page shows.
    seen: Option<Version>,
    begun: Instant,
    spoke: Instant,
}

impl Listener {
    /// What is said next; nothing more when its time is over, or the order is nothing to this reader any more.
    async fn next(mut self) -> Option<(Result<Bytes, Infallible>, Self)> {
        loop {
            let mark = self.look().await?;
            if mark.is_some_and(|mark| self.seen != Some(mark.version)) {
                let mark = mark?;
                self.seen = Some(mark.version);
                self.spoke = Instant::now();
                return Some((Ok(moved(mark)), self));
            }
            if self.begun.elapsed() >= LIFE || mark.is_some_and(|mark| is_final(mark.status)) {
                return None;
            }
            if self.spoke.elapsed() >= HEARTBEAT {
                self.spoke = Instant::now();
                return Some((Ok(Bytes::from_static(b":\n\n")), self));
            }
            sleep(self.pause()).await;
        }
    }

    fn pause(&self) -> Duration {
        if self.begun.elapsed() < SOON_FOR {
            SOON
        } else {
            LATER
        }
    }

    /// Where the order stands, as far as that is known just now. None, when there is no such order for this reader.
    async fn look(&self) -> Option<Option<Mark>> {
        if let Some(mark) = self.place.heard_within(self.pause()) {
            return Some(Some(mark));
        }
        match self.orders.order(&self.reader, self.place.order).await {
            Ok(order) => {
                let mark = Mark::of(&order);
                self.place.tell(mark);
                Some(Some(mark))
            }
            Err(error) => match Fault::from(error).0.code.status() {
                // It is asked again a little later.
                500.. => Some(None),
                _ => None,
            },
        }
    }
}

fn moved(mark: Mark) -> Bytes {
    let version = mark.version.get();
    let status = mark.status.as_str();
    let said = json!({"status": status, "words": view::words(status)});
    Bytes::from(format!("id: {version}\nevent: moved\ndata: {said}\n\n"))
}

/// GET `/order/{id}/news`.
pub(super) async fn listen(
    State(app): State<App>,
    visit: Visit,
    ClientNetwork(client): ClientNetwork,
    Path(id): Path<String>,
    Query(wish): Query<Wish>,
) -> Response {
    match begin(&app, &visit, (&id, &client), &wish).await {
        Ok(response) => response,
        Err(fault) => problems::refuse(&app, &visit, fault).await,
    }
}

async fn begin(
    app: &App,
    visit: &Visit,
    (id, client): (&str, &str),
    wish: &Wish,
) -> Result<Response, Fault> {
    let id: OrderId = id.parse().map_err(|_| Fault::new(Code::NotFound))?;
    let reader = reader(app, visit, id);
    let order = app.orders.order(&reader, id).await?;
    let last = visit.headers.get(LAST_EVENT_ID);
    let last = last.and_then(|last| last.to_str().ok());
    let seen: Option<i64> = last.unwrap_or(&wish.seen).parse().ok();
    let is_seen = seen == Some(order.version.get());
    if is_final(order.status) && is_seen {
        // Browsers do not come again after this answer.
        let keep = [(header::CACHE_CONTROL, "no-store")];
        return Ok((StatusCode::NO_CONTENT, keep).into_response());
    }
    let place = app.news.place(client, id, Mark::of(&order));
    let place = place.ok_or_else(|| {
        let many = Problem::new(Code::RateLimited);
        Fault(
            many.detail("as many listen to this order, or from there, as may: load the page anew"),
        )
    })?;
    let listener = Listener {
        place,
        orders: Arc::clone(&app.orders),
        reader,
        seen: is_seen.then_some(order.version),
        begun: Instant::now(),
        spoke: Instant::now(),
    };
    let mut response = Body::from_stream(stream::unfold(listener, Listener::next)).into_response();
    let fields = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
        // nginx would keep it until there is enough of it.
        (X_ACCEL_BUFFERING, "no"),
    ] {
        fields.insert(name, HeaderValue::from_static(value));
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark() -> Mark {
        Mark {
            version: Version::FIRST,
            status: OrderStatus::Pending,
        }
    }

    #[test]
    fn places_are_bounded_by_order_by_client_and_in_all_and_free_again_afterwards() {
        let news = News::default();
        let order = OrderId::generate();
        let mut of_order: Vec<Place> = (0..OF_AN_ORDER)
            .map(|client| news.place(&client.to_string(), order, mark()).unwrap())
            .collect();
        assert!(news.place("other", order, mark()).is_none());
        of_order.pop();
        assert!(news.place("other", order, mark()).is_some());
        drop(of_order);
        let of_client = || news.place("one", OrderId::generate(), mark());
        let all: Vec<Place> = (0..OF_A_CLIENT).map(|_| of_client().unwrap()).collect();
        assert!(of_client().is_none());
        drop(all);
        let any = |number: u32| news.place(&number.to_string(), OrderId::generate(), mark());
        let all: Vec<Place> = (0..IN_ALL).map(|number| any(number).unwrap()).collect();
        assert!(any(IN_ALL).is_none());
        drop(all);
        let left = news.lock();
        assert!(left.all == 0 && left.clients.is_empty() && left.orders.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn what_one_listener_saw_the_others_need_not_look_for() {
        let news = News::default();
        let order = OrderId::generate();
        let (one, other) = (
            news.place("a", order, mark()).unwrap(),
            news.place("b", order, mark()).unwrap(),
        );
        assert_eq!(other.heard_within(SOON), Some(mark()));
        tokio::time::advance(SOON).await;
        assert_eq!(other.heard_within(SOON), None);
        let paid = Mark {
            version: Version::FIRST.next(),
            status: OrderStatus::Paid,
        };
        one.tell(paid);
        assert_eq!(other.heard_within(SOON), Some(paid));
    }
}

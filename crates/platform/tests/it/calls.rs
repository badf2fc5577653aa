//! Calls between nodes, over real sockets: what is asked comes back or is said to be lost, nobody gets in who cannot
//! sign, time runs down on the way, and what the door hands on arrives as if it had not left.

use axum::{
    Json,
    body::Body,
    extract::Request,
    http::{HeaderMap, HeaderName, StatusCode, header::AUTHORIZATION},
    response::IntoResponse,
    routing::{get, post},
};
use contracts::{
    BoxError, Outage,
    access::{Principal, Role},
    catalog::ResolveError,
    problem::{Code, Problem},
    values::{SessionId, UserId},
    wire::Cause,
};
use http_body_util::BodyExt;
use platform::{
    balance::{self, Balanced, Pool, Source},
    batch::{self, Batcher},
    call::{
        Call, Limits, Peer,
        signature::{self, Signable, Signer},
    },
    clock::Clock,
    config::{Sources, load},
    deadline::{self, Deadline},
    http::{
        Fault, Pace, Readiness,
        auth::{ClientAddress, Visitor},
        forward,
        internal::{Answering, Gate, guarded},
        listen, readiness, stack,
    },
    tasks::Tasks,
    trail,
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{io::AsyncReadExt, net::TcpListener};
use tower::ServiceExt;

const TWICE: Call<u32, Result<u32, Cause>> = Call::read("twice");
const EACH: Call<Vec<u32>, Vec<Result<u32, ResolveError>>> = Call::repeatable("each");
const TIME_LEFT: Call<u32, Result<Vec<u64>, Cause>> = Call::read("time_left");
const TRAIL: Call<u32, Result<Vec<String>, Cause>> = Call::read("trail");
const SLOW_READ: Call<(), Result<(), Cause>> = Call::read("slow");
const SLOW_WRITE: Call<(), Result<(), Cause>> = Call::repeatable("slow");
const BUMP: Call<(), Result<(), Cause>> = Call::repeatable("bump");
const BUMP_ONCE: Call<(), Result<(), Cause>> = Call::once("bump");

const SECRET: &str = "a secret of thirty-two characters";

#[derive(Deserialize)]
struct Sections {
    balance: balance::Options,
    readiness: readiness::Options,
}

fn sections() -> Sections {
    let sources = Sources {
        defaults: &[balance::DEFAULTS, readiness::DEFAULTS].concat(),
        file: None,
        environment: false,
    };
    load(&sources, json!({"balance": {"probe": {"every_ms": 0}}})).unwrap()
}

fn signer(secret: &str) -> Signer {
    Signer::new(vec![secret.into()], "test", Clock::System).unwrap()
}

fn pool(tasks: &Tasks, addresses: &[SocketAddr]) -> Balanced {
    let sources = addresses.iter().map(|address| Source::One(*address));
    let pool = Pool::open("thing", sources.collect(), sections().balance, None, tasks);
    Balanced::new(pool.unwrap())
}

fn peer(tasks: &Tasks, addresses: &[SocketAddr]) -> Peer {
    let limits = Limits {
        answer_bytes_max: 1_000,
        long_timeout_ms: 5_000,
    };
    Peer::new(pool(tasks, addresses), signer(SECRET), limits)
}

/// A service with calls, and whom it asks in turn.
struct Thing {
    bumps: AtomicUsize,
    next: Option<Peer>,
}

impl Thing {
    fn new(next: Option<Peer>) -> Arc<Self> {
        Arc::new(Self {
            bumps: AtomicUsize::new(0),
            next,
        })
    }

    /// How much time is left here, and at each of the next so many.
    async fn time_left(&self, hops: u32) -> Result<Vec<u64>, Cause> {
        let left = deadline::current().map(|deadline| {
            let now = tokio::time::Instant::now();
            deadline.moment().saturating_duration_since(now).as_millis()
        });
        let mut all = vec![u64::try_from(left.unwrap()).unwrap()];
        if let (Some(next), Some(hops)) = (&self.next, hops.checked_sub(1)) {
            all.extend(next.ask(TIME_LEFT, &hops).await?);
        }
        Ok(all)
    }
}

impl Thing {
    /// For which request this is done here, and at each of the next so many: from a task, as work that must end.
    async fn trail(&self, hops: u32) -> Result<Vec<String>, Cause> {
        let seen = Tasks::default().finish(async { (trail::current(), trail::client()) });
        let (id, client) = seen.await.unwrap_or_default();
        let client = client.map_or_else(String::new, |client| format!(" {client}"));
        let mut all = vec![format!("{}{client}", id.unwrap_or_default())];
        if let (Some(next), Some(hops)) = (&self.next, hops.checked_sub(1)) {
            all.extend(next.ask(TRAIL, &hops).await?);
        }
        Ok(all)
    }
}

/// A node that answers the thing's calls and some plain addresses.
async fn node(tasks: &Tasks, thing: &Arc<Thing>) -> SocketAddr {
    let calls = Answering::of("thing", Arc::clone(thing))
        .on(TWICE, async |_, number| match number {
            0 => Err(Cause::from(BoxError::from(Outage::StorageFull))),
            _ => Ok(number.saturating_mul(2)),
        })
        .on(EACH, async |_, numbers| {
            let halves = numbers.into_iter().map(|number| match number {
                0 => Err(ResolveError::Unknown),
                _ => Ok(number),
            });
            halves.collect()
        })
        .on(TIME_LEFT, async |thing, hops| thing.time_left(hops).await)
        .on(TRAIL, async |thing, hops| thing.trail(hops).await)
        .on(SLOW_READ, async |_, ()| {
            tokio::time::sleep(Duration::from_secs(600)).await;
            Ok(())
        })
        .on(BUMP, async |thing, ()| {
            thing.bumps.fetch_add(1, Ordering::SeqCst);
            Ok(())
        })
        .routes();
    let routes = calls
        .route("/who", get(who))
        .route("/refuses", post(refuses));
    let readiness = Readiness::new(sections().readiness);
    let gate = Gate {
        signer: signer(SECRET),
        body_bytes_max: 10_000,
    };
    let bounds = stack::Options {
        timeout_ms: 10_000,
        in_flight_max: 100,
        late_ms_max: 0,
        body_bytes_max: 100,
    };
    let router = guarded(routes, gate, &readiness);
    let router = stack::wrap(router, &bounds, "http://node", Clock::System);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let manner = listen::Manner {
        room: listen::Room::for_any(100),
        pace: Pace {
            window: Duration::from_secs(30),
            bytes_per_second_min: 1_024,
        },
        tls: None,
        lane: None,
    };
    listen::start(tasks, listener, router, manner);
    address
}

/// A node that takes every request and hangs up.
async fn rude(tasks: &Tasks) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let taken = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&taken);
    tasks.start("rude", |_| async move {
        loop {
            let (mut stream, _) = listener.accept().await?;
            let mut bytes = [0; 4_096];
            if stream.read(&mut bytes).await? > 0 {
                count.fetch_add(1, Ordering::SeqCst);
            }
        }
    });
    (address, taken)
}

async fn who(Visitor(principal): Visitor, request: Request) -> Json<Value> {
    let client = request.extensions().get::<ClientAddress>();
    let header = |name: &'static str| {
        let value = request.headers().get(HeaderName::from_static(name));
        value.map(|value| value.to_str().unwrap().to_owned())
    };
    Json(json!({
        "user": principal.map(|principal| principal.user_id),
        "client": client.map(|ClientAddress(address)| address),
        "authorization": header("authorization"),
        "order_token": header("order-token"),
    }))
}

async fn refuses(body: String) -> Result<String, Fault> {
    let problem = Problem::new(Code::InsufficientStock).detail(body);
    Err(Fault(problem.fact("items", json!([1, 2])).retry_after(7)))
}

async fn nobody() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    listener.local_addr().unwrap()
}

fn outage(cause: Cause) -> Option<Outage> {
    Outage::behind(&BoxError::from(cause))
}

#[tokio::test]
async fn answers_and_refusals_come_back_as_they_are() {
    let tasks = Tasks::default();
    let address = node(&tasks, &Thing::new(None)).await;
    let peer = peer(&tasks, &[address]);
    assert_eq!(peer.ask(TWICE, &21).await.unwrap(), 42);
    let refused = peer.ask(TWICE, &0).await.unwrap_err();
    assert_eq!(outage(refused), Some(Outage::StorageFull));
    let answers = peer.ask_each(EACH, &vec![1, 0]).await;
    assert!(matches!(answers[..], [Ok(1), Err(ResolveError::Unknown)]));
}

#[tokio::test]
async fn nobody_gets_in_who_cannot_sign() {
    let tasks = Tasks::default();
    let address = node(&tasks, &Thing::new(None)).await;
    let plain = pool(&tasks, &[address]);
    let ask = async |headers: HeaderMap, path: &str| {
        let mut request = Request::new(Body::from("21"));
        *request.method_mut() = "POST".parse().unwrap();
        *request.uri_mut() = path.parse().unwrap();
        *request.headers_mut() = headers;
        plain.clone().oneshot(request).await.unwrap().status()
    };
    let twice = "/internal/thing/twice";
    let signed = |secret: &str, target: &str, body: &[u8]| {
        let signed = signer(secret).sign(&Signable {
            method: "POST",
            target,
            body,
            ..Signable::default()
        });
        let mut headers = HeaderMap::new();
        for (name, value) in [
            (signature::CALLER, signed.caller.as_ref()),
            (signature::TIME, &signed.time),
            (signature::SIGNATURE, &signed.signature),
        ] {
            headers.insert(name, value.parse().unwrap());
        }
        headers
    };
    let other = "another secret of 32 characters!!";
    for (headers, expected) in [
        (HeaderMap::new(), StatusCode::UNAUTHORIZED),
        (signed(other, twice, b"21"), StatusCode::FORBIDDEN),
        (signed(SECRET, twice, b"22"), StatusCode::FORBIDDEN),
        (
            signed(SECRET, "/internal/thing/each", b"21"),
            StatusCode::FORBIDDEN,
        ),
        (signed(SECRET, twice, b"21"), StatusCode::OK),
    ] {
        assert_eq!(ask(headers, twice).await, expected);
    }
    let mut forged = signed(SECRET, twice, b"21");
    forged.insert(signature::PRINCIPAL, "e30".parse().unwrap());
    assert_eq!(ask(forged, twice).await, StatusCode::FORBIDDEN);
    assert_eq!(
        ask(HeaderMap::new(), "/who").await,
        StatusCode::UNAUTHORIZED
    );
    for probe in ["/livez", "/readyz"] {
        let request = Request::get(probe).body(Body::empty()).unwrap();
        let response = plain.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{probe}");
    }
}

#[tokio::test]
async fn a_peer_that_nobody_can_reach_is_an_outage_of_all_that_was_asked() {
    let tasks = Tasks::default();
    let peer = peer(&tasks, &[nobody().await]);
    let failed = peer.ask(BUMP, &()).await.unwrap_err();
    assert_eq!(outage(failed), Some(Outage::Unreachable));
    for answer in peer.ask_each(EACH, &vec![1, 2]).await {
        let Err(ResolveError::Internal(cause)) = answer else {
            panic!("{answer:?}");
        };
        assert_eq!(Problem::internal(&cause).code, Code::DependencyUnavailable);
    }
    assert!(peer.ask_each(EACH, &Vec::new()).await.is_empty());
}

#[tokio::test]
async fn a_lost_answer_is_told_as_unknown_unless_nothing_can_have_happened() {
    let tasks = Tasks::default();
    let address = node(&tasks, &Thing::new(None)).await;
    let peer = peer(&tasks, &[address]);
    // There is a connection by now: what follows is sent at once.
    peer.ask(BUMP, &()).await.unwrap();
    let hurried = |peer: Peer, call| async move {
        let soon = Some(Deadline::after(Duration::from_millis(500)));
        let answer = deadline::within(soon, peer.ask(call, &())).await;
        outage(answer.unwrap_err())
    };
    assert_eq!(
        hurried(peer.clone(), SLOW_WRITE).await,
        Some(Outage::Unanswered)
    );
    assert_eq!(hurried(peer, SLOW_READ).await, Some(Outage::Unreachable));
}

#[tokio::test]
async fn only_what_is_safe_is_asked_of_another_instance() {
    let tasks = Tasks::default();
    let thing = Thing::new(None);
    let good = node(&tasks, &thing).await;
    let (bad, taken) = rude(&tasks).await;
    let peer = peer(&tasks, &[good, bad]);
    for _ in 0..20 {
        peer.ask(BUMP, &()).await.unwrap();
    }
    assert_eq!(thing.bumps.load(Ordering::SeqCst), 20);
    let tasks = Tasks::default();
    let alone = self::peer(&tasks, &[bad]);
    let before = taken.load(Ordering::SeqCst);
    let lost = alone.ask(BUMP_ONCE, &()).await.unwrap_err();
    assert_eq!(outage(lost), Some(Outage::Unanswered));
    assert_eq!(taken.load(Ordering::SeqCst), before.saturating_add(1));
}

#[tokio::test]
async fn time_runs_down_from_hop_to_hop() {
    let tasks = Tasks::default();
    let last = node(&tasks, &Thing::new(None)).await;
    let middle = Thing::new(Some(peer(&tasks, &[last])));
    let middle = node(&tasks, &middle).await;
    let first = peer(&tasks, &[middle]);
    let ours = Some(Deadline::after(Duration::from_millis(9_000)));
    let left = deadline::within(ours, first.ask(TIME_LEFT, &1))
        .await
        .unwrap();
    let [there, beyond] = left[..] else {
        panic!("{left:?}");
    };
    assert!(
        there <= 8_980 && beyond <= there.saturating_sub(20),
        "{left:?}"
    );
    assert!(beyond > 1_000, "{left:?}");
}

#[tokio::test]
async fn every_node_on_the_way_knows_for_which_request_it_works() {
    let tasks = Tasks::default();
    let last = node(&tasks, &Thing::new(None)).await;
    let middle = Thing::new(Some(peer(&tasks, &[last])));
    let middle = node(&tasks, &middle).await;
    let first = peer(&tasks, &[middle]);
    let ask = async |id: &str| {
        let id = (!id.is_empty()).then(|| id.into());
        trail::within(id, first.ask(TRAIL, &1)).await.unwrap()
    };
    assert_eq!(ask("request-7").await, ["request-7", "request-7"]);
    let client = "198.51.100.7".parse().unwrap();
    let from_there = trail::coming_from(Some(client), ask("request-7")).await;
    assert_eq!(
        from_there,
        ["request-7 198.51.100.7", "request-7 198.51.100.7"]
    );
    let unnamed = ask("").await;
    assert!(
        !unnamed[0].is_empty() && unnamed[0] == unnamed[1],
        "{unnamed:?}"
    );
    let limits = batch::Limits {
        queue_max: 1,
        batch_max: 1,
        weight_max: 1,
        in_flight_max: 1,
    };
    let batcher = Batcher::start(&tasks, "trails", limits, move |hops: Vec<u32>| {
        let first = first.clone();
        Box::pin(async move { vec![first.ask(TRAIL, &hops[0]).await.unwrap()] })
    });
    let answer = trail::within(Some("request-8".into()), batcher.submit(1, 1)).await;
    assert_eq!(
        answer.unwrap(),
        ["request-8", "request-8"],
        "through a batch as well"
    );
}

#[tokio::test]
async fn who_is_alone_is_asked_once_more_if_that_is_safe() {
    let tasks = Tasks::default();
    let (rude, taken) = rude(&tasks).await;
    let count = async |call| {
        // A pool of its own: what failed before must not matter.
        let (tasks, before) = (Tasks::default(), taken.load(Ordering::SeqCst));
        let lost = peer(&tasks, &[rude]).ask(call, &()).await.unwrap_err();
        (outage(lost), taken.load(Ordering::SeqCst) - before)
    };
    assert_eq!(count(SLOW_READ).await, (Some(Outage::Unreachable), 2));
    assert_eq!(count(BUMP).await, (Some(Outage::Unanswered), 2));
    assert_eq!(count(BUMP_ONCE).await, (Some(Outage::Unanswered), 1));
}

#[tokio::test]
async fn what_the_door_hands_on_arrives_with_who_asks_and_nothing_forged() {
    let tasks = Tasks::default();
    let address = node(&tasks, &Thing::new(None)).await;
    let door = forward::router(pool(&tasks, &[address]), signer(SECRET), 1_000);
    let user_id = UserId::generate();
    let mut request = Request::get("/who").body(Body::empty()).unwrap();
    request.extensions_mut().insert(Principal {
        user_id,
        session_id: SessionId::generate(),
        roles: vec![Role::Customer],
        key: None,
    });
    let client: IpAddr = "198.51.100.7".parse().unwrap();
    request.extensions_mut().insert(ClientAddress(client));
    let headers = request.headers_mut();
    headers.insert(AUTHORIZATION, "Bearer secret".parse().unwrap());
    headers.insert("order-token", "guest".parse().unwrap());
    headers.insert(signature::PRINCIPAL, "forged".parse().unwrap());
    let response = door.clone().oneshot(request).await.unwrap();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(
        serde_json::from_slice::<Value>(&body).unwrap(),
        json!({"user": user_id, "client": client, "authorization": null, "order_token": "guest"})
    );
    let mut forged = Request::get("/who").body(Body::empty()).unwrap();
    forged
        .headers_mut()
        .insert(signature::PRINCIPAL, "e30".parse().unwrap());
    let response = door.oneshot(forged).await.unwrap();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(
        serde_json::from_slice::<Value>(&body).unwrap()["user"],
        Value::Null
    );
}

#[tokio::test]
async fn a_refusal_that_was_handed_on_is_a_problem_again() {
    let tasks = Tasks::default();
    let address = node(&tasks, &Thing::new(None)).await;
    let door = forward::router(pool(&tasks, &[address]), signer(SECRET), 1_000);
    let request = Request::post("/refuses")
        .body(Body::from("only 1 left"))
        .unwrap();
    let far = door.clone().oneshot(request).await.unwrap();
    let near = refuses("only 1 left".to_owned()).await.into_response();
    assert_eq!(far.status(), near.status());
    assert_eq!(far.headers()["retry-after"], near.headers()["retry-after"]);
    let problem =
        |response: &axum::response::Response| response.extensions().get::<Problem>().cloned();
    assert_eq!(problem(&far).unwrap(), problem(&near).unwrap());
    let large = Request::post("/refuses")
        .body(Body::from("x".repeat(1_001)))
        .unwrap();
    let refused = door.oneshot(large).await.unwrap();
    assert_eq!(refused.status(), StatusCode::PAYLOAD_TOO_LARGE);
}

//! What the shipped configurations of HAProxy and nginx do when nodes are ill, gone or stop, and what nodes hear
//! through them. The same promises as our own door's.

use crate::{
    door::until,
    hops::refuse_to_be_fooled,
    node::{Node, Reply, Seen},
    proxies::{Kind, Proxy},
};
use testkit::{Answer, Client, raw};

const KINDS: [Kind; 2] = [Kind::Haproxy, Kind::Nginx];

/// A balancer before three nodes, the first of which breaks off whatever is sent to `/x`.
struct Scene {
    nodes: [Node; 3],
    proxy: Proxy,
}

impl Scene {
    async fn new(kind: Kind) -> Option<Self> {
        let nodes = [
            Node::start("ill").await,
            Node::start("well").await,
            Node::start("well").await,
        ];
        nodes[0].does(|seen| match seen.path.as_str() {
            "/x" => Reply::Close,
            _ => Reply::Status(200, ""),
        });
        let addresses = nodes.each_ref().map(|node| node.address);
        let proxy = Proxy::start(kind, addresses).await?;
        Some(Self { nodes, proxy })
    }

    fn at(&self, node: usize) -> usize {
        let seen = self.nodes[node].seen();
        seen.iter().filter(|seen| seen.path == "/x").count()
    }

    async fn send(&self, line: &str, headers: &str) -> Option<Answer> {
        let head =
            format!("{line} HTTP/1.1\r\nhost: shop.example\r\nconnection: close\r\n{headers}");
        let request = format!("{head}content-length: 2\r\n\r\n{{}}");
        raw(&self.proxy.url, request.as_bytes()).await
    }
}

#[tokio::test]
async fn only_what_reads_or_has_a_key_is_sent_twice() {
    let key = "idempotency-key: k1\r\n";
    for kind in KINDS {
        for (line, headers) in [
            ("GET /x", ""),
            ("POST /x", key),
            ("PATCH /x", key),
            ("DELETE /x", key),
        ] {
            let Some(scene) = Scene::new(kind).await else {
                continue;
            };
            while scene.at(0) == 0 {
                let answer = scene.send(line, headers).await.unwrap();
                assert_eq!(answer.text, "well", "{kind:?} {line}");
            }
        }
    }
}

#[tokio::test]
async fn what_changes_something_without_a_key_is_sent_once() {
    for kind in KINDS {
        for line in ["POST /x", "PUT /x", "PATCH /x", "DELETE /x"] {
            let Some(scene) = Scene::new(kind).await else {
                continue;
            };
            let mut sent = 0;
            while scene.at(0) == 0 {
                let answer = scene.send(line, "if-match: \"1\"\r\n").await.unwrap();
                sent += 1;
                let expected = if scene.at(0) == 0 { 200 } else { 502 };
                assert_eq!(answer.status, expected, "{kind:?} {line}");
                if expected == 502 {
                    assert_eq!(answer.code(), "upstream_unavailable", "{}", answer.text);
                    assert_eq!(answer.header("content-type"), "application/problem+json");
                    assert_eq!(answer.header("retry-after"), "1");
                }
            }
            assert_eq!(
                scene.at(0) + scene.at(1) + scene.at(2),
                sent,
                "{kind:?} {line}"
            );
        }
    }
}

#[tokio::test]
async fn nodes_hear_who_asks_and_nobody_else_s_word_for_it() {
    for kind in KINDS {
        let Some(scene) = Scene::new(kind).await else {
            continue;
        };
        let claims = "x-forwarded-for: 6.6.6.6\r\nforwarded: for=6.6.6.6\r\nx-request-id: r-1\r\n";
        assert_eq!(scene.send("GET /y", claims).await.unwrap().status, 200);
        let odd = "x-request-id: \"quoted\"\r\n";
        assert_eq!(scene.send("GET /z", odd).await.unwrap().status, 200);
        let all: Vec<Seen> = scene.nodes.iter().flat_map(Node::seen).collect();
        let seen = |path: &str| all.iter().find(|seen| seen.path == path).unwrap();
        for (name, expected) in [
            ("host", "shop.example"),
            ("x-forwarded-for", "127.0.0.1"),
            ("forwarded", ""),
            ("x-request-id", "r-1"),
        ] {
            assert_eq!(seen("/y").header(name), expected, "{kind:?} {name}");
        }
        assert!(
            !seen("/z").header("x-request-id").contains("quoted"),
            "{kind:?}"
        );
    }
}

#[tokio::test]
async fn when_all_nodes_are_gone_the_balancer_s_own_words_are_a_problem() {
    for kind in KINDS {
        let Some(Scene { nodes, proxy }) = Scene::new(kind).await else {
            continue;
        };
        drop(nodes);
        let client = Client::new(&proxy.url);
        let answer = client.get("/api/v1/products").await;
        assert!(
            [502, 503].contains(&answer.status),
            "{kind:?} {}",
            answer.status
        );
        assert_eq!(
            answer.header("content-type"),
            "application/problem+json",
            "{kind:?}"
        );
        assert_eq!(answer.int("/status"), i64::from(answer.status));
        assert!(!answer.str("/request_id").is_empty() && !answer.code().is_empty());
        assert_eq!(answer.header("retry-after"), "1", "{kind:?}");
        let bad = raw(&proxy.url, b"GET / HTTP/1.1\r\nbad header\r\n\r\n")
            .await
            .unwrap();
        assert_eq!(
            (bad.status, bad.code()),
            // What HAProxy cannot read it answers in words that nobody can set.
            (400, if kind == Kind::Nginx { "malformed" } else { "" }),
            "{kind:?} {}",
            bad.text
        );
    }
}

#[tokio::test]
async fn haproxy_sends_nothing_more_to_a_node_that_says_that_it_stops() {
    let Some(scene) = Scene::new(Kind::Haproxy).await else {
        return;
    };
    scene.nodes[1].says(503);
    let client = Client::new(&scene.proxy.url);
    until("it is left alone", || async {
        let before = scene.nodes[1].count();
        for _ in 0..30 {
            assert_eq!(client.get("/y").await.status, 200);
        }
        scene.nodes[1].count() == before
    })
    .await;
}

#[tokio::test]
async fn nothing_can_be_smuggled_past_them() {
    for kind in KINDS {
        if let Some(scene) = Scene::new(kind).await {
            // To `/x` the ill node breaks off: that is no sign of anything here.
            scene.nodes[0].does(|_| Reply::Status(200, ""));
            refuse_to_be_fooled(&scene.proxy.url, &scene.nodes.each_ref()).await;
        }
    }
}

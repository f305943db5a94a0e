//! Three nodes on one engine, and nginx in front of them.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use crate::{
    engines::{Nats, Redis},
    nginx::{self, Nginx},
    program::{PATIENCE, Server},
};

/// What the nodes have in common.
#[derive(Clone, Copy)]
pub(crate) enum On {
    Redis,
    Nats,
}

/// The engine, which is there for as long as this is.
#[expect(dead_code, reason = "it is held, and nothing is asked of it")]
enum Engine {
    Redis(Redis),
    Nats(Nats),
}

pub(crate) struct Cluster {
    pub(crate) nginx: Nginx,
    /// `None` for one that was killed.
    nodes: [Option<Server>; 3],
    _engine: Engine,
}

impl Cluster {
    /// Three nodes that were started with these arguments; `None` where the tests are to do without
    /// something that it takes.
    pub(crate) async fn start(on: On, args: &[&str]) -> Option<Self> {
        if nginx::is_skipped() {
            return None;
        }
        let (engine, url) = match on {
            On::Redis => {
                let redis = Redis::start()?;
                let url = redis.url();
                (Engine::Redis(redis), url)
            }
            On::Nats => {
                let nats = Nats::start()?;
                let url = nats.url();
                (Engine::Nats(nats), url)
            }
        };
        let args: Vec<_> = ["--hub", &url].iter().chain(args).copied().collect();
        // One after the other, so that it is known which one opens the market.
        let nodes = [
            Server::start(&args).await,
            Server::start(&args).await,
            Server::start(&args).await,
        ];
        Some(Self {
            nginx: Nginx::start([0, 1, 2].map(|n: usize| &*nodes[n].address)),
            nodes: nodes.map(Some),
            _engine: engine,
        })
    }

    /// A path at the proxy.
    pub(crate) fn url(&self, path: &str) -> String {
        self.nginx.url(path)
    }

    /// One of the nodes itself.
    pub(crate) fn node(&self, n: usize) -> &Server {
        self.nodes[n].as_ref().expect("a node that was not killed")
    }

    /// Ends a node as `kill -9` does.
    pub(crate) async fn kill(&mut self, n: usize) {
        let mut node = self.nodes[n].take().expect("a node that was not killed");
        node.child.kill().await.unwrap();
    }

    /// How many streams are open on each node that is there.
    pub(crate) async fn streams(&self) -> Vec<u64> {
        let nodes = self.nodes.iter().flatten();
        join_all(nodes.map(|node| async {
            let stats = sse_testkit::connect(node.url("/sse/stats"));
            let stats: Value = stats.await.body_json().await;
            assert_eq!(stats["node"], json!(node.address), "its own");
            stats["connections"].as_u64().unwrap()
        }))
        .await
    }

    /// Waits until so many streams are open on all nodes together, and answers how many on each.
    pub(crate) async fn until_there_are(&self, streams: u64) -> Vec<u64> {
        let all_there = async {
            loop {
                let open = self.streams().await;
                if open.iter().sum::<u64>() == streams {
                    return open;
                }
                sleep(Duration::from_millis(10)).await;
            }
        };
        match timeout(PATIENCE, all_there).await {
            Ok(open) => open,
            Err(_) => panic!("{:?} streams instead of {streams}", self.streams().await),
        }
    }

    /// Publishes a notification at one of the nodes. Answers its id.
    pub(crate) async fn notify(&self, n: usize, kind: &str, data: impl Into<Value>) -> String {
        let notification = json!({ "type": kind, "data": data.into() }).to_string();
        let url = self.node(n).url("/api/notifications");
        let mut receipt = post(url, &notification).await;
        receipt.expect_status(200);
        let receipt: Value = receipt.body_json().await;
        receipt["id"].as_str().unwrap().to_owned()
    }
}

pub(crate) async fn post(url: String, json: &str) -> sse_testkit::EventStream {
    sse_testkit::connect(url)
        .method(axum::http::Method::POST)
        .header("content-type", "application/json")
        .body(json.to_owned())
        .await
}

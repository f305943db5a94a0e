//! What is told to whoever runs it, by `tracing`.

use std::{
    fmt,
    sync::{Mutex, Once, PoisonError},
    time::Duration,
};

use sse_layer::backplane::redis::Redis;
use tokio::time::timeout;
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    layer::{Context, Layer, SubscriberExt},
    registry,
};

use super::{
    engines,
    node::{BOUNDS, Node},
};

/// All that was said in this process, by other tests, too.
static SAID: Mutex<Vec<String>> = Mutex::new(Vec::new());

struct Said;

impl<S: Subscriber> Layer<S> for Said {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        let mut said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
        said.push(line.0);
    }
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0 += &format!(" {field}={value:?}");
    }
}

fn listen_to_what_is_said() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing::subscriber::set_global_default(registry().with(Said)).unwrap();
    });
}

fn was_said(what: &[&str]) -> bool {
    let said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
    let is_it = |line: &String| what.iter().all(|what| line.contains(what));
    said.iter().any(is_it)
}

#[tokio::test]
async fn a_server_that_throws_events_away_is_warned_of() {
    listen_to_what_is_said();
    let Some(server) = engines::Redis::start_with(&["--maxmemory-policy", "volatile-ttl"]) else {
        return;
    };
    Node::at(&server.url()).await;
    assert!(was_said(&["WARN", "volatile-ttl", "noeviction"]));
    // Others are not.
    assert!(!was_said(&["policy=\"noeviction\""]));
}

#[tokio::test]
async fn what_keeps_a_node_out_is_told_each_time_without_the_password() {
    listen_to_what_is_said();
    let Some(server) = engines::Redis::start_with(&["--requirepass", "hush hush"]) else {
        return;
    };
    let engine = Redis::new(&server.url_for(":hush%20hush")).unwrap();
    let node = Node::with(engine, BOUNDS).await.unwrap();
    server.cli(&["-a", "hush hush", "CONFIG", "SET", "requirepass", "another"]);
    server.cli(&["-a", "another", "CLIENT", "KILL", "TYPE", "pubsub"]);
    node.until_disconnected(1).await;
    let told = async {
        while !was_said(&["WARN", "WRONGPASS"]) {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(30), told).await.unwrap();
    assert!(!was_said(&["hush"]));
}

//! The public suite.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use sse_layer::{BoxError, backplane::redis::Redis, conformance::Engines};

use super::engines::{self, Proxy};

/// One server; each namespace is a prefix, and has a way to the server of its own.
struct Prefixes {
    server: engines::Redis,
    ways: Mutex<HashMap<String, Proxy>>,
}

impl Prefixes {
    fn start() -> Option<Self> {
        Some(Self {
            server: engines::Redis::start()?,
            ways: Mutex::default(),
        })
    }

    fn way<T>(&self, namespace: &str, then: impl FnOnce(&Proxy) -> T) -> T {
        let mut ways = self.ways.lock().unwrap_or_else(PoisonError::into_inner);
        let way = ways
            .entry(namespace.to_owned())
            .or_insert_with(|| Proxy::to(self.server.addr()));
        then(way)
    }
}

impl Engines for Prefixes {
    type Engine = Redis;

    async fn node(&self, namespace: &str) -> Result<Redis, BoxError> {
        let url = self.way(namespace, |way| format!("redis://{}", way.addr()));
        let engine = Redis::new(&url)?.prefix(namespace)?;
        Ok(engine.timeout(Duration::from_secs(10)))
    }

    async fn interrupt(&self, namespace: &str) -> Result<bool, BoxError> {
        self.way(namespace, |way| {
            way.refuse();
            way.cut();
        });
        Ok(true)
    }

    async fn restore(&self, namespace: &str) -> Result<(), BoxError> {
        self.way(namespace, Proxy::accept);
        Ok(())
    }
}

sse_layer::conformance_tests! {
    #[tokio::test]
    match Prefixes::start() {
        Some(engines) => engines,
        None => return Ok(()),
    }
}

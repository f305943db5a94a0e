//! The public suite.

use sse_layer::{
    BoxError,
    backplane::nats::Nats,
    conformance::{Engines, Failed},
};

use crate::engines;

/// A server, with a stream for each namespace.
struct Server(engines::Nats);

impl Engines for Server {
    type Engine = Nats;

    async fn node(&self, namespace: &str) -> Result<Nats, BoxError> {
        Ok(Nats::new(&self.0.url())?.prefix(namespace)?)
    }

    fn bounds_bytes(&self) -> bool {
        false
    }

    fn goes_on_behind(&self) -> bool {
        false
    }
}

sse_layer::conformance_tests! {
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    match engines::Nats::start() {
        Some(server) => Server(server),
        None => return Ok::<(), Failed>(()),
    }
}

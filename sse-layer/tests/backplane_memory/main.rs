//! The engine `memory`, against the rules of a backplane, and engines that break them.

#![allow(clippy::unwrap_used, reason = "a test fails where it panics")]

mod broken;
mod outages;
mod suite;

use std::{collections::HashMap, sync::Mutex, time::Duration};

use sse_layer::{BoxError, backplane::memory::Memory, conformance::Engines};

/// An engine a namespace.
#[derive(Default)]
struct InMemory(Mutex<HashMap<String, Memory>>);

impl Engines for InMemory {
    type Engine = Memory;

    async fn node(&self, namespace: &str) -> Result<Memory, BoxError> {
        let mut engines = self.0.lock().unwrap();
        Ok(engines.entry(namespace.to_owned()).or_default().node())
    }

    async fn interrupt(&self, namespace: &str) -> Result<bool, BoxError> {
        if let Some(engine) = self.0.lock().unwrap().get(namespace) {
            engine.stop();
        }
        Ok(true)
    }

    async fn restore(&self, namespace: &str) -> Result<(), BoxError> {
        if let Some(engine) = self.0.lock().unwrap().get(namespace) {
            engine.start();
        }
        Ok(())
    }
}

mod conforms {
    use super::*;

    sse_layer::conformance_tests! {
        #[tokio::test(start_paused = true)]
        InMemory::default()
    }
}

/// With callers that are at it at the very same time, as they are at an engine behind a connection.
mod conforms_on_many_threads {
    use super::*;

    sse_layer::conformance_tests! {
        #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
        InMemory::default()
    }
}

/// With an engine that is far away.
mod conforms_slowly {
    use super::*;

    struct FarAway(InMemory);

    impl Engines for FarAway {
        type Engine = Memory;

        async fn node(&self, namespace: &str) -> Result<Memory, BoxError> {
            let node = self.0.node(namespace).await?;
            node.answer_after(Duration::from_millis(100));
            Ok(node)
        }

        async fn interrupt(&self, namespace: &str) -> Result<bool, BoxError> {
            self.0.interrupt(namespace).await
        }

        async fn restore(&self, namespace: &str) -> Result<(), BoxError> {
            self.0.restore(namespace).await
        }
    }

    sse_layer::conformance_tests! {
        #[tokio::test(start_paused = true)]
        FarAway(InMemory::default())
    }
}

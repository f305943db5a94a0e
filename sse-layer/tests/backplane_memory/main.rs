//! The engine `memory`, against the rules of a backplane, and engines that break them.

mod broken;
mod suite;

use std::{collections::HashMap, sync::Mutex};

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
}

mod conforms {
    use super::*;

    sse_layer::conformance_tests! {
        #[tokio::test(start_paused = true)]
        InMemory::default()
    }
}

//! The engine `memory`, against the rules of a backplane.

use sse_layer::{BoxError, backplane::memory::Memory, conformance::Engines};

/// One engine, whatever the namespace: each test has its own.
struct InMemory(Memory);

impl Engines for InMemory {
    type Engine = Memory;

    async fn node(&self, _namespace: &str) -> Result<Memory, BoxError> {
        Ok(self.0.node())
    }
}

mod conforms {
    use super::*;

    sse_layer::conformance_tests! {
        #[tokio::test(start_paused = true)]
        InMemory(Memory::new())
    }
}

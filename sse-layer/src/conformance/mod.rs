//! The tests that every engine has to pass, for those who write one of their own.
//!
//! They hold an engine against [the rules of a backplane](crate::backplane) from outside, by its
//! methods and by what it hands over. Each test takes a namespace of its own in which nothing has
//! ever been published, so that they don't disturb one another, also when they run at once.
//!
//! ```
//! use sse_layer::{
//!     BoxError,
//!     backplane::memory::Memory,
//!     conformance::{self, Engines},
//! };
//!
//! /// All namespaces of an engine in this process.
//! #[derive(Default)]
//! struct InMemory(Mutex<HashMap<String, Memory>>);
//! # use std::{collections::HashMap, sync::Mutex};
//!
//! impl Engines for InMemory {
//!     type Engine = Memory;
//!
//!     async fn node(&self, namespace: &str) -> Result<Memory, BoxError> {
//!         let mut engines = self.0.lock().unwrap();
//!         Ok(engines.entry(namespace.to_owned()).or_default().node())
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() {
//! let report = conformance::run(&InMemory::default()).await;
//! assert!(report.is_passed(), "{report}");
//! # }
//! ```
//!
//! [`conformance_tests!`](crate::conformance_tests) makes a test of each check, so that a test run
//! names those that fail.
//!
//! # Time
//!
//! Each check ends: it waits for conditions, none for longer than half a minute, and for five
//! minutes altogether. An engine may take a tenth of a second for each of its answers. One that
//! is in this process and takes its time from tokio may be checked with tokio's time paused.
//! An engine behind a connection needs real time.

mod bounds;
mod checks;
mod failed;
mod frontier;
mod history;
mod keys;
mod leaving;
mod listening;
mod nodes;
mod numbers;
mod order;
mod outages;
mod payloads;
mod report;
mod scene;
mod seen;
mod topics;

use std::future::{Future, ready};

pub use self::{
    checks::{CHECKS, Check},
    failed::Failed,
    report::Report,
};
#[doc(inline)]
pub use crate::conformance_tests;
use crate::{backplane::Backplane, error::BoxError};

/// Where the checks get their nodes from.
pub trait Engines: Sync {
    /// A node.
    type Engine: Backplane;

    /// Another node of the engine with this name, not open yet.
    ///
    /// Nodes of the same name share all topics, those of different names share nothing. The name is
    /// made of lower-case letters, digits and `_`, is shorter than 64 bytes, and is another one in
    /// every run.
    ///
    /// # Errors
    ///
    /// Whatever keeps it from being made.
    fn node(&self, namespace: &str) -> impl Future<Output = Result<Self::Engine, BoxError>> + Send;

    /// Whether a topic is bounded by its [bytes](crate::backplane::Bounds::bytes), too.
    fn bounds_bytes(&self) -> bool {
        true
    }

    /// Whether numbers can be made to go on behind a place that is told to
    /// [`frontier`](Backplane::frontier).
    fn goes_on_behind(&self) -> bool {
        true
    }

    /// Cuts all nodes of this name off from their engine, which keeps all that it has, until
    /// [`restore`](Self::restore). Answers `false` where this can't be done.
    ///
    /// # Errors
    ///
    /// Whatever keeps it from being done.
    fn interrupt(&self, namespace: &str) -> impl Future<Output = Result<bool, BoxError>> + Send {
        let _ = namespace;
        ready(Ok(false))
    }

    /// Lets all nodes of this name reach their engine again.
    ///
    /// # Errors
    ///
    /// Whatever keeps it from being done.
    fn restore(&self, namespace: &str) -> impl Future<Output = Result<(), BoxError>> + Send {
        let _ = namespace;
        ready(Ok(()))
    }
}

/// Runs all checks, one after the other.
pub async fn run<E>(engines: &E) -> Report
where
    E: Engines,
{
    let mut report = Report::default();
    for check in CHECKS {
        report.note(*check, check.outcome(engines).await);
    }
    report
}

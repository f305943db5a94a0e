//! What any event-stream server should do, whatever it is written in, checked over real sockets.
//!
//! A server whose units are all tested can still hold each event back until the next one, answer a
//! reconnecting browser with an error that makes it give up, or keep the slots of clients that have
//! gone. Nothing of that shows in a stream that is read once, from the beginning. [`check`] opens
//! as many streams as it takes, and tells what it saw.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use sse_testkit::contract::{self, Expectations, Target};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let target = Target::get("http://127.0.0.1:3000/prices").header("authorization", "Bearer test");
//! let expectations = Expectations::new()
//!     .heartbeat(Duration::from_secs(15))
//!     .resumable()
//!     .produced_by(Target::post("http://127.0.0.1:3000/publish", r#"{"price": 5}"#));
//! contract::check(target, expectations).await.assert_ok();
//! # }
//! ```
//!
//! What a specification demands of the server (HTML, RFC 9110 to 9113, Fetch) is a failure when it
//! is missing, and so is whatever the caller expects. What practice recommends is a warning. What
//! this server does not offer, or what would need to be told to the suite to be seen, is not
//! applicable.

mod check;
mod checks;
mod context;
mod expectations;
mod observation;
mod probe;
mod progress;
mod report;
mod run;
mod target;

pub use self::expectations::Expectations;
pub use self::progress::Progress;
pub use self::report::{Finding, Outcome, Painted, Report};
pub use self::target::Target;

/// Checks a server against the contract, and against what it is documented to do.
///
/// Runs in real time: paused time is resumed. What the server does never makes it panic; a server
/// that can't be reached is told by [`Report::error`].
pub async fn check(target: Target, expectations: Expectations) -> Report {
    check_with(target, expectations, |_| {}).await
}

/// As [`check`], and tells how far it is.
pub async fn check_with(
    target: Target,
    expectations: Expectations,
    progress: impl FnMut(Progress<'_>) + Send,
) -> Report {
    run::run(target, expectations, progress).await
}

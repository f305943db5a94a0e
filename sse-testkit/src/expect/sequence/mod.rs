//! Expecting several events at once, some of which are not known exactly, or not their order.

pub mod pattern;
mod report;
mod thread;

use std::time::Duration;

use self::pattern::Pattern;
use self::thread::{Outcome, Threads};
use crate::EventStream;
use crate::frame::Frame;
use crate::parser::Event;
use crate::record::What;
use crate::recorder::{Spot, Stuck};

impl EventStream {
    /// Expects these [patterns](crate::pattern) one after the other, and yields all events it took.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// # let stream = ([("content-type", "text/event-stream")],
    /// #     "event: start\ndata\n\nevent: b\ndata\n\nevent: a\ndata\n\ndata: 1\n\ndata: 2\n\nevent: done\ndata\n\n");
    /// # let app = axum::Router::new().route("/", axum::routing::get(move || async move { stream }));
    /// use std::time::Duration;
    ///
    /// use sse_testkit::pattern::{any_number_of_events, end, event, in_any_order};
    ///
    /// let mut sse = sse_testkit::get(app, "/").await;
    /// sse.expect_sequence([
    ///     event("start"),
    ///     in_any_order([event("a"), event("b")]).within(Duration::from_secs(1)),
    ///     any_number_of_events(),
    ///     event("done"),
    ///     end(),
    /// ])
    /// .await;
    /// # }
    /// ```
    ///
    /// What clients do not dispatch may come in between. It is met as soon as the last pattern is:
    /// [`any_number_of_events`](crate::pattern::any_number_of_events) takes as little as it can, and nothing where
    /// nothing follows it. The time bound is for each event, and a hundred times that for all. One
    /// that fails shows all patterns, with what met them and what came instead.
    #[track_caller]
    pub fn expect_sequence(
        &mut self,
        patterns: impl IntoIterator<Item = Pattern>,
    ) -> impl Future<Output = Vec<Event>> + Send {
        let spot = Spot::here();
        let patterns: Vec<_> = patterns.into_iter().collect();
        async move { self.sequence(spot, &patterns).await }
    }

    pub(crate) async fn sequence(&mut self, spot: Spot, patterns: &[Pattern]) -> Vec<Event> {
        let recorder = &mut self.recorder;
        let timeout = recorder.timeout();
        let mut wait = recorder.begin(None).await;
        let whole = wait.whole(timeout);
        let mut events = Vec::new();
        let mut threads = Threads::new(patterns, recorder.elapsed());
        let mut last = recorder.elapsed();
        loop {
            if threads.is_met() {
                return events;
            }
            let until = threads.until(last, timeout);
            wait.deadline = recorder.instant(until.min(last + FOR_EVER));
            let index = match recorder.next(&mut wait).await {
                Ok(index) => index,
                Err(stuck) => {
                    let problem = match stuck {
                        Stuck::TimedOut if threads.is_bounded() => {
                            "it did not come in time".to_owned()
                        }
                        _ => recorder.stuck(stuck, timeout),
                    };
                    let problem = report::stuck(patterns, &threads, recorder, &problem);
                    recorder.fail(spot, &report::expected(patterns), &problem)
                }
            };
            let record = recorder.records()[index].clone();
            match threads.next(index, &record) {
                Outcome::Goes => {}
                Outcome::Wrong(wrong) => {
                    let problem = report::wrong(patterns, &wrong, recorder, index);
                    recorder.fail(spot, &report::expected(patterns), &problem)
                }
            }
            recorder.pass(index);
            if let What::Frame(Frame::Event { event, .. }) = record.what {
                events.push(event);
                last = recorder.elapsed();
                if let Err(stuck @ Stuck::NeverEnds) = whole.renew(&mut wait) {
                    let problem = recorder.stuck(stuck, timeout);
                    let problem = report::stuck(patterns, &threads, recorder, &problem);
                    recorder.fail(spot, &report::expected(patterns), &problem)
                }
            }
        }
    }
}

/// What is too far off to be an instant is no bound in practice.
const FOR_EVER: Duration = Duration::from_secs(60 * 60 * 24 * 365);

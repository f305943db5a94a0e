//! Taking several events at once.

use std::time::Duration;

use super::Verdict;
use super::event::judge;
use super::spot::Spot;
use crate::EventStream;
use crate::frame::Frame;
use crate::parser::Event;
use crate::record::What;
use crate::stream::Stuck;

impl EventStream {
    /// Expects this many events, with whatever names; the time bound is for each of them.
    #[track_caller]
    pub fn collect(&mut self, count: usize) -> impl Future<Output = Vec<Event>> + Send {
        let spot = Spot::here();
        async move {
            let mut events = Vec::new();
            while events.len() < count {
                let expected = format!("event {} of {count}", events.len() + 1);
                events.push(self.expect(spot, &expected, None, judge).await);
            }
            events
        }
    }

    /// Takes all events of this span of time, or until the stream ends if that is earlier.
    ///
    /// Whatever comes exactly when the time is over is left to the next expectation. A stream that
    /// breaks off fails the test.
    #[track_caller]
    pub fn collect_for(&mut self, span: Duration) -> impl Future<Output = Vec<Event>> + Send {
        let spot = Spot::here();
        async move {
            let expected = format!("events for {span:?}");
            let mut events = Vec::new();
            let mut wait = self.begin(Some(span)).await;
            loop {
                let index = match self.next(&mut wait).await {
                    Ok(index) => index,
                    Err(Stuck::TimedOut) => return events,
                    Err(stuck) => self.fail(spot, &expected, &self.stuck(stuck, span)),
                };
                let record = self.record_at(index);
                match &record.what {
                    _ if self.instant(record.at) >= wait.deadline => return events,
                    What::Frame(Frame::Event { event, .. }) => events.push(event.clone()),
                    What::Frame(_) => {}
                    What::End { .. } => {
                        self.pass(index);
                        return events;
                    }
                    _ => self.fail_at(spot, &expected, index, ""),
                }
                self.pass(index);
            }
        }
    }

    /// Takes all events up to the stream's end, which has to be a clean one. The time bound is for
    /// each of them.
    #[track_caller]
    pub fn collect_to_end(&mut self) -> impl Future<Output = Vec<Event>> + Send {
        let spot = Spot::here();
        async move {
            let mut events = Vec::new();
            loop {
                let expected = "events and then the end of the stream";
                let next = self.expect(spot, expected, None, |what| match what {
                    What::End { discarded: None } => Verdict::Met(None),
                    _ => match judge(what) {
                        Verdict::Met(event) => Verdict::Met(Some(event)),
                        Verdict::Skip => Verdict::Skip,
                        Verdict::Wrong(problem) => Verdict::Wrong(problem),
                    },
                });
                match next.await {
                    Some(event) => events.push(event),
                    None => return events,
                }
            }
        }
    }
}

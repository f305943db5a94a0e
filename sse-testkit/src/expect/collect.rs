//! Taking several events at once.

use std::time::Duration;

use super::event::judge;
use crate::EventStream;
use crate::parser::Event;
use crate::record::What;
use crate::recorder::{Spot, Verdict};

impl EventStream {
    /// Expects this many events, with whatever names; the time bound is for each of them.
    #[track_caller]
    pub fn collect(&mut self, count: usize) -> impl Future<Output = Vec<Event>> + Send {
        self.take(Spot::here(), count)
    }

    /// Takes all events of this span of time, or until the stream ends if that is earlier.
    ///
    /// Whatever comes exactly when the time is over is left to the next expectation. A stream that
    /// breaks off fails the test.
    #[track_caller]
    pub fn collect_for(&mut self, span: Duration) -> impl Future<Output = Vec<Event>> + Send {
        self.take_for(Spot::here(), span)
    }

    /// Takes all events up to the stream's end, which has to be a clean one. The time bound is for
    /// each of them, and a hundred times that for all.
    #[track_caller]
    pub fn collect_to_end(&mut self) -> impl Future<Output = Vec<Event>> + Send {
        self.take_to_end(Spot::here())
    }

    pub(crate) async fn take(&mut self, spot: Spot, count: usize) -> Vec<Event> {
        let mut events = Vec::new();
        while events.len() < count {
            let expected = format!("event {} of {count}", events.len() + 1);
            let event = self.recorder.expect(spot, &expected, None, judge);
            events.push(event.await);
        }
        events
    }

    pub(crate) async fn take_for(&mut self, spot: Spot, span: Duration) -> Vec<Event> {
        let expected = format!("events for {span:?}");
        let events = self.recorder.collect_for(spot, &expected, span, judge);
        events.await
    }

    pub(crate) async fn take_to_end(&mut self, spot: Spot) -> Vec<Event> {
        let expected = "events and then the end of the stream";
        let events = self
            .recorder
            .collect_to_end(spot, expected, |what| match what {
                What::End { discarded: None } => Verdict::Met(None),
                _ => judge(what).map(Some),
            });
        events.await
    }
}

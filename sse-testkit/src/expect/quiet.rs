//! Expectations of silence.

use std::time::Duration;

use crate::EventStream;
use crate::frame::Frame;
use crate::record::What;
use crate::recorder::Spot;

impl EventStream {
    /// Expects an open stream that sends nothing at all for this long, not even a heartbeat.
    ///
    /// What has arrived before and was not read counts, only the
    /// [opening](Self::expect_opening) does not. Whatever comes exactly when the time is over is
    /// left to the next expectation.
    #[track_caller]
    pub fn expect_idle(&mut self, span: Duration) -> impl Future<Output = ()> + Send {
        let spot = Spot::here();
        async move { self.recorder.expect_idle(spot, span).await }
    }

    /// Expects an open stream that sends no event for this long; heartbeats and the like may come.
    ///
    /// Whatever comes exactly when the time is over is left to the next expectation.
    #[track_caller]
    pub fn expect_no_event(&mut self, span: Duration) -> impl Future<Output = ()> + Send {
        let spot = Spot::here();
        async move {
            let expected = format!("no event for {span:?}");
            let mut wait = self.recorder.begin(Some(span)).await;
            loop {
                let next = self.recorder.next_in_time(&mut wait, spot, &expected, span);
                let Some(index) = next.await else {
                    return;
                };
                if is_event_or_end(&self.recorder.records()[index].what) {
                    self.recorder.fail_at(spot, &expected, index, "");
                }
                self.recorder.pass(index);
            }
        }
    }
}

fn is_event_or_end(what: &What) -> bool {
    !matches!(what, What::Frame(frame) if !matches!(frame, Frame::Event { .. }))
}

//! Expectations of silence.

use std::time::Duration;

use super::spot::Spot;
use crate::EventStream;
use crate::frame::Frame;
use crate::record::What;
use crate::stream::Stuck;

impl EventStream {
    /// Expects an open stream that sends nothing at all for this long, not even a heartbeat.
    ///
    /// What has arrived before and was not read counts, only the
    /// [opening](Self::expect_opening) does not. Whatever comes exactly when the time is over is
    /// left to the next expectation.
    #[track_caller]
    pub fn expect_idle(&mut self, span: Duration) -> impl Future<Output = ()> + Send {
        let spot = Spot::here();
        async move {
            let expected = format!("silence for {span:?}");
            let mut wait = self.begin(Some(span)).await;
            loop {
                while let Some(index) = self.unread() {
                    match self.record_at(index) {
                        record if self.instant(record.at) >= wait.deadline => return,
                        record if is_opening(&record.what) => self.pass(index),
                        _ => self.fail_at(spot, &expected, index, ""),
                    }
                }
                if self.is_over() {
                    self.fail_at(spot, &expected, self.received() - 1, "");
                }
                let before = self.received();
                match self.read_chunk(&mut wait).await {
                    Ok(()) => {}
                    Err(Stuck::TimedOut) => return,
                    Err(stuck) => self.fail(spot, &expected, &self.stuck(stuck, span)),
                }
                if let Some(text) = self.part_of_a_block(before, wait.deadline) {
                    let problem = format!("got a part of a block: {text:?}");
                    self.fail(spot, &expected, &problem);
                }
            }
        }
    }

    /// Expects an open stream that sends no event for this long; heartbeats and the like may come.
    ///
    /// Whatever comes exactly when the time is over is left to the next expectation.
    #[track_caller]
    pub fn expect_no_event(&mut self, span: Duration) -> impl Future<Output = ()> + Send {
        let spot = Spot::here();
        async move {
            let expected = format!("no event for {span:?}");
            let mut wait = self.begin(Some(span)).await;
            loop {
                let index = match self.next(&mut wait).await {
                    Ok(index) => index,
                    Err(Stuck::TimedOut) => return,
                    Err(stuck) => self.fail(spot, &expected, &self.stuck(stuck, span)),
                };
                match self.record_at(index) {
                    record if self.instant(record.at) >= wait.deadline => return,
                    record if is_event_or_end(&record.what) => {
                        self.fail_at(spot, &expected, index, "");
                    }
                    _ => self.pass(index),
                }
            }
        }
    }

    /// Bytes that came since, in time, and made no frame yet.
    fn part_of_a_block(&self, before: usize, deadline: tokio::time::Instant) -> Option<String> {
        let [record] = self.records_from(before) else {
            return None;
        };
        match &record.what {
            What::Chunk(bytes) if !self.may_be_opening() => (self.instant(record.at) < deadline)
                .then(|| String::from_utf8_lossy(bytes).into_owned()),
            _ => None,
        }
    }
}

fn is_opening(what: &What) -> bool {
    matches!(what, What::Frame(Frame::Opening { .. }))
}

fn is_event_or_end(what: &What) -> bool {
    !matches!(what, What::Frame(frame) if !matches!(frame, Frame::Event { .. }))
}

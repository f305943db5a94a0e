//! Expecting silence.

use std::time::Duration;

use tokio::time::Instant;

use super::{Recorder, Spot, Stuck};
use crate::frame::Frame;
use crate::record::What;

impl Recorder {
    /// Expects an open stream that sends nothing at all for this long, but for an opening.
    ///
    /// Whatever comes exactly when the time is over is left to the next expectation.
    pub(crate) async fn expect_idle(&mut self, spot: Spot, span: Duration) {
        let expected = format!("silence for {span:?}");
        let mut wait = self.begin(Some(span)).await;
        loop {
            while let Some(index) = self.unread() {
                match &self.records[index] {
                    record if self.instant(record.at) >= wait.deadline => return,
                    record if is_opening(&record.what) => self.pass(index),
                    _ => self.fail_at(spot, &expected, index, ""),
                }
            }
            if self.connection.body.is_none() {
                self.fail_at(spot, &expected, self.records.len() - 1, "");
            }
            let before = self.records.len();
            match self.read_chunk(&mut wait).await {
                Ok(()) => {}
                Err(Stuck::TimedOut) => return,
                Err(stuck) => self.fail(spot, &expected, &self.stuck(stuck, span)),
            }
            if let Some(part) = self.part_of_a_frame(before, wait.deadline) {
                self.fail(spot, &expected, &format!("got {part}"));
            }
        }
    }

    /// Bytes that came since, in time, and made no frame yet.
    fn part_of_a_frame(&self, before: usize, deadline: Instant) -> Option<String> {
        let [record] = &self.records[before..] else {
            return None;
        };
        match &record.what {
            What::Chunk(bytes) if self.instant(record.at) < deadline => self.connection.part(bytes),
            _ => None,
        }
    }
}

fn is_opening(what: &What) -> bool {
    matches!(what, What::Frame(Frame::Opening { .. }))
}

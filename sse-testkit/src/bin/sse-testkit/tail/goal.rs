//! What `tail` waits for.

use sse_testkit::Frame;

use super::Args;
use crate::ending::Ending;

pub(super) struct Goal {
    until: Option<String>,
    count: Option<u64>,
    events: u64,
    /// Whether the last thing that was tried ended in an error.
    pub(super) broke_off: bool,
}

impl Goal {
    pub(super) fn new(args: &Args) -> Self {
        Self {
            until: args.until.clone(),
            count: args.count,
            events: 0,
            broke_off: false,
        }
    }

    /// Counts the frame, and tells whether it was the last one to wait for.
    pub(super) fn is_met_by(&mut self, frame: &Frame) -> bool {
        let Frame::Event { event, .. } = frame else {
            return false;
        };
        self.events += 1;
        let is_the_last = self.count.is_some_and(|count| self.events >= count);
        is_the_last || self.until.as_ref() == Some(&event.event)
    }

    pub(super) fn when_time_is_over(&self) -> Ending {
        self.unmet("the time is over")
    }

    pub(super) fn when_stream_is_over(&self) -> Ending {
        match self.broke_off {
            true => Ending::Failed("the stream did not end by itself".to_owned()),
            false => self.unmet("the stream is over"),
        }
    }

    fn unmet(&self, why: &str) -> Ending {
        let events = self.events;
        match (&self.until, self.count) {
            (None, None) => Ending::Done,
            (Some(name), _) => Ending::Failed(format!("{why}, and no event {name:?} has come")),
            (None, Some(count)) => {
                Ending::Failed(format!("{why} after {events} of {count} events"))
            }
        }
    }
}

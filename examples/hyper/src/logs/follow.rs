//! One client's way through the log.

use futures_util::Stream;
use serde::Serialize;
use sse_layer::{BoxEventStream, Event, Frame, LastEventId, Sse};

use super::log::{Log, Position};

/// What a client could not be given.
#[derive(Debug, Serialize)]
struct Gap {
    reason: &'static str,
    /// `None` where that can't be known.
    missed: Option<u64>,
}

/// The log from where the client left off, or from the oldest line that is kept; 204 for a client
/// that has seen the end.
pub(crate) fn stream(log: Log, last_event_id: &LastEventId) -> Sse<BoxEventStream> {
    let position = if *last_event_id == LastEventId::default() {
        Position::After(0)
    } else {
        log.position(last_event_id.parse())
    };
    match position {
        Position::After(line) => Sse::new(follow(log, line, None)).boxed(),
        Position::Unknown => {
            let evicted = log.evicted();
            let gap = Gap {
                reason: "unknown id",
                missed: None,
            };
            Sse::new(follow(log, evicted, gap.frame(evicted))).boxed()
        }
        Position::Over => Sse::stop(),
    }
}

fn follow(log: Log, mut line: u64, gap: Option<Frame>) -> impl Stream<Item = Frame> {
    async_stream::stream! {
        if let Some(gap) = gap {
            yield gap;
        }
        let mut changes = log.changes();
        loop {
            changes.mark_unchanged();
            let batch = log.read(line);
            if batch.missed > 0 {
                let gap = Gap {
                    reason: "evicted",
                    missed: Some(batch.missed),
                };
                if let Some(gap) = gap.frame(line + batch.missed) {
                    yield gap;
                }
            }
            let is_new = batch.last > line;
            line = batch.last;
            for frame in batch.frames {
                yield frame;
            }
            // The log can't go while it is followed, so that a change is always to come.
            if batch.is_over || (!is_new && changes.changed().await.is_err()) {
                return;
            }
        }
    }
}

impl Gap {
    /// With the id from which the stream goes on, so that the gap is not told again.
    fn frame(&self, evicted: u64) -> Option<Frame> {
        Event::json(self)
            .event("gap")
            .with_id(evicted)
            .to_frame()
            .inspect_err(|error| tracing::error!(%error, "a gap can't be told"))
            .ok()
    }
}

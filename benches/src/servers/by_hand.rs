//! The body that one would write by hand for these routes and no others: what is not needed here is
//! not in it.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use futures_util::Stream as _;
use http_body::{Body, Frame};
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep};

use super::{
    broadcast::{Broadcast, Subscribed},
    tick::{Count, Tick},
};

pin_project! {
    #[project = Projected]
    pub(super) enum EventBody {
        Empty,
        Idle {
            #[pin]
            heartbeat: Heartbeat,
        },
        Live {
            #[pin]
            heartbeat: Heartbeat,
            #[pin]
            events: Subscribed<Bytes>,
        },
        Ticks {
            ticks: Box<dyn Iterator<Item = Tick> + Send>,
        },
    }
}

pin_project! {
    pub(super) struct Heartbeat {
        interval: Duration,
        #[pin]
        sleep: Sleep,
    }
}

/// So many ticks go into a chunk, which costs about as much as an event to send.
const CHUNK: usize = 8 * 1024;

impl EventBody {
    pub(super) const fn empty() -> Self {
        Self::Empty
    }

    pub(super) fn idle(heartbeat: Duration) -> Self {
        Self::Idle {
            heartbeat: Heartbeat::new(heartbeat),
        }
    }

    pub(super) fn live(heartbeat: Duration, events: &Broadcast<Bytes>) -> Self {
        Self::Live {
            heartbeat: Heartbeat::new(heartbeat),
            events: events.subscribe(),
        }
    }

    /// Without heartbeats: it is never silent.
    pub(super) fn ticks(count: Count) -> Self {
        Self::Ticks {
            ticks: Box::new(count.ticks()),
        }
    }
}

/// An event as it is sent.
pub(super) fn encode(data: &str) -> Bytes {
    let mut event = String::with_capacity(data.len() + "data: \n\n".len());
    for line in data.split('\n') {
        event.push_str("data: ");
        event.push_str(line);
        event.push('\n');
    }
    event.push('\n');
    event.into()
}

impl Body for EventBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let chunk = match self.project() {
            Projected::Empty => None,
            Projected::Idle { heartbeat } => Some(ready!(heartbeat.poll(cx))),
            Projected::Live { heartbeat, events } => match events.poll_next(cx) {
                Poll::Ready(event) => {
                    heartbeat.postpone();
                    event
                }
                Poll::Pending => Some(ready!(heartbeat.poll(cx))),
            },
            Projected::Ticks { ticks } => next_chunk(ticks),
        };
        Poll::Ready(chunk.map(|chunk| Ok(Frame::data(chunk))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Empty)
    }
}

impl Heartbeat {
    fn new(interval: Duration) -> Self {
        Self {
            interval,
            sleep: sleep(interval),
        }
    }

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Bytes> {
        ready!(self.as_mut().project().sleep.poll(cx));
        self.postpone();
        Poll::Ready(Bytes::from_static(b":\n\n"))
    }

    fn postpone(self: Pin<&mut Self>) {
        let this = self.project();
        this.sleep.reset(Instant::now() + *this.interval);
    }
}

fn next_chunk(ticks: &mut dyn Iterator<Item = Tick>) -> Option<Bytes> {
    let mut chunk = Vec::with_capacity(CHUNK + 256);
    while chunk.len() < CHUNK {
        let Some(tick) = ticks.next() else { break };
        chunk.extend_from_slice(b"data: ");
        // Numbers and text: there is nothing in a tick that is not JSON.
        if serde_json::to_writer(&mut chunk, &tick).is_err() {
            return None;
        }
        chunk.extend_from_slice(b"\n\n");
    }
    (!chunk.is_empty()).then(|| chunk.into())
}

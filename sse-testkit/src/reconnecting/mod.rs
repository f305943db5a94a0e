//! Clients that lose their connection again and again: does each event reach them, and once?

mod body;
mod cut;
mod cuts;
mod goal;
mod ledger;
mod transport;

use std::fmt;
use std::time::Duration;

pub use self::cut::Cut;
use self::cuts::Cuts;
use self::goal::Goal;
pub use self::ledger::Ledger;
use self::ledger::Life;
use self::transport::Cutting;
use crate::client::{RequestBuilder, Transport};
use crate::parser::Event;
use crate::recorder::Spot;
use crate::stream::{EventStream, Reconnect};

/// A client whose connections are cut as a script says, and that comes back with its
/// `Last-Event-ID` each time, as `EventSource` does. The [`Ledger`] tells what it saw.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// # use axum::response::sse::{Event, Sse};
/// # use futures_util::stream;
/// # async fn numbers(headers: axum::http::HeaderMap) -> Sse<impl stream::Stream<Item = Result<Event, std::convert::Infallible>>> {
/// #     let last = headers.get("last-event-id").map_or(0, |id| id.to_str().unwrap().parse().unwrap());
/// #     Sse::new(stream::iter((last + 1..=9).map(|n: u32| Ok(Event::default().id(n.to_string()).data("x")))))
/// # }
/// # let app = axum::Router::new().route("/numbers", axum::routing::get(numbers));
/// use sse_testkit::{Cut, reconnecting};
///
/// let ledger = reconnecting(sse_testkit::get(app, "/numbers"))
///     .cut(3, Cut::MidFrame)
///     .cut(1, Cut::Reset)
///     .times(2)
///     .read_to_end()
///     .await;
/// ledger.expect_ids(1..=9);
/// assert_eq!(ledger.connections(), 5);
/// # }
/// ```
///
/// It works the same over a socket, where a reset is one. A connection that the server ends, or that
/// breaks off, before the script has it cut makes it come back as well, and what is left of the
/// script is done on the next one.
pub fn reconnecting(request: RequestBuilder) -> Reconnecting {
    Reconnecting {
        request,
        cuts: Vec::new(),
        pause: None,
    }
}

/// The script of a client that is cut off; made by [`reconnecting`].
#[must_use = "nothing is sent until it reads"]
pub struct Reconnecting {
    request: RequestBuilder,
    cuts: Vec<(usize, Cut)>,
    pause: Option<Duration>,
}

impl Reconnecting {
    /// Reads so many events, on one connection unless the server ends it before, and is cut then.
    pub fn cut(mut self, events: usize, cut: Cut) -> Self {
        self.cuts.push((events, cut));
        self
    }

    /// Does the cuts up to here so many times in all.
    pub fn times(mut self, times: usize) -> Self {
        self.cuts = self.cuts.repeat(times);
        self
    }

    /// Waits for this long before it comes back, instead of what the stream asked for (3 s if it did
    /// not, as browsers do).
    pub fn pause(mut self, pause: Duration) -> Self {
        self.pause = Some(pause);
        self
    }

    /// Reads this many events after the last cut.
    #[track_caller]
    pub fn read(self, events: usize) -> impl Future<Output = Ledger> + Send {
        self.run(Spot::here(), Goal::Events(events))
    }

    /// Reads the connection after the last cut up to its end, which has to be a clean one.
    #[track_caller]
    pub fn read_to_end(self) -> impl Future<Output = Ledger> + Send {
        self.run(Spot::here(), Goal::End)
    }

    /// Reads up to the event with this id, after the last cut.
    #[track_caller]
    pub fn read_until_id(self, id: impl Into<String>) -> impl Future<Output = Ledger> + Send {
        self.run(Spot::here(), Goal::Id(id.into()))
    }

    async fn run(self, spot: Spot, mut last: Goal) -> Ledger {
        let cuts = Cuts::new(self.cuts);
        let through = cuts.clone();
        let wrap = move |inner| Box::new(Cutting::new(inner, through)) as Box<dyn Transport>;
        let mut lives = Vec::new();
        let mut patience = Patience::default();
        // A connection may be cut as soon as it is open.
        let (mut next, mut left) = (cuts.next(), cuts.left());
        let mut stream = self.request.through(wrap).await;
        loop {
            let sent = stream.last_event_id().to_owned();
            let goal = Goal::of(next, &last);
            let (events, stop) = stream.read_for(spot, &goal).await;
            let is_cut = cuts.left() < left;
            if !stop.is_goal() && !is_cut {
                if let Err(problem) = patience.after(&events) {
                    stream.recorder.fail(spot, &goal.expected(), &problem);
                }
            }
            if next.is_none() {
                last = last.after(events.len());
            }
            let end = match next {
                Some((_, cut)) if is_cut => cut.to_string(),
                _ => stop.to_string(),
            };
            lives.push(Life::new(sent, events, end));
            if stop.is_goal() {
                return Ledger::new(lives, stream.transcript());
            }
            (next, left) = (cuts.next(), cuts.left());
            let goal = Goal::of(next, &last);
            let expected = format!("connection {}: {}", lives.len() + 1, goal.expected());
            stream.come_back(spot, self.pause, &expected).await;
        }
    }
}

/// How often a client comes back from connections that the script did not cut.
#[derive(Default)]
struct Patience {
    ended: usize,
    in_vain: usize,
}

impl Patience {
    const ENDED: usize = 1000;
    const IN_VAIN: usize = 20;

    /// Another one is over; `Err` if there is no use in one more.
    fn after(&mut self, events: &[Event]) -> Result<(), String> {
        self.ended += 1;
        self.in_vain = if events.is_empty() {
            self.in_vain + 1
        } else {
            0
        };
        match (self.in_vain, self.ended) {
            (Self::IN_VAIN.., _) => Err(format!(
                "{} connections in a row have ended without an event",
                self.in_vain
            )),
            (_, Self::ENDED..) => Err(format!(
                "{} connections have ended that the test did not cut",
                self.ended
            )),
            _ => Ok(()),
        }
    }
}

impl EventStream {
    async fn come_back(&mut self, spot: Spot, pause: Option<Duration>, expected: &str) {
        let outcome = self.reconnect_after(pause).await;
        let problem = match outcome {
            Reconnect::Open => return,
            Reconnect::Stopped => "the server answered 204, so a client does not come back",
            Reconnect::Refused => "the server refused it, so a client does not come back",
            Reconnect::Unreachable => "there is no response",
        };
        self.recorder.fail(spot, expected, problem);
    }
}

impl fmt::Debug for Reconnecting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reconnecting")
            .field("request", &self.request)
            .field("cuts", &self.cuts)
            .field("pause", &self.pause)
            .finish()
    }
}

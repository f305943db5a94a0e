//! Clients that lose their connection again and again: does each event reach them, and once?

mod body;
mod cut;
mod ledger;
mod transport;

use std::fmt;
use std::time::Duration;

pub use self::cut::Cut;
pub use self::ledger::Ledger;
use self::ledger::Life;
use self::transport::Cutting;
use crate::client::RequestBuilder;
use crate::frame::Frame;
use crate::parser::Event;
use crate::record::What;
use crate::recorder::{Spot, Verdict};
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
/// It works the same over a socket, where a reset is one.
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

/// What the last connection is to read.
enum Last {
    Count(usize),
    ToEnd,
    UntilId(String),
}

impl Reconnecting {
    /// One connection: reads so many events and is cut then.
    pub fn cut(mut self, events: usize, cut: Cut) -> Self {
        self.cuts.push((events, cut));
        self
    }

    /// Does the connections up to here so many times in all.
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

    /// Reads this many events on the last connection, the one after all cuts.
    #[track_caller]
    pub fn read(self, events: usize) -> impl Future<Output = Ledger> + Send {
        self.run(Spot::here(), Last::Count(events))
    }

    /// Reads the last connection up to its end, which has to be a clean one.
    #[track_caller]
    pub fn read_to_end(self) -> impl Future<Output = Ledger> + Send {
        self.run(Spot::here(), Last::ToEnd)
    }

    /// Reads the last connection up to the event with this id.
    #[track_caller]
    pub fn read_until_id(self, id: impl Into<String>) -> impl Future<Output = Ledger> + Send {
        let last = Last::UntilId(id.into());
        self.run(Spot::here(), last)
    }

    async fn run(self, spot: Spot, last: Last) -> Ledger {
        let cuts = self.cuts.clone();
        let request = self
            .request
            .through(move |inner| Box::new(Cutting::new(inner, cuts)));
        let mut stream = request.await;
        let mut lives = Vec::new();
        for (index, (count, cut)) in self.cuts.iter().enumerate() {
            let sent = stream.last_event_id().to_owned();
            let events = stream.until_cut(spot, *count, *cut).await;
            lives.push(Life::new(sent, events, cut.to_string()));
            stream.come_back(spot, self.pause, index + 2).await;
        }
        let sent = stream.last_event_id().to_owned();
        let (events, end) = match last {
            Last::Count(count) => (stream.take(spot, count).await, "open"),
            Last::ToEnd => (stream.take_to_end(spot).await, "read to its end"),
            Last::UntilId(id) => (stream.take_until_id(spot, &id).await, "open"),
        };
        lives.push(Life::new(sent, events, end.to_owned()));
        Ledger::new(lives, stream.transcript())
    }
}

impl EventStream {
    /// Reads all that comes until the connection is cut.
    async fn until_cut(&mut self, spot: Spot, count: usize, cut: Cut) -> Vec<Event> {
        let events = self.take(spot, count).await;
        let expected = match cut {
            Cut::MidFrame => format!("another event after {count}, to be cut off in it"),
            Cut::AfterFrame | Cut::Reset => {
                format!("the connection to be cut after {count} events")
            }
        };
        let is_cut = |what: &What| match (cut, what) {
            (Cut::MidFrame, What::End { discarded: Some(_) })
            | (Cut::AfterFrame, What::End { .. })
            | (Cut::Reset, What::Error(_)) => Verdict::Met(()),
            (_, What::Frame(frame)) if !matches!(frame, Frame::Event { .. }) => Verdict::Skip,
            _ => Verdict::Wrong(String::new()),
        };
        self.recorder.expect(spot, &expected, None, is_cut).await;
        events
    }

    async fn come_back(&mut self, spot: Spot, pause: Option<Duration>, number: usize) {
        let outcome = self.reconnect_after(pause).await;
        let problem = match outcome {
            Reconnect::Open => return,
            Reconnect::Stopped => "the server answered 204, so a client does not come back",
            Reconnect::Refused => "the server refused it, so a client does not come back",
            Reconnect::Unreachable => "there is no response",
        };
        let expected = format!("connection {number} to be open");
        self.recorder.fail(spot, &expected, problem);
    }

    async fn take_until_id(&mut self, spot: Spot, id: &str) -> Vec<Event> {
        let expected = format!("events up to the one with id {id:?}");
        let mut last = None;
        let judge = |what: &What| match what {
            What::Frame(Frame::Event { event, .. }) if event.id.as_deref() == Some(id) => {
                last = Some(event.clone());
                Verdict::Met(None)
            }
            What::Frame(Frame::Event { event, .. }) => Verdict::Met(Some(event.clone())),
            What::Frame(_) => Verdict::Skip,
            _ => Verdict::Wrong(String::new()),
        };
        let taken = self.recorder.collect_to_end(spot, &expected, judge);
        let mut events = taken.await;
        events.extend(last);
        events
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

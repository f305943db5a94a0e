//! Several clients at once: what is sent to one has to be sent to all.

mod each;
mod same;

use std::time::Duration;

use crate::parser::Event;
use crate::pattern::Pattern;
use crate::recorder::Spot;
use crate::{EventStream, Transcript};

/// Takes several clients together: expectations are of each of them, at the same time.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// # let stream = ([("content-type", "text/event-stream")], "id: 1\ndata: a\n\nid: 2\ndata: b\n\n");
/// # let app = axum::Router::new().route("/", axum::routing::get(move || async move { stream }));
/// use sse_testkit::pattern::{any_number_of_events, end, message};
///
/// let one = sse_testkit::get(app.clone(), "/").await;
/// let other = sse_testkit::get(app, "/").await;
///
/// let mut clients = sse_testkit::all([one, other]);
/// clients.each(async |sse| sse.expect_message().text("a").await).await;
/// clients.expect_sequence([any_number_of_events(), message().text("b"), end()]).await;
/// clients.expect_same_events();
/// # }
/// ```
pub fn all(clients: impl IntoIterator<Item = EventStream>) -> Clients {
    Clients {
        streams: clients.into_iter().collect(),
    }
}

/// Several clients, with the expectations of each; made by [`all`].
///
/// They wait at the same time, in the test's own task. An expectation that one of them does not
/// meet fails the test once all have come to their end, and tells which ones differ.
#[derive(Debug)]
pub struct Clients {
    streams: Vec<EventStream>,
}

impl Clients {
    /// The clients, the first one being what failures call client 1.
    pub fn streams(&mut self) -> &mut [EventStream] {
        &mut self.streams
    }

    /// Gives the clients back.
    pub fn into_streams(self) -> Vec<EventStream> {
        self.streams
    }

    /// What each has read, for a snapshot.
    pub fn transcripts(&self) -> impl Iterator<Item = Transcript> {
        self.streams.iter().map(EventStream::transcript)
    }

    /// Expects these of each client, at the same time, and yields what they yield, in the order of
    /// the clients.
    ///
    /// `clients.each(async |sse| sse.expect_event("tick").json(&tick).await).await`
    #[track_caller]
    pub fn each<T>(
        &mut self,
        expect: impl AsyncFn(&mut EventStream) -> T,
    ) -> impl Future<Output = Vec<T>> {
        let spot = Spot::here();
        async move {
            let futures = self.streams.iter_mut().map(|stream| expect(stream));
            each::run(spot, futures).await
        }
    }

    /// Expects this [sequence](EventStream::expect_sequence) of each client.
    #[track_caller]
    pub fn expect_sequence(
        &mut self,
        patterns: impl IntoIterator<Item = Pattern>,
    ) -> impl Future<Output = Vec<Vec<Event>>> + Send {
        let spot = Spot::here();
        let patterns: Vec<_> = patterns.into_iter().collect();
        async move {
            let streams = self.streams.iter_mut();
            each::run(spot, streams.map(|stream| stream.sequence(spot, &patterns))).await
        }
    }

    /// Expects this many events of each client, with whatever names.
    #[track_caller]
    pub fn collect(&mut self, count: usize) -> impl Future<Output = Vec<Vec<Event>>> + Send {
        let spot = Spot::here();
        async move {
            let streams = self.streams.iter_mut();
            each::run(spot, streams.map(|stream| stream.take(spot, count))).await
        }
    }

    /// Takes all events of this span of time from each client, or until its stream ends.
    #[track_caller]
    pub fn collect_for(&mut self, span: Duration) -> impl Future<Output = Vec<Vec<Event>>> + Send {
        let spot = Spot::here();
        async move {
            let streams = self.streams.iter_mut();
            each::run(spot, streams.map(|stream| stream.take_for(spot, span))).await
        }
    }

    /// Takes all events up to each stream's end.
    #[track_caller]
    pub fn collect_to_end(&mut self) -> impl Future<Output = Vec<Vec<Event>>> + Send {
        let spot = Spot::here();
        async move {
            let streams = self.streams.iter_mut();
            each::run(spot, streams.map(|stream| stream.take_to_end(spot))).await
        }
    }

    /// Expects that all have seen the same events, with the same ids and data, in the same order.
    ///
    /// It looks at what each has read so far, so there is nothing to await. Streams that begin at
    /// different places are compared from the first id they share, and as far as both were read;
    /// where both have come to their end, that has to be after the same event. What is sent to each
    /// client when it comes, and has no id, need not be the same. Streams without any id are compared
    /// from their first event.
    ///
    /// # Panics
    ///
    /// If they have not, or some share no event at all. The clients that most others agree with are
    /// taken to be right.
    #[track_caller]
    pub fn expect_same_events(&self) -> &Self {
        if let Err(problem) = same::compare(&self.streams) {
            panic!("{}: {problem}", Spot::here());
        }
        self
    }
}

//! Expecting an event.

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use serde::Serialize;

use super::check::Check;
use super::tagged;
use crate::EventStream;
use crate::frame::Frame;
use crate::parser::Event;
use crate::record::What;
use crate::recorder::{Expectation, Spot, Verdict};

/// What the next event has to be like; awaiting it waits for that event and yields it.
#[must_use = "nothing is expected until it is awaited"]
pub struct ExpectEvent<'a>(Expectation<'a, Event>);

impl EventStream {
    /// Expects the next event to have this name.
    ///
    /// What clients do not dispatch may come before: heartbeats, retries, blocks without data.
    #[track_caller]
    pub fn expect_event(&mut self, name: impl Into<String>) -> ExpectEvent<'_> {
        self.expect_one(Spot::here(), Check::name(name.into()))
    }

    /// Expects the next event to have no name, which is to say `message`.
    #[track_caller]
    pub fn expect_message(&mut self) -> ExpectEvent<'_> {
        self.expect_one(Spot::here(), Check::no_name())
    }

    /// Expects an event, whatever its name.
    #[track_caller]
    pub fn expect_any_event(&mut self) -> ExpectEvent<'_> {
        self.expect_any(Spot::here(), "an event".to_owned())
    }

    /// Expects the next event to be this value of an externally tagged enum: its variant is the
    /// event's name, what the variant holds is the data.
    #[track_caller]
    pub fn expect_tagged<E: Serialize + ?Sized>(&mut self, value: &E) -> ExpectEvent<'_> {
        let spot = Spot::here();
        let expected = match tagged::split(value) {
            Ok((name, _)) => format!("event {name:?}"),
            Err(_) => "an event".to_owned(),
        };
        self.expect_any(spot, expected).tagged(value)
    }

    fn expect_one(&mut self, spot: Spot, check: Check) -> ExpectEvent<'_> {
        let event = self.expect_any(spot, check.expected.clone());
        event.check(move |event| check.holds(event))
    }

    fn expect_any(&mut self, spot: Spot, expected: String) -> ExpectEvent<'_> {
        ExpectEvent(Expectation::new(&mut self.recorder, spot, expected, judge))
    }
}

impl<'a> ExpectEvent<'a> {
    /// With this data, as it stands.
    pub fn text(self, data: impl Into<String>) -> Self {
        self.also(Check::text(data.into()))
    }

    /// With data that is this value as JSON, however it is laid out. The value may have
    /// [wildcards](crate::json) in it.
    pub fn json<T: Serialize + ?Sized>(self, value: &T) -> Self {
        self.also(Check::json(value))
    }

    /// With data that is JSON and has at least what this value has: objects may have more keys,
    /// however deep; arrays have the same number of elements, unless they are
    /// [`containing`](crate::json::containing). The value may have [wildcards](crate::json) in it.
    pub fn json_partial<T: Serialize + ?Sized>(self, value: &T) -> Self {
        self.also(Check::json_partial(value))
    }

    /// As this value of an externally tagged enum: its variant is the event's name, what the
    /// variant holds is the data, `null` if it holds nothing.
    pub fn tagged<E: Serialize + ?Sized>(self, value: &E) -> Self {
        self.also(Check::tagged(value))
    }

    /// With an id of its own, and this one.
    pub fn id(self, id: impl Into<String>) -> Self {
        self.also(Check::id(id.into()))
    }

    /// Without an id of its own.
    pub fn no_id(self) -> Self {
        self.also(Check::no_id())
    }

    /// With a reconnection time in its block.
    pub fn retry(self, retry: Duration) -> Self {
        self.also(Check::retry(retry))
    }

    /// With data for which this holds.
    pub fn data_with(self, holds: impl Fn(&str) -> bool + Send + 'a) -> Self {
        self.check(move |event| match holds(&event.data) {
            true => Ok(()),
            false => Err("its data is not as the test wants it".to_owned()),
        })
    }

    /// Within this time instead of the stream's [timeout](crate::RequestBuilder::timeout).
    pub fn within(self, span: Duration) -> Self {
        Self(self.0.within(span))
    }

    fn also(self, check: Check) -> Self {
        let also = self.0.also(&check.expected);
        Self(also.check(move |event| check.holds(event)))
    }

    fn check(self, check: impl Fn(&Event) -> Result<(), String> + Send + 'a) -> Self {
        Self(self.0.check(check))
    }
}

impl<'a> IntoFuture for ExpectEvent<'a> {
    type Output = Event;
    type IntoFuture = Pin<Box<dyn Future<Output = Event> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.0.wait())
    }
}

/// Skips what clients do not dispatch.
pub(super) fn judge(what: &What) -> Verdict<Event> {
    match what {
        What::Frame(Frame::Event { event, .. }) => Verdict::Met(event.clone()),
        What::Frame(_) => Verdict::Skip,
        _ => Verdict::Wrong(String::new()),
    }
}

impl fmt::Debug for ExpectEvent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ExpectEvent").field(&self.0).finish()
    }
}

//! Expecting an event.

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use serde::Serialize;

use super::{json, tagged};
use crate::EventStream;
use crate::frame::Frame;
use crate::parser::Event;
use crate::record::What;
use crate::recorder::{Expectation, Spot, Verdict, equal};

/// What the next event has to be like; awaiting it waits for that event and yields it.
#[must_use = "nothing is expected until it is awaited"]
pub struct ExpectEvent<'a>(Expectation<'a, Event>);

impl EventStream {
    /// Expects the next event to have this name.
    ///
    /// What clients do not dispatch may come before: heartbeats, retries, blocks without data.
    #[track_caller]
    pub fn expect_event(&mut self, name: impl Into<String>) -> ExpectEvent<'_> {
        let name = name.into();
        let expected = format!("event {name:?}");
        self.expect_any(Spot::here(), expected)
            .check(move |event| equal("the name", &event.event, &name))
    }

    /// Expects the next event to have no name, which is to say `message`.
    #[track_caller]
    pub fn expect_message(&mut self) -> ExpectEvent<'_> {
        let expected = "an event without a name".to_owned();
        self.expect_any(Spot::here(), expected)
            .check(|event| equal("the name", &event.event, "message"))
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

    fn expect_any(&mut self, spot: Spot, expected: String) -> ExpectEvent<'_> {
        ExpectEvent(Expectation::new(&mut self.recorder, spot, expected, judge))
    }
}

impl<'a> ExpectEvent<'a> {
    /// With this data, as it stands.
    pub fn text(self, data: impl Into<String>) -> Self {
        let data = data.into();
        self.also(format!("data {data:?}"))
            .check(move |event| equal("the data", &event.data, &data))
    }

    /// With data that is this value as JSON, however it is laid out.
    pub fn json<T: Serialize + ?Sized>(self, value: &T) -> Self {
        match serde_json::to_value(value) {
            Ok(wanted) => self
                .also(format!("JSON {wanted}"))
                .check(move |event| json::compare(&event.data, &wanted)),
            Err(error) => self.check(move |_| Err(format!("the expected value: {error}"))),
        }
    }

    /// As this value of an externally tagged enum: its variant is the event's name, what the
    /// variant holds is the data, `null` if it holds nothing.
    pub fn tagged<E: Serialize + ?Sized>(self, value: &E) -> Self {
        match tagged::split(value) {
            Ok((name, wanted)) => {
                self.also(format!("{name:?} as JSON {wanted}"))
                    .check(move |event| {
                        equal("the name", &event.event, &name)?;
                        json::compare(&event.data, &wanted)
                    })
            }
            Err(error) => self.check(move |_| Err(error.clone())),
        }
    }

    /// With an id of its own, and this one.
    pub fn id(self, id: impl Into<String>) -> Self {
        let id = id.into();
        self.also(format!("id {id:?}"))
            .check(move |event| match &event.id {
                Some(own) => equal("the id", own, &id),
                None => Err("it has no id of its own".to_owned()),
            })
    }

    /// Without an id of its own.
    pub fn no_id(self) -> Self {
        self.also("no id").check(|event| match &event.id {
            Some(id) => Err(format!("it has the id {id:?}")),
            None => Ok(()),
        })
    }

    /// With a reconnection time in its block.
    pub fn retry(self, retry: Duration) -> Self {
        self.also(format!("retry {retry:?}"))
            .check(move |event| match event.retry {
                Some(own) if own == retry => Ok(()),
                Some(own) => Err(format!("its retry is {own:?}")),
                None => Err("it has no retry".to_owned()),
            })
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

    fn also(self, expected: impl AsRef<str>) -> Self {
        Self(self.0.also(expected))
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

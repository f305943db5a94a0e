//! What an event has to be like: one thing that can be said of it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use super::tagged;
use crate::json;
use crate::parser::Event;
use crate::recorder::equal;

#[derive(Clone)]
pub(super) struct Check {
    /// In a failure's words.
    pub(super) expected: String,
    holds: Arc<Holds>,
}

type Holds = dyn Fn(&Event) -> Result<(), String> + Send + Sync;

impl Check {
    pub(super) fn new(
        expected: impl Into<String>,
        holds: impl Fn(&Event) -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        Self {
            expected: expected.into(),
            holds: Arc::new(holds),
        }
    }

    /// `Err` says what is wrong with it.
    pub(super) fn holds(&self, event: &Event) -> Result<(), String> {
        (self.holds)(event)
    }

    pub(super) fn name(name: String) -> Self {
        Self::new(format!("event {name:?}"), move |event| {
            equal("the name", &event.event, &name)
        })
    }

    pub(super) fn no_name() -> Self {
        Self::new("an event without a name", |event| {
            equal("the name", &event.event, "message")
        })
    }

    pub(super) fn text(data: String) -> Self {
        Self::new(format!("data {data:?}"), move |event| {
            json::compare_text(&event.data, &data)
        })
    }

    pub(super) fn json<T: Serialize + ?Sized>(value: &T) -> Self {
        Self::value(value, "JSON", false)
    }

    pub(super) fn json_partial<T: Serialize + ?Sized>(value: &T) -> Self {
        Self::value(value, "JSON with", true)
    }

    fn value<T: Serialize + ?Sized>(value: &T, what: &str, partial: bool) -> Self {
        match serde_json::to_value(value) {
            Ok(wanted) => Self::new(format!("{what} {}", json::shown(&wanted)), move |event| {
                json::compare(&event.data, &wanted, partial)
            }),
            Err(error) => Self::never(what, format!("the expected value: {error}")),
        }
    }

    pub(super) fn tagged<E: Serialize + ?Sized>(value: &E) -> Self {
        match tagged::split(value) {
            Ok((name, wanted)) => Self::variant(name, wanted),
            Err(error) => Self::never("a variant", error),
        }
    }

    fn variant(name: String, wanted: Value) -> Self {
        let expected = format!("{name:?} as JSON {}", json::shown(&wanted));
        Self::new(expected, move |event| {
            equal("the name", &event.event, &name)?;
            json::compare(&event.data, &wanted, false)
        })
    }

    pub(super) fn id(id: String) -> Self {
        Self::new(format!("id {id:?}"), move |event| match &event.id {
            Some(own) => equal("the id", own, &id),
            None => Err("it has no id of its own".to_owned()),
        })
    }

    pub(super) fn no_id() -> Self {
        Self::new("no id", |event| match &event.id {
            Some(id) => Err(format!("it has the id {id:?}")),
            None => Ok(()),
        })
    }

    pub(super) fn retry(retry: Duration) -> Self {
        Self::new(format!("retry {retry:?}"), move |event| match event.retry {
            Some(own) if own == retry => Ok(()),
            Some(own) => Err(format!("its retry is {own:?}")),
            None => Err("it has no retry".to_owned()),
        })
    }

    /// What can't be, because the test itself is wrong.
    fn never(expected: &str, reason: String) -> Self {
        Self::new(expected, move |_| Err(reason.clone()))
    }
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Check").field(&self.expected).finish()
    }
}

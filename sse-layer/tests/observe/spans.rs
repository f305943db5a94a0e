//! What a subscriber gets of the streams' spans.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex},
};

use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
    subscriber::DefaultGuard,
};
use tracing_subscriber::{
    layer::{Context, Layer, SubscriberExt as _},
    registry::LookupSpan,
};

/// A span with all that was recorded in it, or an event with the span that it was told in.
pub(crate) type Fields = BTreeMap<String, String>;

/// All that was told on this thread while it lives.
pub(crate) struct Told {
    log: Log,
    _default: DefaultGuard,
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    spans: Vec<(Id, Fields)>,
    events: Vec<Fields>,
    closed: usize,
}

impl Told {
    pub(crate) fn listen() -> Self {
        let log = Log::default();
        let subscriber = tracing_subscriber::registry().with(log.clone());
        Self {
            log,
            _default: tracing::subscriber::set_default(subscriber),
        }
    }

    /// The spans of streams, in the order in which they were opened.
    pub(crate) fn streams(&self) -> Vec<Fields> {
        let inner = self.log.0.lock().unwrap();
        inner
            .spans
            .iter()
            .map(|(_, span)| span.clone())
            .filter(|span| span["span"] == "sse_stream")
            .collect()
    }

    /// How many spans nobody has any more.
    pub(crate) fn closed(&self) -> usize {
        self.log.0.lock().unwrap().closed
    }

    /// The events with such a message.
    pub(crate) fn events(&self, message: &str) -> Vec<Fields> {
        let inner = self.log.0.lock().unwrap();
        inner
            .events
            .iter()
            .filter(|event| event.get("message").is_some_and(|told| told == message))
            .cloned()
            .collect()
    }
}

impl<S> Layer<S> for Log
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::from([("span".into(), attributes.metadata().name().into())]);
        if let Some(parent) = context.span(id).and_then(|span| span.parent()) {
            fields.insert("parent".into(), parent.name().into());
        }
        attributes.record(&mut Visitor(&mut fields));
        self.0.lock().unwrap().spans.push((id.clone(), fields));
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _context: Context<'_, S>) {
        let mut inner = self.0.lock().unwrap();
        let span = inner.spans.iter_mut().rev().find(|(span, _)| span == id);
        values.record(&mut Visitor(&mut span.unwrap().1));
    }

    fn on_close(&self, _id: Id, _context: Context<'_, S>) {
        self.0.lock().unwrap().closed += 1;
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let level = event.metadata().level().to_string();
        let mut fields = Fields::from([("level".into(), level)]);
        if let Some(span) = context.event_span(event) {
            fields.insert("span".into(), span.name().into());
        }
        event.record(&mut Visitor(&mut fields));
        self.0.lock().unwrap().events.push(fields);
    }
}

struct Visitor<'a>(&'a mut Fields);

impl Visit for Visitor<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().into(), value.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name().into(), format!("{value:?}"));
    }
}

//! What a subscriber gets of the streams' spans.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, OnceLock},
};

use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
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
}

thread_local! {
    static LOG: RefCell<Option<Log>> = const { RefCell::new(None) };
}

/// One subscriber for all threads, that hands over to the thread's own log.
///
/// A subscriber a thread would not do: what is told first by a thread that has none is taken for
/// something that nobody wants, for all threads.
pub(crate) fn subscribe() {
    static SUBSCRIBED: OnceLock<()> = OnceLock::new();
    SUBSCRIBED.get_or_init(|| {
        let subscriber = tracing_subscriber::registry().with(ByThread);
        tracing::subscriber::set_global_default(subscriber).unwrap();
    });
}

struct ByThread;

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
        subscribe();
        let log = Log::default();
        LOG.set(Some(log.clone()));
        Self { log }
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

impl Drop for Told {
    fn drop(&mut self) {
        LOG.set(None);
    }
}

fn log(write: impl FnOnce(&mut Inner)) {
    LOG.with_borrow(|log| {
        if let Some(log) = log {
            write(&mut log.0.lock().unwrap());
        }
    });
}

impl<S> Layer<S> for ByThread
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::from([("span".into(), attributes.metadata().name().into())]);
        if let Some(parent) = context.span(id).and_then(|span| span.parent()) {
            fields.insert("parent".into(), parent.name().into());
        }
        attributes.record(&mut Visitor(&mut fields));
        log(|log| log.spans.push((id.clone(), fields)));
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _context: Context<'_, S>) {
        log(|log| {
            let span = log.spans.iter_mut().rev().find(|(span, _)| span == id);
            values.record(&mut Visitor(&mut span.unwrap().1));
        });
    }

    fn on_close(&self, _id: Id, _context: Context<'_, S>) {
        log(|log| log.closed += 1);
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let level = event.metadata().level().to_string();
        let mut fields = Fields::from([("level".into(), level)]);
        if let Some(span) = context.event_span(event) {
            fields.insert("span".into(), span.name().into());
        }
        event.record(&mut Visitor(&mut fields));
        log(|log| log.events.push(fields));
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

//! What a body has said so far.

use std::time::Duration;

use bytes::Bytes;

use crate::Chunk;
use crate::parser::{Event, Item, Parser, Unfinished};

/// What a body has said so far, with times counted from the request.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) chunks: Vec<Chunk>,
    pub(crate) items: Vec<(Duration, Item)>,
    pub(crate) end: Option<(Duration, End)>,
    /// What a client throws away at the end.
    pub(crate) unfinished: Option<Unfinished>,
    parser: Option<Parser>,
    size: usize,
}

/// Why nothing follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    /// The body ended as its protocol has it.
    Clean,
    /// It broke off.
    Broken(String),
    /// It is larger than anyone wants to look at.
    TooMuch,
}

/// More of a stream than this says nothing new.
const ENOUGH: usize = 4 * 1024 * 1024;

/// As many lines or chunks say nothing new either, and each takes far more memory than its bytes.
const ENOUGH_PIECES: usize = 50_000;

impl Seen {
    pub(super) fn new() -> Self {
        Self {
            chunks: Vec::new(),
            items: Vec::new(),
            end: None,
            unfinished: None,
            parser: Some(Parser::new()),
            size: 0,
        }
    }

    pub(super) fn chunk(&mut self, at: Duration, bytes: Bytes) {
        if bytes.is_empty() {
            return;
        }
        self.size += bytes.len();
        if let Some(parser) = &mut self.parser {
            // The size is bounded here, so the parser's own limits are never met.
            let items = parser.feed(&bytes).unwrap_or_default();
            self.items.extend(items.into_iter().map(|item| (at, item)));
        }
        self.chunks.push(Chunk { bytes, elapsed: at });
        if self.size > ENOUGH || self.items.len().max(self.chunks.len()) > ENOUGH_PIECES {
            self.end(at, End::TooMuch);
        }
    }

    pub(super) fn end(&mut self, at: Duration, end: End) {
        if let Some(parser) = self.parser.take() {
            self.unfinished = parser.finish().ok().flatten();
        }
        self.end = Some((at, end));
    }

    /// The events, each with the time when its last byte came; not those that are heartbeats.
    pub(crate) fn events(&self) -> impl Iterator<Item = (Duration, &Event)> {
        self.all_events().filter(|(_, it)| !is_heartbeat(it))
    }

    /// An event that is none: it only shows that the stream is alive.
    pub(crate) fn heartbeat_event(&self) -> Option<&Event> {
        let mut events = self.all_events().map(|(_, event)| event);
        events.find(|event| is_heartbeat(event))
    }

    fn all_events(&self) -> impl Iterator<Item = (Duration, &Event)> {
        self.items.iter().filter_map(|(at, item)| match item {
            Item::Event(event) => Some((*at, event)),
            _ => None,
        })
    }

    pub(crate) fn event_count(&self) -> usize {
        self.events().count()
    }

    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// All bytes.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.chunks.iter().flat_map(|it| it.bytes.clone()).collect()
    }
}

/// What servers send that have no comments.
fn is_heartbeat(event: &Event) -> bool {
    let names = ["ping", "heartbeat", "keep-alive", "keepalive", "keep_alive"];
    let is_name = |text: &str| names.iter().any(|name| text.eq_ignore_ascii_case(name));
    let data = event.data.trim().trim_matches('"');
    event.id.is_none() && (is_name(&event.event) || (event.event == "message" && is_name(data)))
}

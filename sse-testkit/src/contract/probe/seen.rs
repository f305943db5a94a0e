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
        if self.size > ENOUGH {
            self.end(at, End::TooMuch);
        }
    }

    pub(super) fn end(&mut self, at: Duration, end: End) {
        if let Some(parser) = self.parser.take() {
            self.unfinished = parser.finish().ok().flatten();
        }
        self.end = Some((at, end));
    }

    /// The events, each with the time when its last byte came.
    pub(crate) fn events(&self) -> impl Iterator<Item = (Duration, &Event)> + Clone {
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

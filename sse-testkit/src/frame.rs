//! From parsed lines to the frames a test speaks of.

use std::time::Duration;

use crate::parser::{Event, Field, Item, reconnection_time};

/// What a server sent in one go, as far as an event stream tells.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Frame {
    /// The very first bytes, sent together with the response head and before anything else, when
    /// they are comments or a `retry`: they only show that the stream is open.
    #[non_exhaustive]
    Opening {
        /// The lines as a server would write them, each with its line end.
        text: String,
        /// The comments among them.
        comments: Vec<String>,
        /// The reconnection time among them.
        retry: Option<Duration>,
    },
    /// An event.
    #[non_exhaustive]
    Event {
        /// The event itself.
        event: Event,
        /// The comments that came with it, as opposed to earlier ones in the same block.
        comments: Vec<String>,
        /// The reconnection time that came with it.
        retry: Option<Duration>,
    },
    /// A comment by itself: a heartbeat.
    Comment {
        /// The comment's lines, joined by LF.
        text: String,
        /// No blank line followed.
        bare: bool,
    },
    /// A reconnection time by itself.
    Retry(Duration),
    /// A block without data that sets the last event id.
    #[non_exhaustive]
    Id {
        /// The new last event id.
        id: String,
        /// The comments in the block.
        comments: Vec<String>,
        /// The reconnection time in the block.
        retry: Option<Duration>,
    },
    /// A block that means nothing: it has neither data nor id.
    Empty {
        /// Its fields.
        fields: Vec<Field>,
    },
    /// A blank line that ends nothing.
    Blank,
}

impl Frame {
    /// The last event id as of this frame, if it says anything about it.
    pub(crate) fn last_event_id(&self) -> Option<&str> {
        match self {
            Self::Event { event, .. } => Some(&event.last_event_id),
            Self::Id { id, .. } => Some(id),
            _ => None,
        }
    }

    /// The reconnection time that this frame asks for.
    pub(crate) fn reconnection_time(&self) -> Option<Duration> {
        match self {
            Self::Event { event, .. } => event.retry,
            Self::Id { retry, .. } | Self::Opening { retry, .. } => *retry,
            Self::Retry(delay) => Some(*delay),
            Self::Comment { .. } | Self::Empty { .. } | Self::Blank => None,
        }
    }
}

/// A line that may yet turn out to be the first of a block.
#[derive(Debug)]
enum Lead {
    Comment(String),
    Retry(Duration),
}

/// Joins items to frames.
///
/// Comment and retry lines mean something as soon as they are complete, blank line or not, so a
/// server may leave the blank line out. Whether they belong to what follows is decided by time: if
/// the stream pauses after them, they were sent by themselves.
#[derive(Debug)]
pub(crate) struct Assembler {
    /// Nothing but what may be an opening has been seen.
    opening: bool,
    lead: Vec<Lead>,
    /// The lead is older than the current chunk.
    lead_is_old: bool,
    /// The fields since the block began, once one came that needs a blank line.
    fields: Option<Vec<Field>>,
    comments: Vec<String>,
    retry: Option<Duration>,
}

/// Bounds the look-ahead on a stream that sends comment lines without ever pausing.
const MAX_LEAD: usize = 64;

impl Assembler {
    pub(crate) fn new() -> Self {
        Self {
            opening: true,
            lead: Vec::new(),
            lead_is_old: false,
            fields: None,
            comments: Vec::new(),
            retry: None,
        }
    }

    /// A chunk begins; `at_head` when no time has passed since the response head.
    pub(crate) fn begin_chunk(&mut self, at_head: bool) {
        self.lead_is_old = !self.lead.is_empty();
        if !at_head && self.lead.is_empty() {
            self.opening = false;
        }
    }

    pub(crate) fn item(&mut self, item: Item, frames: &mut Vec<Frame>) {
        match item {
            Item::Comment(text) if self.fields.is_some() => self.comments.push(text),
            Item::Comment(text) => self.lead(Lead::Comment(text), frames),
            Item::Retry(delay) if self.fields.is_some() => self.retry = Some(delay),
            Item::Retry(delay) => self.lead(Lead::Retry(delay), frames),
            Item::Field(field) => self.field(field, frames),
            Item::Event(event) => {
                frames.push(Frame::Event {
                    event,
                    comments: std::mem::take(&mut self.comments),
                    retry: self.retry,
                });
                self.end_block();
            }
            Item::Id(id) => {
                frames.push(Frame::Id {
                    id,
                    comments: std::mem::take(&mut self.comments),
                    retry: self.retry,
                });
                self.end_block();
            }
            Item::Blank => {
                if let Some(fields) = self.fields.take() {
                    frames.push(Frame::Empty { fields });
                    frames.extend(self.retry.map(Frame::Retry));
                } else if self.lead.is_empty() {
                    frames.push(Frame::Blank);
                } else {
                    self.release(true, frames);
                }
                self.end_block();
            }
        }
    }

    /// Whether there are lines whose meaning depends on what comes at this very moment.
    pub(crate) fn is_undecided(&self) -> bool {
        !self.lead.is_empty()
    }

    /// Whether all that came so far may be an opening.
    pub(crate) fn is_opening(&self) -> bool {
        self.opening
    }

    /// The stream has paused: what came before stands by itself.
    pub(crate) fn settle(&mut self, frames: &mut Vec<Frame>) {
        if self.is_undecided() {
            self.release(false, frames);
        }
    }

    /// The stream is over: a reconnection time is in force even if its block is not whole.
    pub(crate) fn finish(&mut self, frames: &mut Vec<Frame>) {
        self.settle(frames);
        frames.extend(self.retry.take().map(Frame::Retry));
    }

    fn lead(&mut self, line: Lead, frames: &mut Vec<Frame>) {
        if self.lead.len() >= MAX_LEAD || (self.lead_is_old && !self.opening) {
            self.release(false, frames);
        }
        self.lead.push(line);
    }

    fn field(&mut self, field: Field, frames: &mut Vec<Frame>) {
        if self.fields.is_none() {
            if field.name == "retry" && reconnection_time(&field.value).is_some() {
                // Its `Item::Retry` follows.
                return;
            }
            if self.opening && self.is_undecided() {
                self.release(false, frames);
            }
            for line in self.lead.drain(..) {
                match line {
                    Lead::Comment(text) => self.comments.push(text),
                    Lead::Retry(delay) => self.retry = Some(delay),
                }
            }
            self.opening = false;
        }
        self.fields.get_or_insert_default().push(field);
    }

    fn release(&mut self, blank: bool, frames: &mut Vec<Frame>) {
        let lead = std::mem::take(&mut self.lead);
        self.lead_is_old = false;
        if std::mem::take(&mut self.opening) {
            frames.push(opening(lead, blank));
            return;
        }
        let bare = !blank;
        let mut comment: Option<String> = None;
        for line in lead {
            match (line, &mut comment) {
                (Lead::Comment(more), Some(text)) => {
                    text.push('\n');
                    text.push_str(&more);
                }
                (Lead::Comment(text), None) => comment = Some(text),
                (Lead::Retry(delay), _) => {
                    frames.extend(comment.take().map(|text| Frame::Comment { text, bare }));
                    frames.push(Frame::Retry(delay));
                }
            }
        }
        frames.extend(comment.map(|text| Frame::Comment { text, bare }));
    }

    fn end_block(&mut self) {
        self.opening = false;
        self.fields = None;
        self.comments.clear();
        self.retry = None;
    }
}

fn opening(lead: Vec<Lead>, blank: bool) -> Frame {
    let mut text = String::new();
    let mut comments = Vec::new();
    let mut retry = None;
    for line in lead {
        match line {
            Lead::Comment(comment) => {
                text.push_str(if comment.is_empty() { ":" } else { ": " });
                text.push_str(&comment);
                text.push('\n');
                comments.push(comment);
            }
            Lead::Retry(delay) => {
                text.push_str(&format!("retry: {}\n", delay.as_millis()));
                retry = Some(delay);
            }
        }
    }
    if blank {
        text.push('\n');
    }
    Frame::Opening {
        text,
        comments,
        retry,
    }
}

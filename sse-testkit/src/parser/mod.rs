//! The event-stream parser of the HTML standard, to the letter, fed chunk by chunk.
//!
//! A browser throws away whatever does not end up in an event. A test wants to see that as well,
//! so this parser yields comments, raw fields and blank lines beside the events.
//!
//! ```
//! use sse_testkit::parser::{Item, Parser};
//!
//! let mut parser = Parser::new();
//! let mut events = Vec::new();
//! for chunk in ["id: 7\r", "\nevent: tick\rda", "ta: hello\n", "\n"] {
//!     for item in parser.feed(chunk.as_bytes())? {
//!         if let Item::Event(event) = item {
//!             events.push(event);
//!         }
//!     }
//! }
//! assert_eq!(events.len(), 1);
//! assert_eq!((&*events[0].event, &*events[0].data), ("tick", "hello"));
//! assert_eq!(parser.last_event_id(), "7");
//! # Ok::<(), sse_testkit::parser::ParseError>(())
//! ```

mod block;
mod error;
mod item;
mod lines;
#[cfg(test)]
mod tests;

use std::time::Duration;

use self::block::Block;
pub use self::error::ParseError;
pub use self::item::{Event, Field, Item, Unfinished};
use self::lines::Lines;

/// An incremental parser of `text/event-stream`.
///
/// How the bytes are cut into chunks makes no difference to what is yielded: a byte order mark, a
/// CRLF or a character may be split anywhere.
#[derive(Debug, Clone)]
pub struct Parser {
    lines: Lines,
    block: Block,
    max_event_size: usize,
    /// The standard's "last event ID buffer": set by an `id` line.
    id_buffer: String,
    /// The standard's "last event ID string": the buffer as of the last blank line.
    last_event_id: String,
    retry: Option<Duration>,
    failed: Option<ParseError>,
}

impl Parser {
    /// The size a line and an event may have unless told otherwise.
    pub const DEFAULT_LIMIT: usize = 8 * 1024 * 1024;

    /// A parser at the start of a stream.
    pub fn new() -> Self {
        Self {
            lines: Lines::new(Self::DEFAULT_LIMIT),
            block: Block::default(),
            max_event_size: Self::DEFAULT_LIMIT,
            id_buffer: String::new(),
            last_event_id: String::new(),
            retry: None,
            failed: None,
        }
    }

    /// Starts with the id of an earlier stream, as a client that reconnects does.
    #[must_use]
    pub fn with_last_event_id(mut self, id: impl Into<String>) -> Self {
        self.last_event_id = id.into();
        self.id_buffer.clone_from(&self.last_event_id);
        self
    }

    /// Sets how many bytes a line may have, its end not counted.
    #[must_use]
    pub fn max_line_size(mut self, bytes: usize) -> Self {
        self.lines.limit = bytes;
        self
    }

    /// Sets how many bytes the field lines of one event may have together, and the comments among
    /// them.
    #[must_use]
    pub fn max_event_size(mut self, bytes: usize) -> Self {
        self.max_event_size = bytes;
        self
    }

    /// Takes the next bytes and yields what they complete.
    ///
    /// # Errors
    ///
    /// When a limit is passed. Items completed before that are returned first, and the error by the
    /// next call, so that it does not depend on the chunks what is seen. A parser that has failed
    /// stays so.
    pub fn feed(&mut self, mut bytes: &[u8]) -> Result<Vec<Item>, ParseError> {
        let mut items = Vec::new();
        while self.failed.is_none() {
            match self.lines.next(&mut bytes) {
                Ok(Some(line)) => self.line(&line, &mut items),
                Ok(None) => break,
                Err(error) => self.failed = Some(error),
            }
        }
        match self.failed {
            Some(error) if items.is_empty() => Err(error),
            _ => Ok(items),
        }
    }

    /// Ends the stream: an unfinished block is no event and its id does not count.
    ///
    /// Returns what was discarded, if anything was.
    ///
    /// # Errors
    ///
    /// When a limit was passed and [`feed`](Self::feed) has not told so yet.
    pub fn finish(self) -> Result<Option<Unfinished>, ParseError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let unfinished = Unfinished {
            fields: self.block.fields,
            line: self.lines.into_rest(),
        };
        let empty = unfinished.fields.is_empty() && unfinished.line.is_empty();
        Ok((!empty).then_some(unfinished))
    }

    /// What `EventSource` would send as `Last-Event-ID`: the id as of the last complete block.
    pub fn last_event_id(&self) -> &str {
        &self.last_event_id
    }

    /// The reconnection time that the stream asked for, if it did.
    pub fn retry(&self) -> Option<Duration> {
        self.retry
    }

    fn line(&mut self, line: &str, items: &mut Vec<Item>) {
        if line.is_empty() {
            self.end_block(items);
        } else if let Some(comment) = line.strip_prefix(':') {
            let comment = without_space(comment).to_owned();
            let fits = self.block.push_comment(&comment, self.max_event_size);
            if !fits {
                return self.fail_by_size();
            }
            items.push(Item::Comment(comment));
        } else {
            self.block.size += line.len();
            if self.block.size > self.max_event_size {
                return self.fail_by_size();
            }
            let (name, value) = match line.split_once(':') {
                Some((name, value)) => (name, without_space(value)),
                None => (line, ""),
            };
            self.field(name, value, items);
        }
    }

    fn fail_by_size(&mut self) {
        let limit = self.max_event_size;
        self.failed = Some(ParseError::EventTooLarge { limit });
    }

    fn field(&mut self, name: &str, value: &str, items: &mut Vec<Item>) {
        let field = Field {
            name: name.to_owned(),
            value: value.to_owned(),
        };
        self.block.fields.push(field.clone());
        items.push(Item::Field(field));

        match name {
            "event" => value.clone_into(&mut self.block.event),
            "data" => self.block.push_data(value),
            "id" if !value.contains('\0') => {
                value.clone_into(&mut self.id_buffer);
                self.block.id = Some(value.to_owned());
            }
            "retry" => {
                if let Some(delay) = reconnection_time(value) {
                    self.retry = Some(delay);
                    self.block.retry = Some(delay);
                    items.push(Item::Retry(delay));
                }
            }
            _ => {}
        }
    }

    fn end_block(&mut self, items: &mut Vec<Item>) {
        let block = std::mem::take(&mut self.block);
        self.last_event_id.clone_from(&self.id_buffer);
        items.push(match (block.data, block.id) {
            (Some(data), id) => Item::Event(Event {
                id,
                last_event_id: self.last_event_id.clone(),
                event: match block.event {
                    name if name.is_empty() => "message".to_owned(),
                    name => name,
                },
                data,
                retry: block.retry,
                comments: block.comments,
                fields: block.fields,
            }),
            (None, Some(id)) => Item::Id(id),
            (None, None) => Item::Blank,
        });
    }
}

impl Default for Parser {
    fn default() -> Self {
        Self::new()
    }
}

/// Parses a whole stream at once.
///
/// # Errors
///
/// When the stream passes the [default limit](Parser::DEFAULT_LIMIT).
pub fn parse(bytes: impl AsRef<[u8]>) -> Result<Vec<Item>, ParseError> {
    let mut parser = Parser::new();
    let items = parser.feed(bytes.as_ref())?;
    parser.finish()?;
    Ok(items)
}

fn without_space(value: &str) -> &str {
    value.strip_prefix(' ').unwrap_or(value)
}

/// "If the field value consists of only ASCII digits": no sign, no space, and not nothing.
pub(crate) fn reconnection_time(value: &str) -> Option<Duration> {
    if value.is_empty() || !value.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // All digits, so the only way to fail is to be too large.
    Some(Duration::from_millis(value.parse().unwrap_or(u64::MAX)))
}

//! What the parser yields.

use std::time::Duration;

/// One thing that a stream says.
///
/// A line yields its item when it ends; [`Event`](Self::Event), [`Id`](Self::Id) and
/// [`Blank`](Self::Blank) tell what a blank line brought about.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Item {
    /// A comment line, without its colon and one leading space.
    Comment(String),
    /// A field line as it stands, whether it means anything or not.
    Field(Field),
    /// A valid `retry` line (after its [`Field`](Self::Field)): in force at once, event or not.
    Retry(Duration),
    /// A blank line dispatched this event.
    Event(Event),
    /// A blank line ended a block without data but with this id: no event, but it is from now on
    /// the last event id.
    Id(String),
    /// A blank line to which the standard gives no meaning. Some clients dispatch an empty event
    /// here.
    Blank,
}

/// An event, as `EventSource` would dispatch it, and what it does not tell.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Event {
    /// The id in this event's own block, if it has one.
    pub id: Option<String>,
    /// The id that `EventSource` reports: this event's, or else that of an earlier block.
    pub last_event_id: String,
    /// The event's name, `message` if it has none.
    pub event: String,
    /// The data lines, joined by LF.
    pub data: String,
    /// The reconnection time in this event's block.
    pub retry: Option<Duration>,
    /// The comment lines since the last blank line; the last of them where they are more than an
    /// event may have bytes.
    pub comments: Vec<String>,
    /// The field lines of the block as they stand.
    pub fields: Vec<Field>,
}

/// A field line: `name: value`, one leading space of the value removed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Field {
    /// What stands before the first colon, or the whole line if there is none.
    pub name: String,
    /// What stands after the colon.
    pub value: String,
}

/// What a stream had begun when it ended, and a client therefore throws away.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unfinished {
    /// The complete field lines of the block that no blank line ended.
    pub fields: Vec<Field>,
    /// The line that no line end ended.
    pub line: String,
}

//! What is sent: [`Event`] as it is built, [`Frame`] as it goes over the wire.

mod data;
mod encoder;
mod frame;
mod id;
#[cfg(feature = "json")]
mod json;
mod name;
#[cfg(feature = "json")]
mod tagged;
mod writer;

use std::{borrow::Cow, time::Duration};

use self::encoder::{COMMENT, ID};
pub(crate) use self::frame::{comment_line, retry_line};
pub use self::{
    data::{EventData, Text},
    encoder::Encoder,
    frame::Frame,
    id::EventId,
    name::EventName,
    writer::EventDataWriter,
};
#[cfg(feature = "json")]
pub use self::{json::Json, tagged::Tagged};
use crate::error::{EncodeError, InvalidField};

/// One event: its data, and what goes with it.
///
/// Built as in axum, with text set by a method, or typed, with data that is encoded straight into
/// the response:
///
/// ```
/// use sse_layer::{Event, EventId};
///
/// let built = Event::default().event("greeting").id("7").data("hello");
/// let typed = Event::text("hello").event("greeting").with_id(7_u64);
/// let expected = b"id: 7\nevent: greeting\ndata: hello\n\n";
/// assert_eq!(built.to_frame()?.as_bytes(), expected);
/// assert_eq!(typed.to_frame()?.as_bytes(), expected);
///
/// #[derive(serde::Serialize)]
/// struct Price { symbol: &'static str, cents: u64 }
///
/// let price = Event::json(Price { symbol: "ACME", cents: 1250 });
/// assert_eq!(price.to_frame()?.as_bytes(), b"data: {\"symbol\":\"ACME\",\"cents\":1250}\n\n");
/// # Ok::<(), sse_layer::EncodeError>(())
/// ```
///
/// Fields go out in the order comment, id, event, retry, data. A method that is called again
/// replaces what it set before; [`comment`](Self::comment) adds a line. No method panics: an id or
/// a name that can't be sent is refused at once by [`try_id`](Self::try_id) and
/// [`try_event`](Self::try_event), or remembered by [`id`](Self::id) and [`event`](Self::event),
/// in which case nothing of the event is written and the stream's
/// [error policy](crate::OnError) applies.
#[derive(Clone, Debug)]
#[must_use]
pub struct Event<D = Text> {
    comment: Option<Cow<'static, str>>,
    id: Option<EventId>,
    name: Option<EventName>,
    retry: Option<Duration>,
    bad_id: Option<InvalidField>,
    bad_name: Option<InvalidField>,
    data: D,
}

impl Default for Event<Text> {
    fn default() -> Self {
        Self::new(Text(None))
    }
}

impl Event<Text> {
    /// The comment that keeps a silent stream alive: a lone `:`.
    pub const DEFAULT_KEEP_ALIVE: Self = Self {
        comment: Some(Cow::Borrowed("")),
        id: None,
        name: None,
        retry: None,
        bad_id: None,
        bad_name: None,
        data: Text(None),
    };

    /// An event with text as its data, moved or `'static`, not copied.
    ///
    /// Borrowed text goes through [`data`](Self::data), which copies it, or through
    /// [`Event::new`], which keeps the borrow.
    #[inline]
    pub fn text(text: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Text(Some(text.into())))
    }

    /// Sets the data: text, one `data` line for each of its lines.
    ///
    /// CR, LF and CRLF each end a line; empty text still is data.
    #[inline]
    pub fn data<T>(mut self, data: T) -> Self
    where
        T: AsRef<str>,
    {
        self.data = Text(Some(Cow::Owned(data.as_ref().to_owned())));
        self
    }

    /// Sets the data: a value as JSON.
    ///
    /// Written at once, into a string; [`Event::json`] writes it straight into the response.
    ///
    /// # Errors
    ///
    /// What the value's `Serialize` answers, or that it has no form in JSON.
    #[cfg(feature = "json")]
    pub fn json_data<T>(mut self, data: T) -> Result<Self, EncodeError>
    where
        T: serde::Serialize,
    {
        self.data = Text(Some(Cow::Owned(serde_json::to_string(&data)?)));
        Ok(self)
    }

    /// Writes the data piece by piece; [`EventDataWriter::into_event`] gives the event back.
    pub fn into_data_writer(self) -> EventDataWriter {
        EventDataWriter::new(self)
    }
}

#[cfg(feature = "json")]
impl<T> Event<Json<T>> {
    /// An event with a value as its data, written as one line of JSON when it is sent.
    pub const fn json(value: T) -> Self
    where
        T: serde::Serialize,
    {
        Self::new(Json(value))
    }
}

#[cfg(feature = "json")]
impl<T> Event<Tagged<T>> {
    /// An event from an enum: the variant is its name, the payload its data. See [`Tagged`].
    pub const fn tagged(value: T) -> Self
    where
        T: serde::Serialize,
    {
        Self::new(Tagged(value))
    }
}

impl<D> Event<D> {
    /// An event with data of any kind: text (`&str`, `String`, `Arc<str>` and whatever else is
    /// `AsRef<str>`) or an [`EventData`].
    pub const fn new(data: D) -> Self {
        Self {
            comment: None,
            id: None,
            name: None,
            retry: None,
            bad_id: None,
            bad_name: None,
            data,
        }
    }

    /// Sets the id that the client sends back as `Last-Event-ID` when it reconnects.
    ///
    /// An id that can't be sent makes the event fail when it is written; [`try_id`](Self::try_id)
    /// tells at once.
    #[inline]
    pub fn id<T>(mut self, id: T) -> Self
    where
        T: AsRef<str>,
    {
        match EventId::new(id) {
            Ok(id) => self.with_id(id),
            Err(fault) => {
                self.bad_id = Some(fault);
                self
            }
        }
    }

    /// Sets the id, or tells why it can't be sent.
    ///
    /// # Errors
    ///
    /// [`InvalidField`] for a CR, LF or NUL in it.
    pub fn try_id<T>(self, id: T) -> Result<Self, InvalidField>
    where
        T: AsRef<str>,
    {
        Ok(self.with_id(EventId::new(id)?))
    }

    /// Sets an id that is known to be valid, such as a number: no check and, up to 24 bytes, no
    /// allocation.
    #[inline]
    pub fn with_id(mut self, id: impl Into<EventId>) -> Self {
        self.id = Some(id.into());
        self.bad_id = None;
        self
    }

    /// Sets the name, for `addEventListener`; an event without one arrives as `message`.
    ///
    /// A name that can't be sent makes the event fail when it is written;
    /// [`try_event`](Self::try_event) tells at once.
    #[inline]
    pub fn event<T>(mut self, event: T) -> Self
    where
        T: AsRef<str>,
    {
        match EventName::new(event) {
            Ok(name) => self.with_event(name),
            Err(fault) => {
                self.bad_name = Some(fault);
                self
            }
        }
    }

    /// Sets the name, or tells why it can't be sent.
    ///
    /// # Errors
    ///
    /// [`InvalidField::NameLineBreak`] for a CR or LF in it.
    pub fn try_event<T>(self, event: T) -> Result<Self, InvalidField>
    where
        T: AsRef<str>,
    {
        Ok(self.with_event(EventName::new(event)?))
    }

    /// Sets a name that is known to be valid.
    #[inline]
    pub fn with_event(mut self, event: EventName) -> Self {
        self.name = Some(event);
        self.bad_name = None;
        self
    }

    /// Sets how long the client waits before it reconnects, in whole milliseconds.
    #[inline]
    pub fn retry(mut self, duration: Duration) -> Self {
        self.retry = Some(duration);
        self
    }

    /// Adds a comment, which clients ignore; each of its lines becomes one.
    pub fn comment<T>(mut self, comment: T) -> Self
    where
        T: AsRef<str>,
    {
        let comment = comment.as_ref();
        match &mut self.comment {
            None => self.comment = Some(Cow::Owned(comment.to_owned())),
            Some(comments) => {
                let comments = comments.to_mut();
                comments.push('\n');
                comments.push_str(comment);
            }
        }
        self
    }

    /// The same event with other data.
    pub fn map_data<E>(self, map: impl FnOnce(D) -> E) -> Event<E> {
        Event {
            comment: self.comment,
            id: self.id,
            name: self.name,
            retry: self.retry,
            bad_id: self.bad_id,
            bad_name: self.bad_name,
            data: map(self.data),
        }
    }

    /// The id that was set.
    pub fn event_id(&self) -> Option<&EventId> {
        self.id.as_ref()
    }

    /// The name that was set.
    pub fn event_name(&self) -> Option<&EventName> {
        self.name.as_ref()
    }
}

impl<D> Event<D>
where
    D: EventData,
{
    /// Appends the event as one block, or leaves `out` as it was.
    ///
    /// `stream_name` names an event that has data and no name of its own. An event in which
    /// nothing is set writes nothing.
    #[inline]
    pub(crate) fn encode_into(
        &self,
        out: &mut Vec<u8>,
        stream_name: Option<&EventName>,
    ) -> Result<(), EncodeError> {
        let start = out.len();
        let written = self.write_fields(out, stream_name);
        if written.is_err() {
            out.truncate(start);
        } else if out.len() > start {
            out.push(b'\n');
        }
        written
    }

    #[inline]
    fn write_fields(
        &self,
        out: &mut Vec<u8>,
        stream_name: Option<&EventName>,
    ) -> Result<(), EncodeError> {
        if let Some(fault) = self.bad_id.or(self.bad_name) {
            return Err(fault.into());
        }
        if let Some(comment) = &self.comment {
            encoder::lines(out, COMMENT, comment);
        }
        if let Some(id) = &self.id {
            encoder::line(out, ID, id.as_str().as_bytes());
        }
        let mut encoder = Encoder::new(out, self.name.as_ref(), stream_name, self.retry);
        self.data.encode(&mut encoder)?;
        encoder.finish();
        Ok(())
    }

    pub(crate) fn size_hint(&self) -> usize {
        let text = |text: &str| text.len() + 8;
        self.comment
            .as_deref()
            .map_or(0, |comment| encoder::lines_len(COMMENT, comment))
            + self.id.as_ref().map_or(0, |id| text(id.as_str()))
            + self.name.as_ref().map_or(0, |name| text(name.as_str()))
            + self.retry.map_or(0, |_| 28)
            + self.data.size_hint()
            + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(event: &Event) -> String {
        String::from_utf8(event.to_frame().unwrap().as_bytes().to_vec()).unwrap()
    }

    #[test]
    fn fields_go_out_in_one_order_whatever_order_they_were_set_in() {
        let event = Event::default()
            .data("d")
            .retry(Duration::from_millis(1500))
            .event("e")
            .id("1")
            .comment("c");
        assert_eq!(
            sent(&event),
            ": c\nid: 1\nevent: e\nretry: 1500\ndata: d\n\n"
        );
    }

    #[test]
    fn what_is_set_again_replaces_and_comments_add_up() {
        let event = Event::default()
            .id("a\nb")
            .id("2")
            .event("a\rb")
            .event("two")
            .data("one")
            .data("two")
            .comment("one")
            .comment("two");
        assert_eq!(
            sent(&event),
            ": one\n: two\nid: 2\nevent: two\ndata: two\n\n"
        );
        assert!(event.clone().id("\0").to_frame().is_err());
        assert!(event.event("\n").id("3").to_frame().is_err());
    }

    #[test]
    fn empty_values_are_sent_and_nothing_set_is_nothing_sent() {
        assert_eq!(sent(&Event::default().data("")), "data:\n\n");
        assert_eq!(sent(&Event::default().id("")), "id:\n\n");
        assert_eq!(sent(&Event::DEFAULT_KEEP_ALIVE), ":\n\n");
        assert_eq!(sent(&Event::default()), "");
    }

    #[test]
    fn a_frame_to_be_shared_is_one_buffer_of_its_size() {
        for event in [
            Event::text("one\ntwo\r\n").id("1").event("e").comment("c"),
            Event::text("").retry(Duration::from_secs(1)),
        ] {
            let mut out = Vec::new();
            event.encode_into(&mut out, None).unwrap();
            assert!(event.size_hint() >= out.len());
            let bytes = event.to_frame().unwrap().into_bytes();
            // Shared already: nothing is moved or allocated when it is cloned.
            assert_eq!(bytes.clone().as_ptr(), bytes.as_ptr());
        }
    }
}

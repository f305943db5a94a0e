use std::{borrow::Cow, fmt};

use super::{Event, Text};

/// Writes an event's data piece by piece, through [`fmt::Write`].
///
/// What is written is added to the data that the event has. Line breaks are split into `data`
/// lines when the event is encoded, also where CR and LF come in two pieces.
///
/// ```
/// use std::fmt::Write;
/// use sse_layer::Event;
///
/// let mut writer = Event::default().event("log").into_data_writer();
/// write!(writer, "{} of {}\n", 1, 2)?;
/// write!(writer, "done")?;
/// let event = writer.into_event();
/// assert_eq!(event.to_frame()?.as_bytes(), b"event: log\ndata: 1 of 2\ndata: done\n\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use]
pub struct EventDataWriter {
    event: Event<Text>,
    data: Option<String>,
}

impl EventDataWriter {
    pub(super) fn new(mut event: Event<Text>) -> Self {
        let data = event.data.0.take().map(Cow::into_owned);
        Self { event, data }
    }

    /// The event with what was written as its data.
    pub fn into_event(mut self) -> Event<Text> {
        self.event.data = Text(self.data.map(Cow::Owned));
        self.event
    }
}

impl fmt::Write for EventDataWriter {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.data.get_or_insert_default().push_str(text);
        Ok(())
    }
}

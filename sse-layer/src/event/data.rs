use std::borrow::Cow;

use super::{
    Encoder,
    encoder::{DATA, lines_len},
};
use crate::error::EncodeError;

/// What an [`Event`](crate::Event) can carry as its data.
///
/// Text is written as it is, everything else says how: [`Json`](crate::Json) as one line of JSON,
/// [`Tagged`](crate::Tagged) as the name and the payload of an enum's variant. An `Event` is
/// none of these and not `Serialize`, so that it can't be wrapped in another one's data by mistake
/// ([dotnet/aspnetcore#64183](https://github.com/dotnet/aspnetcore/issues/64183)):
///
/// ```compile_fail,E0277
/// use sse_layer::Event;
///
/// let event = Event::json(Event::text("hello"));
/// ```
///
/// A form of your own:
///
/// ```
/// use sse_layer::{EncodeError, Encoder, Event, EventData};
///
/// struct Celsius(f32);
///
/// impl EventData for Celsius {
///     fn encode(&self, encoder: &mut Encoder<'_>) -> Result<(), EncodeError> {
///         encoder.name("temperature")?;
///         encoder.text(&format!("{:.1}", self.0));
///         Ok(())
///     }
/// }
///
/// let frame = Event::new(Celsius(21.04)).to_frame()?;
/// assert_eq!(frame.as_bytes(), b"event: temperature\ndata: 21.0\n\n");
/// # Ok::<(), EncodeError>(())
/// ```
pub trait EventData {
    /// Writes the data, and where the data decides it, the name before it.
    ///
    /// # Errors
    ///
    /// Whatever keeps the data from being written. The whole event is then taken back, and the
    /// stream's error policy applies.
    fn encode(&self, encoder: &mut Encoder<'_>) -> Result<(), EncodeError>;

    /// A guess at the bytes that [`encode`](Self::encode) writes, so that a frame to be shared
    /// gets its memory at once.
    fn size_hint(&self) -> usize {
        128
    }
}

impl<T> EventData for T
where
    T: AsRef<str>,
{
    #[inline]
    fn encode(&self, encoder: &mut Encoder<'_>) -> Result<(), EncodeError> {
        encoder.text(self.as_ref());
        Ok(())
    }

    fn size_hint(&self) -> usize {
        lines_len(DATA, self.as_ref())
    }
}

/// The data of an event that is built up by its methods: text, or nothing yet.
///
/// Without data, clients take an event's id and retry and dispatch nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text(pub(super) Option<Cow<'static, str>>);

impl Text {
    /// The text, if any was set.
    pub fn as_str(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

impl<T> From<T> for Text
where
    T: Into<Cow<'static, str>>,
{
    fn from(text: T) -> Self {
        Self(Some(text.into()))
    }
}

impl EventData for Text {
    #[inline]
    fn encode(&self, encoder: &mut Encoder<'_>) -> Result<(), EncodeError> {
        if let Some(text) = &self.0 {
            encoder.text(text);
        }
        Ok(())
    }

    fn size_hint(&self) -> usize {
        self.as_str().map_or(0, |text| text.size_hint())
    }
}

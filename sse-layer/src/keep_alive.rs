//! What is sent into a silent stream, so that proxies and clients see it alive.

use std::{borrow::Cow, time::Duration};

use crate::{
    error::EncodeError,
    event::{Event, EventData, Frame, comment_line},
    random::shorten,
};

/// How a silent stream is kept alive: a comment, or an event, every so often.
///
/// A heartbeat is due when nothing was sent for the interval; any event postpones it. The default
/// is an empty comment after 15 seconds, as WHATWG suggests
/// ([HTML, 9.2.7](https://html.spec.whatwg.org/multipage/server-sent-events.html#authoring-notes)).
///
/// ```
/// use std::time::Duration;
/// use sse_layer::{KeepAlive, SseLayer};
///
/// let layer = SseLayer::new()
///     .keep_alive(KeepAlive::new().interval(Duration::from_secs(20)).text("alive").jitter(0.2));
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct KeepAlive {
    interval: Duration,
    jitter: f64,
    bare: bool,
    beat: Beat,
}

#[derive(Clone, Debug)]
enum Beat {
    Comment(Cow<'static, str>),
    Event(Frame),
}

impl KeepAlive {
    /// An empty comment after 15 seconds of silence.
    pub const fn new() -> Self {
        Self {
            interval: Duration::from_secs(15),
            jitter: 0.0,
            bare: false,
            beat: Beat::Comment(Cow::Borrowed("")),
        }
    }

    /// The silence after which a heartbeat is sent, a millisecond at least. Zero sends none.
    pub const fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// Sends a comment with this text; each of its lines becomes one.
    pub fn text<T>(mut self, text: T) -> Self
    where
        T: AsRef<str>,
    {
        self.beat = Beat::Comment(Cow::Owned(text.as_ref().to_owned()));
        self
    }

    /// Sends an event, for clients that watch for one with a timer of their own.
    ///
    /// An event that can't be written is logged and leaves the heartbeat as it was;
    /// [`try_event`](Self::try_event) tells at once. An empty one likewise: it would send nothing.
    pub fn event<D>(mut self, event: Event<D>) -> Self
    where
        D: EventData,
    {
        match event.to_frame() {
            Ok(frame) => self.set_event(frame),
            Err(error) => {
                tracing::error!(%error, "the keep-alive event can't be sent; a comment is sent instead");
            }
        }
        self
    }

    /// Sends an event, or tells why it can't be sent. An empty one leaves the heartbeat as it was.
    ///
    /// # Errors
    ///
    /// [`EncodeError`] for an invalid id or name, and for data that can't be written.
    pub fn try_event<D>(mut self, event: Event<D>) -> Result<Self, EncodeError>
    where
        D: EventData,
    {
        self.set_event(event.to_frame()?);
        Ok(self)
    }

    /// An event without a byte would be no heartbeat.
    fn set_event(&mut self, frame: Frame) {
        if !frame.as_bytes().is_empty() {
            self.beat = Beat::Event(frame);
        }
    }

    /// Shortens each interval at random by up to this fraction of it (0 to 1), so that streams
    /// opened together do not beat together.
    pub const fn jitter(mut self, fraction: f64) -> Self {
        self.jitter = fraction;
        self
    }

    /// Sends the comment as a bare line, without the blank line behind it.
    ///
    /// For clients that take every blank line for an event, such as Python's httpx-sse. Does not
    /// change a heartbeat that is an event.
    pub const fn bare_line(mut self) -> Self {
        self.bare = true;
        self
    }
}

impl Default for KeepAlive {
    fn default() -> Self {
        Self::new()
    }
}

/// A [`KeepAlive`] made ready once, and shared by all streams that it keeps alive.
#[derive(Debug)]
pub(crate) struct Heartbeat {
    interval: Duration,
    jitter: f64,
    bare: bool,
    /// For between two blocks.
    pub(crate) block: Frame,
    /// For between two lines of a block that its sender has not finished.
    pub(crate) line: Frame,
}

impl Heartbeat {
    /// `None` where the interval is zero.
    pub(crate) fn new(keep_alive: KeepAlive) -> Option<Self> {
        let KeepAlive {
            interval,
            jitter,
            bare,
            beat,
        } = keep_alive;
        let line = comment_line(match &beat {
            Beat::Comment(text) => text,
            Beat::Event(_) => "",
        });
        let block = match beat {
            Beat::Event(frame) => frame,
            Beat::Comment(_) if bare => line.clone(),
            Beat::Comment(_) => line.clone().ended(),
        };
        (!interval.is_zero()).then(|| Self {
            // Timers are no finer, and less would keep a thread busy.
            interval: interval.max(Duration::from_millis(1)),
            jitter: if jitter > 0.0 { jitter.min(1.0) } else { 0.0 },
            bare,
            block,
            line,
        })
    }

    /// How long the next silence may last.
    pub(crate) fn next_interval(&self) -> Duration {
        if self.jitter == 0.0 {
            return self.interval;
        }
        // With full jitter an interval could come out as zero, and beat without end.
        shorten(self.interval, self.jitter).max(self.interval.min(Duration::from_millis(100)))
    }

    /// Whether this stream's reader must not be shown a blank line without an event.
    pub(crate) fn is_bare(&self) -> bool {
        self.bare
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heartbeat(keep_alive: KeepAlive) -> Heartbeat {
        Heartbeat::new(keep_alive).unwrap()
    }

    #[test]
    fn a_comment_has_a_blank_line_behind_it_unless_it_is_bare() {
        assert_eq!(heartbeat(KeepAlive::new()).block.as_bytes(), b":\n\n");
        assert_eq!(
            heartbeat(KeepAlive::new().text("a\nb")).block.as_bytes(),
            b": a\n: b\n\n"
        );
        let bare = heartbeat(KeepAlive::new().text("a").bare_line());
        assert_eq!(bare.block.as_bytes(), b": a\n");
        assert_eq!(bare.line.as_bytes(), b": a\n");
    }

    #[test]
    fn an_event_that_cannot_be_sent_leaves_the_comment_in_place() {
        let broken = heartbeat(
            KeepAlive::new()
                .text("a")
                .event(Event::default().event("a\nb")),
        );
        assert_eq!(broken.block.as_bytes(), b": a\n\n");
        let empty = heartbeat(KeepAlive::new().event(Event::default()));
        assert_eq!(empty.block.as_bytes(), b":\n\n");
        let empty = KeepAlive::new().try_event(Event::default()).unwrap();
        assert_eq!(heartbeat(empty).block.as_bytes(), b":\n\n");
        assert!(
            KeepAlive::new()
                .try_event(Event::default().event("a\nb"))
                .is_err()
        );
    }

    #[test]
    fn jitter_only_shortens_and_never_to_nothing() {
        let interval = Duration::from_secs(10);
        for jitter in [0.0, 0.3, 1.0, 7.0, -1.0, f64::NAN, f64::INFINITY] {
            let beat = heartbeat(KeepAlive::new().interval(interval).jitter(jitter));
            for _ in 0..1000 {
                let next = beat.next_interval();
                assert!(
                    next <= interval && next >= Duration::from_millis(100),
                    "{next:?}"
                );
            }
        }
        let beat = heartbeat(KeepAlive::new().interval(interval).jitter(0.3));
        let shortest = (0..1000).map(|_| beat.next_interval()).min().unwrap();
        assert!(shortest < Duration::from_secs(8), "{shortest:?}");
        assert!(shortest >= Duration::from_secs(7), "{shortest:?}");
    }

    #[test]
    fn an_interval_of_zero_is_no_heartbeat() {
        assert!(Heartbeat::new(KeepAlive::new().interval(Duration::ZERO)).is_none());
    }
}

//! How a connection comes to its end.

use std::fmt;

/// How a [`reconnecting`](super::reconnecting) client loses its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cut {
    /// The body ends cleanly right behind an event.
    AfterFrame,
    /// The body ends cleanly inside the next event, of which all but the last byte has come. A
    /// client has to forget it, and the server has to send it again.
    MidFrame,
    /// The connection is reset right behind an event; in process the body fails.
    Reset,
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AfterFrame => "cut after a frame",
            Self::MidFrame => "cut in mid-frame",
            Self::Reset => "reset",
        })
    }
}

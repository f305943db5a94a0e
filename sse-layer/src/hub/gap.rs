use std::fmt;

use crate::event::{Event, EventId, EventName, Frame};

/// Tells a subscriber that it may have missed something, and from where the stream goes on.
///
/// On the wire it is an event of the hub's [gap name](super::HubBuilder::gap_event), `gap` unless
/// set, with the reason and the number of what was missed, or `null` where that is unknown:
///
/// ```text
/// id: 0689ad1e9c85a3f1-41
/// event: gap
/// data: {"reason":"lagged","missed":12}
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Gap {
    /// Why something may be missing.
    pub reason: GapReason,
    /// How many messages are missing, where that is known. It is not known where only the hub
    /// could tell which of them the subscriber's filter would have let through.
    pub missed: Option<u64>,
    /// The id from which the stream goes on. A client that comes back with it is not told of the
    /// same gap again. With [`LagPolicy::Skip`](super::LagPolicy::Skip) that is the place where the
    /// gap begins: a client that comes back with it gets what the history still has of what was
    /// skipped.
    pub id: EventId,
}

/// Why a subscriber may have missed something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GapReason {
    /// The history does not reach back to the last id that the client had.
    Evicted,
    /// The last id is none that the hub has given out.
    Unknown,
    /// The last id is from another hub, such as this one before a restart.
    Foreign,
    /// The subscriber was too slow, and what it missed is not in the history any more.
    Lagged,
    /// The engine behind the hub was not there, and may have lost something.
    Outage,
}

impl GapReason {
    #[cfg(feature = "metrics")]
    pub(super) const ALL: [Self; 5] = [
        Self::Evicted,
        Self::Unknown,
        Self::Foreign,
        Self::Lagged,
        Self::Outage,
    ];

    /// The reason as it is sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Evicted => "evicted",
            Self::Unknown => "unknown",
            Self::Foreign => "foreign",
            Self::Lagged => "lagged",
            Self::Outage => "outage",
        }
    }
}

impl fmt::Display for GapReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Gap {
    /// The event that tells of it.
    pub(super) fn frame(&self, name: &EventName) -> Frame {
        let reason = self.reason.as_str();
        let data = match self.missed {
            Some(missed) => format!(r#"{{"reason":"{reason}","missed":{missed}}}"#),
            None => format!(r#"{{"reason":"{reason}","missed":null}}"#),
        };
        let event = Event::text(data)
            .with_id(self.id.clone())
            .with_event(name.clone());
        // Text under a name and an id that are valid can always be written.
        event.to_frame().unwrap_or(Frame::from_static(b":\n\n"))
    }
}

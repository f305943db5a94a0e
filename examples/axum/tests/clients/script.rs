//! What all clients read: each kind of event that a client could get wrong.

use serde::Deserialize;

/// An event as a client shows it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Seen {
    pub(crate) event: String,
    pub(crate) data: String,
    /// The last event id at that moment, which an event without an id leaves as it was.
    pub(crate) id: String,
}

/// All names of events that there are, for clients that have to listen for each.
pub(crate) const NAMES: [&str; 9] = [
    "message",
    "tick",
    "größe",
    "cut",
    "intermission",
    "gap",
    "missed",
    "finale",
    "note",
];

/// Where the first stream is cut off: in the middle of a line, behind a line that is whole.
pub(crate) const CUT: &str = "data: cut off he";

/// Ends the second stream.
pub(crate) const INTERMISSION: &str = "intermission";

/// Ends the last stream.
pub(crate) const FINALE: &str = "finale";

/// The events that are there from the beginning, as they are published: an empty name is none.
pub(crate) fn events() -> Vec<(&'static str, String)> {
    let events = [
        ("", "first"),
        ("tick", r#"{"n":1,"text":"a \"quoted\" word"}"#),
        ("", "three\n\nlines"),
        ("", "a break at the end\n"),
        ("", "\nand at the beginning"),
        ("", "\n"),
        ("", ""),
        ("", " a space before it"),
        ("", ": a colon before it"),
        ("", "data: id: 7"),
        (
            "",
            "naïve 日本語 🦀 \u{2028}\u{2029}\u{85}\u{b}\u{c}\u{1e}\u{feff} end",
        ),
        ("größe", "a name in Unicode"),
        ("cut", "a whole line\ncut off here\nand more"),
        ("", "after that"),
        (INTERMISSION, "the second stream ends"),
        ("tick", "the third stream"),
    ];
    let mut events: Vec<_> = events.map(|(name, data)| (name, data.to_owned())).into();
    // More than any one read takes, so that it is split within letters.
    events.insert(11, ("tick", "日本語🦀".repeat(20_000)));
    events
}

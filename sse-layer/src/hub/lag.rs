/// What a subscriber gets that fell so far behind that its topic's queue has dropped messages
/// which it has not seen.
///
/// The queue is one for all subscribers of a topic, and it drops the oldest when it is full: a slow
/// subscriber never slows the publisher or the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LagPolicy {
    /// Reads what it missed from the topic's history, page by page. Nothing is lost while the
    /// history reaches back; beyond that it is told by a [`Gap`](super::Gap).
    #[default]
    CatchUp,
    /// Goes on with the oldest message in the queue, behind a [`Gap`](super::Gap) that tells how
    /// many are missing. For streams in which late messages are worth nothing.
    Skip,
    /// Goes on with the newest message of the topic, silently: those before it are counted in
    /// [`HubStats::lagged`](super::HubStats::lagged) and in no other way. For a topic that carries
    /// the state of one thing, so that each message makes those before it obsolete.
    Latest,
    /// Ends the stream. A client reconnects with its `Last-Event-ID`, and gets what it missed as
    /// far as the history reaches.
    Close,
}

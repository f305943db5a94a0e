//! What can be wrong with a server.

/// The one thing that is wrong with a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    None,
    /// The stream is a 201.
    Created,
    /// The content type has a charset that is not UTF-8.
    Latin1,
    /// The stream promises a length.
    Length,
    /// A client that accepts gzip gets the first bytes of a gzip stream, and no more.
    HeldByGzip,
    /// A client that accepts br gets the first bytes late.
    LateBrotli,
    /// Caches may store the stream.
    Cacheable,
    /// Proxies are told nothing.
    Buffered,
    /// The head comes late.
    LateHead,
    /// Each event is sent with the next one.
    OneEventBehind,
    /// The blank line of each event is sent with the next one.
    BlankLineBehind,
    /// A comment that is no UTF-8.
    NoUtf8,
    /// Events without data.
    NoData,
    /// Nothing breaks the silence.
    NoHeartbeat,
    /// An event breaks the silence.
    Ping,
    /// The stream does not say when to come back.
    NoRetry,
    /// The response breaks off after a while.
    BreaksOff,
    /// The second event has no id.
    OneWithoutId,
    /// No event has an id.
    NoIds,
    /// A Last-Event-ID is ignored.
    NeverResumes,
    /// The event with the Last-Event-ID is sent again.
    RepeatsOne,
    /// What came after the Last-Event-ID is sent twice.
    RepeatsAll,
    /// The last event is sent again to a client that has it.
    RepeatsLast,
    /// A Last-Event-ID that is no text is answered 400.
    RefusesIds,
    /// A stream for a Last-Event-ID that is no text breaks off.
    StumblesOverIds,
    /// HEAD is answered 500.
    HeadFails,
    /// The origin is not allowed.
    NoOrigin,
    /// Any origin is allowed, with cookies.
    AnyOrigin,
    /// All origins are allowed by the wildcard, with cookies.
    WildcardWithCookies,
    /// OPTIONS is answered 405.
    NoPreflight,
    /// OPTIONS allows no cookies.
    PreflightWithoutCookies,
    /// OPTIONS is answered 405 where another method than GET is asked for.
    PreflightForGet,
    /// OPTIONS allows any header, but for an authorization.
    AnyHeader,
    /// A client that should stop is answered with a stream that ends.
    NeverStops,
    /// Over HTTP/2 the stream may be stored.
    OtherOverHttp2,
    /// An empty event ends the streams.
    EmptyEnds,
    /// Clients that went still count.
    KeepsTheGone,
    /// There is no limit.
    NoLimit,
    /// No flaw: one stream too many is a 200 that says when to come back, and ends.
    RetryLater,
    /// The same, without saying when.
    EndsAtOnce,
    /// No flaw: the origin is allowed whoever asks, and nothing varies.
    StaticOrigin,
    /// No flaw: the data of an event comes a while after its id.
    LineByLine,
    /// A warning: compressed, and flushed after each of a few bytes.
    FlushedBrotli,
    /// A warning: that a client has gone is noticed a while later.
    NoticesLate,
}

/// Why a stream is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CloseReason {
    /// The handler's stream came to its end.
    Ended,
    /// The client left, or its connection was lost.
    ClientGone,
    /// A drain ended it.
    Drained,
    /// It had lasted as long as it may.
    Lifetime,
    /// The handler's stream failed, or an event could not be written.
    Error,
    /// The client had stopped reading when its connection went.
    Stalled,
    /// A layer further out refused what this one had opened.
    Refused,
}

impl CloseReason {
    #[cfg(feature = "metrics")]
    pub(super) const ALL: [Self; 7] = [
        Self::Ended,
        Self::ClientGone,
        Self::Drained,
        Self::Lifetime,
        Self::Error,
        Self::Stalled,
        Self::Refused,
    ];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Ended => "ended",
            Self::ClientGone => "client_gone",
            Self::Drained => "drained",
            Self::Lifetime => "lifetime",
            Self::Error => "error",
            Self::Stalled => "stalled",
            Self::Refused => "refused",
        }
    }
}

/// Why a request gets no stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RejectReason {
    /// As many streams as there may be are open.
    Limit,
    /// As many as there may be of one key.
    KeyLimit,
    /// The server is shutting down.
    Draining,
}

impl RejectReason {
    #[cfg(feature = "metrics")]
    pub(super) const ALL: [Self; 3] = [Self::Limit, Self::KeyLimit, Self::Draining];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Limit => "limit",
            Self::KeyLimit => "key_limit",
            Self::Draining => "draining",
        }
    }
}

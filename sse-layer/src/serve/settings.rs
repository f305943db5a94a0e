use std::time::Duration;

use hyper_util::rt::{TokioExecutor, TokioTimer};

/// As good as without end, and within what every clock can tell.
const FOREVER: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);

/// What a server is set to, made ready once for all connections.
pub(super) struct Settings {
    pub(super) http1: hyper::server::conn::http1::Builder,
    pub(super) http2: hyper::server::conn::http2::Builder<TokioExecutor>,
    /// For the handshake, and for the first bytes, which no timer of hyper's covers.
    pub(super) header_read_timeout: Duration,
    pub(super) write_timeout: Duration,
    pub(super) max_connections: Option<usize>,
    pub(super) takes_over: bool,
    /// As the builder of HTTP/1 has it, which does not tell.
    pub(super) keeps_alive: bool,
}

impl Settings {
    pub(super) fn new() -> Self {
        let mut http1 = hyper::server::conn::http1::Builder::new();
        http1.timer(TokioTimer::new());
        let mut http2 = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        // A peer that is gone without a word is noticed also while nothing is written to it.
        http2
            .timer(TokioTimer::new())
            .keep_alive_interval(Duration::from_secs(30))
            .keep_alive_timeout(Duration::from_secs(20))
            // WebSockets over HTTP/2 (RFC 8441), as under `axum::serve`.
            .enable_connect_protocol();
        let mut settings = Self {
            http1,
            http2,
            header_read_timeout: Duration::ZERO,
            write_timeout: Duration::from_secs(30),
            max_connections: None,
            takes_over: true,
            keeps_alive: true,
        };
        settings.set_header_read_timeout(Duration::from_secs(30));
        settings
    }

    pub(super) fn set_header_read_timeout(&mut self, timeout: Duration) {
        self.header_read_timeout = timeout;
        // hyper adds it to a clock, and panics beyond what one can tell.
        let timeout = (timeout < FOREVER).then_some(timeout);
        self.http1.header_read_timeout(timeout);
    }
}

//! An answer that is being read.

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_ENCODING;
use http::{Response, StatusCode};
use http_body::Body as _;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout_at};

use super::seen::{End, Seen};
use crate::client::{ResponseBody, describe};
use crate::record::Head;

/// An open answer. Dropping it closes the connection, as a client that goes away does.
pub(crate) struct Answer {
    pub(crate) head: Head,
    /// How long the head took.
    pub(crate) head_after: Duration,
    pub(crate) seen: Seen,
    started: Instant,
    body: ResponseBody,
    _slot: Option<OwnedSemaphorePermit>,
}

impl Answer {
    pub(super) fn new(started: Instant, response: Response<ResponseBody>) -> Self {
        let (parts, body) = response.into_parts();
        Self {
            head: Head {
                status: parts.status,
                headers: parts.headers,
            },
            head_after: started.elapsed(),
            seen: Seen::new(),
            started,
            body,
            _slot: None,
        }
    }

    pub(super) fn holding(mut self, slot: Option<OwnedSemaphorePermit>) -> Self {
        self._slot = slot;
        self
    }

    /// Whether a server that is full answers like this.
    pub(super) fn is_refused(&self, status: StatusCode) -> bool {
        self.head.status == status && status != StatusCode::OK
    }

    /// The time since the request was sent.
    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Reads until enough was seen, nothing can follow, or the time is over.
    pub(crate) async fn read(&mut self, until: Instant, enough: impl Fn(&Seen) -> bool + Send) {
        while self.seen.end.is_none() && !enough(&self.seen) {
            match timeout_at(until, next(&mut self.body)).await {
                Ok(Some(Ok(bytes))) => self.seen.chunk(self.started.elapsed(), bytes),
                Ok(Some(Err(error))) => self.seen.end(self.started.elapsed(), End::Broken(error)),
                Ok(None) => self.seen.end(self.started.elapsed(), End::Clean),
                Err(_) => break,
            }
            // A stream that is always ready would otherwise be read for ever.
            if Instant::now() >= until {
                break;
            }
        }
    }

    /// As `read`, for this long.
    pub(crate) async fn read_for(&mut self, time: Duration, enough: impl Fn(&Seen) -> bool + Send) {
        self.read(Instant::now() + time, enough).await;
    }

    /// The content codings, if there are any that change the bytes.
    pub(crate) fn coding(&self) -> Option<String> {
        coding(&self.head)
    }
}

pub(crate) fn coding(head: &Head) -> Option<String> {
    let values = head.headers.get_all(CONTENT_ENCODING).iter();
    let values: Vec<_> = values
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        .filter(|value| !value.trim().eq_ignore_ascii_case("identity"))
        .collect();
    (!values.is_empty()).then(|| values.join(", "))
}

async fn next(body: &mut ResponseBody) -> Option<Result<Bytes, String>> {
    loop {
        let frame = poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await?;
        match frame.map(http_body::Frame::into_data) {
            Ok(Ok(bytes)) => return Some(Ok(bytes)),
            // Trailers.
            Ok(Err(_)) => {}
            Err(error) => return Some(Err(describe(&*error))),
        }
    }
}

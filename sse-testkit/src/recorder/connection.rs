//! One response as it is read: body to chunks to records.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::Body as _;

use super::Decoder;
use crate::client::{ResponseBody, describe};
use crate::record::{Chunk, Head, What};

pub(crate) struct Connection {
    pub(super) head: Option<Head>,
    pub(super) body: Option<ResponseBody>,
    pub(super) raw: Vec<u8>,
    pub(super) chunks: Vec<Chunk>,
    /// Until when bytes count as sent together with the head.
    head_until: Duration,
    /// Nothing if the body is one of another kind than expected.
    decoder: Option<Box<dyn Decoder>>,
}

impl Connection {
    /// Not connected.
    pub(super) fn none() -> Self {
        Self {
            head: None,
            body: None,
            raw: Vec::new(),
            chunks: Vec::new(),
            head_until: Duration::ZERO,
            decoder: None,
        }
    }

    pub(crate) fn new(
        head: Head,
        body: ResponseBody,
        decoder: Option<Box<dyn Decoder>>,
        head_until: Duration,
    ) -> Self {
        Self {
            head: Some(head),
            body: Some(body),
            decoder,
            head_until,
            ..Self::none()
        }
    }

    /// Whether there is something whose meaning depends on what comes at this very moment.
    pub(super) fn is_undecided(&self) -> bool {
        self.decoder.as_ref().is_some_and(|it| it.is_undecided())
    }

    /// Describes bytes that made no record yet; nothing if an idle stream may send them.
    pub(super) fn part(&self, bytes: &[u8]) -> Option<String> {
        self.decoder.as_ref()?.part(bytes)
    }

    /// Forgets the bytes that were read, which a client that lives long has no room for. Those of a
    /// body that is no event stream make its text when it ends.
    pub(crate) fn forget_read(&mut self) {
        self.chunks.clear();
        if self.decoder.is_some() {
            self.raw.clear();
        }
    }

    /// How many bytes have been read since they were forgotten.
    pub(crate) fn raw_len(&self) -> usize {
        self.raw.len()
    }

    /// Reads no further, and tells what there is of a body that is no event stream.
    pub(crate) fn give_up_reading(&mut self) -> Vec<What> {
        self.end(|_| vec![What::Closed])
    }

    /// Polls the body once; ready when something came of it.
    pub(crate) fn poll_read(&mut self, cx: &mut Context<'_>, at: Duration) -> Poll<Vec<What>> {
        let Some(body) = &mut self.body else {
            return Poll::Ready(Vec::new());
        };
        let Poll::Ready(frame) = Pin::new(body).poll_frame(cx) else {
            let paused = self.pause();
            return match paused.is_empty() {
                true => Poll::Pending,
                false => Poll::Ready(paused),
            };
        };
        Poll::Ready(match frame {
            Some(Ok(frame)) => match frame.into_data() {
                Ok(bytes) if !bytes.is_empty() => self.chunk(&bytes, at),
                Ok(_) => Vec::new(),
                Err(_) => {
                    if let Some(decoder) = &mut self.decoder {
                        decoder.http_trailers();
                    }
                    Vec::new()
                }
            },
            Some(Err(error)) => self.end(|_| vec![What::Error(describe(&*error))]),
            None => self.end(|decoder| match decoder {
                Some(decoder) => decoder.finish(),
                None => vec![What::End { discarded: None }],
            }),
        })
    }

    fn chunk(&mut self, bytes: &Bytes, at: Duration) -> Vec<What> {
        self.raw.extend_from_slice(bytes);
        self.chunks.push(Chunk {
            bytes: bytes.clone(),
            elapsed: at,
        });
        let mut whats = vec![What::Chunk(bytes.clone())];
        if let Some(decoder) = &mut self.decoder {
            whats.extend(decoder.chunk(bytes, at <= self.head_until));
            if whats.last().is_some_and(What::is_last) {
                self.body = None;
            }
        }
        whats
    }

    fn pause(&mut self) -> Vec<What> {
        let decoder = self.decoder.as_mut();
        decoder.map(|it| it.pause()).unwrap_or_default()
    }

    fn end(&mut self, last: impl FnOnce(Option<Box<dyn Decoder>>) -> Vec<What>) -> Vec<What> {
        self.body = None;
        let mut decoder = self.decoder.take();
        let over = decoder.as_mut().map(|it| it.over());
        let mut whats = over.unwrap_or_default();
        if decoder.is_none() && !self.raw.is_empty() {
            whats.push(What::Plain(String::from_utf8_lossy(&self.raw).into_owned()));
        }
        whats.extend(last(decoder));
        whats
    }
}

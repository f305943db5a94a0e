//! One response as it is read: body to chunks to frames.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::Body as _;

use crate::client::{ResponseBody, describe};
use crate::frame::Assembler;
use crate::parser::{Parser, Unfinished};
use crate::record::{Chunk, Head, What};

pub(super) struct Connection {
    pub(super) head: Option<Head>,
    pub(super) body: Option<ResponseBody>,
    pub(super) raw: Vec<u8>,
    pub(super) chunks: Vec<Chunk>,
    /// Until when comments and retries may count as sent together with the head.
    opening_until: Duration,
    parser: Parser,
    assembler: Assembler,
}

impl Connection {
    /// Not connected.
    pub(super) fn none() -> Self {
        Self {
            head: None,
            body: None,
            raw: Vec::new(),
            chunks: Vec::new(),
            opening_until: Duration::ZERO,
            parser: Parser::new(),
            assembler: Assembler::new(),
        }
    }

    pub(super) fn new(
        head: Head,
        body: ResponseBody,
        last_event_id: &str,
        opening_until: Duration,
    ) -> Self {
        Self {
            head: Some(head),
            body: Some(body),
            opening_until,
            parser: Parser::new().with_last_event_id(last_event_id),
            ..Self::none()
        }
    }

    /// Whether there are lines whose meaning depends on what comes at this very moment.
    pub(super) fn is_undecided(&self) -> bool {
        self.assembler.is_undecided()
    }

    /// Whether all that came so far may be an opening.
    pub(super) fn is_opening(&self) -> bool {
        self.assembler.is_opening()
    }

    /// Polls the body once; ready when something came of it.
    pub(super) fn poll_read(&mut self, cx: &mut Context<'_>, at: Duration) -> Poll<Vec<What>> {
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
                // Trailers mean nothing to an event stream.
                Ok(_) | Err(_) => Vec::new(),
            },
            Some(Err(error)) => self.end(What::Error(describe(&*error))),
            None => self.end_of_body(),
        })
    }

    fn chunk(&mut self, bytes: &Bytes, at: Duration) -> Vec<What> {
        self.raw.extend_from_slice(bytes);
        self.chunks.push(Chunk {
            bytes: bytes.clone(),
            elapsed: at,
        });
        let mut whats = vec![What::Chunk(bytes.clone())];
        if !self.is_event_stream() {
            return whats;
        }
        self.assembler.begin_chunk(at <= self.opening_until);
        let mut frames = Vec::new();
        // An error is told after the items that came before it, so ask once more.
        let mut parsed = self.parser.feed(bytes);
        while let Ok(items) = parsed {
            if items.is_empty() {
                whats.extend(frames.into_iter().map(What::Frame));
                return whats;
            }
            for item in items {
                self.assembler.item(item, &mut frames);
            }
            parsed = self.parser.feed(b"");
        }
        whats.extend(frames.into_iter().map(What::Frame));
        whats.extend(parsed.err().map(|error| What::Error(error.to_string())));
        self.body = None;
        whats
    }

    fn pause(&mut self) -> Vec<What> {
        let mut frames = Vec::new();
        self.assembler.settle(&mut frames);
        frames.into_iter().map(What::Frame).collect()
    }

    fn end_of_body(&mut self) -> Vec<What> {
        let parser = std::mem::take(&mut self.parser);
        let discarded = match parser.finish() {
            Ok(unfinished) => unfinished.and_then(|it| discarded(&it)),
            Err(error) => return self.end(What::Error(error.to_string())),
        };
        self.end(What::End { discarded })
    }

    fn end(&mut self, last: What) -> Vec<What> {
        self.body = None;
        let mut whats = self.pause();
        if !self.is_event_stream() && !self.raw.is_empty() {
            whats.push(What::Plain(String::from_utf8_lossy(&self.raw).into_owned()));
        }
        whats.push(last);
        whats
    }

    fn is_event_stream(&self) -> bool {
        self.head.as_ref().is_some_and(Head::is_event_stream)
    }
}

/// The part that is lost. A `retry` line is in force without a blank line.
fn discarded(unfinished: &Unfinished) -> Option<String> {
    let mut text = String::new();
    for field in unfinished.fields.iter().filter(|it| it.name != "retry") {
        text.push_str(&field.name);
        text.push_str(": ");
        text.push_str(&field.value);
        text.push('\n');
    }
    text.push_str(&unfinished.line);
    (!text.is_empty()).then_some(text)
}

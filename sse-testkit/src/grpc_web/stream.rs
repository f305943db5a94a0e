//! The thing under test: a response, read as gRPC-Web.

use std::fmt;
use std::time::Duration;

use http::{HeaderMap, StatusCode};

use super::Message;
use super::decoder::MessageDecoder;
use crate::client::Template;
use crate::record::{Chunk, What};
use crate::recorder::{Decoder, Recorder, Spot};
use crate::transcript::Transcript;

/// A gRPC-Web call under test, with the expectations of it.
///
/// It is read as an [`EventStream`](crate::EventStream) is: only while an expectation waits (and
/// once, without waiting, when the response head arrives), message by message in order. Each
/// expectation is bounded in time, and one that is not met panics with the line of the test that
/// asked, what came instead, and the transcript so far.
///
/// Dropping it drops the response body at once, as a client that goes away does.
pub struct GrpcWebStream {
    pub(super) recorder: Recorder,
}

impl GrpcWebStream {
    pub(super) async fn open(mut recorder: Recorder, template: Option<Template>) -> Self {
        match template.map(|template| template.request(&template.last_event_id)) {
            Some(Ok(request)) => {
                let decoder =
                    |head: &_| MessageDecoder::new(head).map(|it| Box::new(it) as Box<dyn Decoder>);
                recorder.dial(request, decoder).await;
            }
            Some(Err(reason)) => recorder.record(What::Error(reason)),
            None => {}
        }
        Self { recorder }
    }

    /// The HTTP status of the response.
    ///
    /// # Panics
    ///
    /// If there is none, because the request failed.
    #[track_caller]
    pub fn status(&self) -> StatusCode {
        self.recorder.head(Spot::here(), "a response").status
    }

    /// The headers of the response.
    ///
    /// # Panics
    ///
    /// If there are none, because the request failed.
    #[track_caller]
    pub fn headers(&self) -> &HeaderMap {
        &self.recorder.head(Spot::here(), "a response").headers
    }

    /// All bytes of the response that have arrived so far, base64 as it stands.
    pub fn raw(&self) -> &[u8] {
        self.recorder.raw()
    }

    /// The bytes of the response as its body yielded them.
    pub fn chunks(&self) -> &[Chunk] {
        self.recorder.chunks()
    }

    /// The messages read so far, each with the time it came.
    pub fn messages(&self) -> impl Iterator<Item = (Duration, &Message)> {
        let records = self.recorder.passed().iter();
        records.filter_map(|record| match &record.what {
            What::Message(message) => Some((record.at, message)),
            _ => None,
        })
    }

    /// The time since the request was sent.
    pub fn elapsed(&self) -> Duration {
        self.recorder.elapsed()
    }

    /// Drops the response body at once, as a client that goes away does.
    ///
    /// What has arrived but not been read is forgotten.
    pub fn close(&mut self) {
        self.recorder.close();
    }

    /// What the test has read so far, for a snapshot.
    ///
    /// Messages are shown as bytes unless the transcript is told
    /// [how to read them](Transcript::with_messages).
    pub fn transcript(&self) -> Transcript {
        self.recorder.transcript()
    }
}

impl fmt::Debug for GrpcWebStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GrpcWebStream")
            .field("clock", &self.recorder.clock())
            .field("records", &self.recorder.records())
            .finish_non_exhaustive()
    }
}

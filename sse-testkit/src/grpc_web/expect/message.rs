//! Expecting a message.

use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;

use crate::grpc_web::{GrpcWebStream, Message};
use crate::record::What;
use crate::recorder::{Expectation, Spot, Verdict};
use crate::transcript::hex;

/// What the next message has to be like; awaiting it waits for that message and yields it.
#[derive(Debug)]
#[must_use = "nothing is expected until it is awaited"]
pub struct ExpectMessage<'a>(Expectation<'a, Message>);

impl GrpcWebStream {
    /// Expects a message.
    #[track_caller]
    pub fn expect_message(&mut self) -> ExpectMessage<'_> {
        let spot = Spot::here();
        ExpectMessage(Expectation::new(
            &mut self.recorder,
            spot,
            "a message",
            judge,
        ))
    }
}

impl<'a> ExpectMessage<'a> {
    /// With these bytes, which are not compressed.
    pub fn bytes(self, bytes: impl AsRef<[u8]>) -> Self {
        let wanted = Bytes::copy_from_slice(bytes.as_ref());
        let expected = format!("{} bytes: {}", wanted.len(), hex(&wanted));
        self.also(expected).check(move |message| match message {
            it if it.compressed => Err("it is compressed".to_owned()),
            it if it.bytes != wanted => Err("its bytes are others".to_owned()),
            _ => Ok(()),
        })
    }

    /// With bytes for which this holds.
    pub fn bytes_with(self, holds: impl Fn(&[u8]) -> bool + Send + 'a) -> Self {
        self.check(move |message| match holds(&message.bytes) {
            true => Ok(()),
            false => Err("its bytes are not as the test wants them".to_owned()),
        })
    }

    /// Within this time instead of the stream's [timeout](crate::grpc_web::GrpcWebRequest::timeout).
    pub fn within(self, span: Duration) -> Self {
        Self(self.0.within(span))
    }

    pub(in crate::grpc_web) fn also(self, expected: impl AsRef<str>) -> Self {
        Self(self.0.also(expected))
    }

    pub(in crate::grpc_web) fn check(
        self,
        check: impl Fn(&Message) -> Result<(), String> + Send + 'a,
    ) -> Self {
        Self(self.0.check(check))
    }
}

impl<'a> IntoFuture for ExpectMessage<'a> {
    type Output = Message;
    type IntoFuture = Pin<Box<dyn Future<Output = Message> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.0.wait())
    }
}

pub(super) fn judge(what: &What) -> Verdict<Message> {
    match what {
        What::Message(message) => Verdict::Met(message.clone()),
        _ => Verdict::Wrong(String::new()),
    }
}

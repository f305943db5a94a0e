//! Taking several messages at once.

use std::time::Duration;

use super::message::judge;
use crate::grpc_web::{Code, GrpcWebStream, Message};
use crate::record::What;
use crate::recorder::{Spot, Verdict};

impl GrpcWebStream {
    /// Expects this many messages; the time bound is for each of them.
    #[track_caller]
    pub fn collect(&mut self, count: usize) -> impl Future<Output = Vec<Message>> + Send {
        let spot = Spot::here();
        async move {
            let mut messages = Vec::new();
            while messages.len() < count {
                let expected = format!("message {} of {count}", messages.len() + 1);
                let message = self.recorder.expect(spot, &expected, None, judge);
                messages.push(message.await);
            }
            messages
        }
    }

    /// Takes all messages of this span of time, or until the call ends well if that is earlier.
    ///
    /// Whatever comes exactly when the time is over is left to the next expectation. A call that
    /// ends with an error fails the test.
    #[track_caller]
    pub fn collect_for(&mut self, span: Duration) -> impl Future<Output = Vec<Message>> + Send {
        let spot = Spot::here();
        async move {
            let expected = format!("messages for {span:?}");
            let judge = |what: &What| match what {
                What::Status(status) if status.code == Code::OK => Verdict::Skip,
                _ => judge(what),
            };
            let messages = self.recorder.collect_for(spot, &expected, span, judge);
            messages.await
        }
    }

    /// Takes all messages up to the end of the call, which has to be
    /// [a good one](Self::expect_end). The time bound is for each of them,
    /// and a hundred times that for all.
    #[track_caller]
    pub fn collect_to_end(&mut self) -> impl Future<Output = Vec<Message>> + Send {
        let spot = Spot::here();
        async move {
            let mut ending = false;
            let expected = "messages and then the end with status 0 OK";
            let messages = self
                .recorder
                .collect_to_end(spot, expected, |what| match what {
                    What::Status(status) if status.code == Code::OK => {
                        ending = true;
                        Verdict::Skip
                    }
                    What::End { .. } if ending => Verdict::Met(None),
                    _ => judge(what).map(Some),
                });
            messages.await
        }
    }
}

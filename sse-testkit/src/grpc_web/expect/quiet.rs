//! Expectations of what is neither a message nor a status.

use std::time::Duration;

use crate::grpc_web::GrpcWebStream;
use crate::record::What;
use crate::recorder::{Spot, Verdict};

impl GrpcWebStream {
    /// Expects an open stream that sends nothing at all for this long, not even a part of a frame.
    ///
    /// What has arrived before and was not read counts. Whatever comes exactly when the time is
    /// over is left to the next expectation.
    #[track_caller]
    pub fn expect_idle(&mut self, span: Duration) -> impl Future<Output = ()> + Send {
        let spot = Spot::here();
        async move { self.recorder.expect_idle(spot, span).await }
    }

    /// Expects the body to break off, to end without a status or to be no gRPC-Web, or the request
    /// to fail. Yields the error's text.
    ///
    /// A status may come before, but no message: a body that goes on after its trailers is broken.
    #[track_caller]
    pub fn expect_error(&mut self) -> impl Future<Output = String> + Send {
        let spot = Spot::here();
        async move {
            let judge = |what: &What| match what {
                What::Error(error) => Verdict::Met(error.clone()),
                What::Status(_) => Verdict::Skip,
                _ => Verdict::Wrong(String::new()),
            };
            self.recorder.expect(spot, "an error", None, judge).await
        }
    }
}

//! Expectations of the response head, and of bodies that are no gRPC-Web.

use crate::IntoStatus;
use crate::grpc_web::GrpcWebStream;
use crate::recorder::Spot;

impl GrpcWebStream {
    /// Expects this HTTP status, which is 200 for calls that fail as well: how they end is told by
    /// [`expect_grpc_status`](Self::expect_grpc_status). There is nothing to await: the head is
    /// there.
    #[track_caller]
    pub fn expect_status(&self, status: impl IntoStatus) -> &Self {
        self.recorder
            .expect_status(Spot::here(), status.into_status());
        self
    }

    /// Expects a header with exactly this value; if it is repeated, one of them.
    #[track_caller]
    pub fn expect_header(&self, name: &str, value: &str) -> &Self {
        self.recorder.expect_header(Spot::here(), name, value);
        self
    }

    /// Expects that there is no such header.
    #[track_caller]
    pub fn expect_no_header(&self, name: &str) -> &Self {
        self.recorder.expect_no_header(Spot::here(), name);
        self
    }

    /// Reads the body to its end, be it gRPC-Web or not.
    #[track_caller]
    pub fn body_text(&mut self) -> impl Future<Output = String> + Send {
        let spot = Spot::here();
        async move { self.recorder.whole_body(spot, "a whole body").await }
    }
}

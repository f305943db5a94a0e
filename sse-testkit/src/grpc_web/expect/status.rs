//! Expecting the end of a call.

use std::pin::Pin;
use std::time::Duration;

use crate::grpc_web::{Code, GrpcWebStream, Status};
use crate::record::What;
use crate::recorder::{Expectation, Spot, Verdict, equal};

/// How the call has to end; awaiting it waits for the status and for the body's end, and yields the
/// status.
#[derive(Debug)]
#[must_use = "nothing is expected until it is awaited"]
pub struct ExpectStatus<'a>(Expectation<'a, Status>);

impl GrpcWebStream {
    /// Expects the call to end with this `grpc-status`, and the body right after it.
    ///
    /// Trailer frame or headers make no difference, which is how clients see it;
    /// [`Status::in_headers`] tells. The code is a [`Code`] or its number.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// use http::{Request, Response};
    /// use sse_testkit::Body;
    /// use sse_testkit::grpc_web::{self, Code};
    ///
    /// async fn refuse(_: Request<Body>) -> Result<Response<Body>, std::io::Error> {
    ///     Ok(Response::builder()
    ///         .header("content-type", "application/grpc-web+proto")
    ///         .header("grpc-status", "14")
    ///         .header("grpc-message", "in%20a%20minute")
    ///         .body(Body::empty())
    ///         .unwrap())
    /// }
    ///
    /// let mut call = grpc_web::call(tower::service_fn(refuse), "/prices.v1.Prices/Watch").await;
    /// call.expect_grpc_status(Code::UNAVAILABLE).message("in a minute").await;
    /// # }
    /// ```
    #[track_caller]
    pub fn expect_grpc_status(&mut self, code: impl Into<Code>) -> ExpectStatus<'_> {
        self.expect_code(Spot::here(), code.into())
    }

    /// Expects the call to end well: with the `grpc-status` 0, and the body right after it.
    #[track_caller]
    pub fn expect_end(&mut self) -> impl Future<Output = ()> + Send {
        let spot = Spot::here();
        async move {
            self.expect_code(spot, Code::OK).await;
        }
    }

    pub(super) fn expect_code(&mut self, spot: Spot, wanted: Code) -> ExpectStatus<'_> {
        let expected = format!("the end with status {wanted}");
        ExpectStatus(
            Expectation::new(&mut self.recorder, spot, expected, judge)
                .at_the_end()
                .check(move |status| match status.code {
                    code if code == wanted => Ok(()),
                    code => Err(format!("the status is {code}, not {wanted}")),
                }),
        )
    }
}

impl ExpectStatus<'_> {
    /// With this `grpc-message`, percent-decoded; an empty one is none.
    pub fn message(self, message: impl Into<String>) -> Self {
        let wanted = message.into();
        let expected = format!("message {wanted:?}");
        let check = move |status: &Status| equal("the message", &status.message, &wanted);
        Self(self.0.also(expected).check(check))
    }

    /// With this trailer, or header if there is no trailer frame; if it is repeated, one of them.
    pub fn trailer(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let (name, value) = (name.into(), value.into());
        let expected = format!("trailer {name}: {value}");
        let check = move |status: &Status| {
            let values: Vec<_> = status.trailers.get_all(&name).iter().collect();
            match values.iter().any(|it| it.as_bytes() == value.as_bytes()) {
                true => Ok(()),
                false if values.is_empty() => Err(format!("it has no trailer {name}")),
                false => Err(format!("the trailer {name} is {values:?}, not {value:?}")),
            }
        };
        Self(self.0.also(expected).check(check))
    }

    /// Within this time instead of the stream's [timeout](crate::grpc_web::GrpcWebRequest::timeout).
    pub fn within(self, span: Duration) -> Self {
        Self(self.0.within(span))
    }
}

impl<'a> IntoFuture for ExpectStatus<'a> {
    type Output = Status;
    type IntoFuture = Pin<Box<dyn Future<Output = Status> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.0.wait())
    }
}

fn judge(what: &What) -> Verdict<Status> {
    match what {
        What::Status(status) => Verdict::Met(status.clone()),
        What::End { .. } => Verdict::Wrong("without a grpc-status".to_owned()),
        _ => Verdict::Wrong(String::new()),
    }
}

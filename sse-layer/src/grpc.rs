//! gRPC streams as event streams (feature `tonic`).
//!
//! A server-streaming method answers a stream of `Result<M, Status>`. [`sse`] sends each message
//! as JSON, and the [`Status`] that ends a failed stream as its last event. [`answer`] takes what
//! the method itself answered, and tells a call that fails before its first message in HTTP's own
//! words.
//!
//! ```
//! use futures_util::stream;
//! use sse_layer::{Sse, grpc, stream::EventStream};
//! use tonic::Status;
//!
//! #[derive(serde::Serialize)] // or prost's, with `type_attribute` in the build script
//! struct Price { symbol: &'static str, cents: u64 }
//!
//! async fn prices(symbol: &str) -> Sse<impl EventStream + use<>> {
//!     // Here a method of a tonic service would be called.
//!     let call = match symbol {
//!         "ACME" => Ok(tonic::Response::new(stream::iter([
//!             Ok(Price { symbol: "ACME", cents: 1250 }),
//!             Err(Status::unavailable("the exchange has closed")),
//!         ]))),
//!         _ => Err(Status::not_found("no such symbol")),
//!     };
//!     grpc::answer(call).await.event("price")
//! }
//! # use http_body_util::BodyExt;
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! # let sent = prices("ACME").await.into_http_response().into_body().collect().await.unwrap();
//! # assert_eq!(sent.to_bytes(), concat!(
//! #     ":\n",
//! #     "event: price\ndata: {\"symbol\":\"ACME\",\"cents\":1250}\n\n",
//! #     "event: error\n",
//! #     "data: {\"code\":14,\"status\":\"UNAVAILABLE\",\"message\":\"the exchange has closed\"}\n\n",
//! # ));
//! # assert_eq!(prices("INIT").await.into_http_response().status(), 404);
//! # }
//! ```
//!
//! An `EventSource` hands events named `error` to its `onerror` too, where they are told from lost
//! connections by having `data`. It reconnects after the stream's end, so a page that is not to
//! try again closes it then.

use std::{
    error::Error as StdError,
    fmt,
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_core::Stream;
use http::{HeaderValue, Response, StatusCode, header::CONTENT_TYPE};
use pin_project_lite::pin_project;
use serde::{Serialize, Serializer, ser::SerializeStruct};
use tonic::{Code, Status};

use crate::{
    error::{EncodeError, Error},
    event::{Encoder, Event, EventData, Json},
    on_error::OnError,
    sse::Sse,
    stream::TryTyped,
};

/// The name of the event that a failed stream ends with.
const ERROR_EVENT: &str = "error";

/// A stream of messages as an event stream: each message as one line of JSON, and a [`Status`],
/// which ends it, as [`on_error`] does.
///
/// For events with ids, map the messages to [`Event`]s and set the policy:
///
/// ```
/// use futures_util::{StreamExt, stream};
/// use sse_layer::{Event, Sse, grpc};
///
/// let messages = stream::iter([Ok::<_, tonic::Status>(12_u64)]);
/// let sse = Sse::new(messages.map(|message| {
///     message.map(|message| Event::json(message).with_id(message))
/// }))
/// .on_error(grpc::on_error());
/// ```
pub fn sse<S, M>(messages: S) -> Sse<TryTyped<Messages<S, M>, Json<M>>>
where
    S: Stream<Item = Result<M, Status>>,
    M: Serialize,
{
    Messages::new(messages).into_sse()
}

/// Sends the [`Status`] that a stream failed with as its last event, then ends the response.
///
/// The event is named `error`; its data is
/// `{"code":5,"status":"NOT_FOUND","message":"no such symbol"}`, with the number, the name and the
/// message that a gRPC client gets; the details and the metadata are left out. `OK` is no failure:
/// the response ends without such an event. Whatever else went wrong is an `INTERNAL` without a
/// text of its own; the log has it. So it has a status that says that the server is at fault
/// (`UNKNOWN`, `INTERNAL`, `DATA_LOSS`) as an error, and any other at the level `DEBUG`.
pub fn on_error() -> OnError {
    OnError::event(|error| {
        let status = status_in(error);
        let data = if status.is_some_and(is_ok) {
            Data(None)
        } else {
            Data(Some(Told::from(status)))
        };
        Event::new(data)
    })
    .faults(|error| {
        status_in(error).is_none_or(|status| {
            matches!(
                status.code(),
                Code::Unknown | Code::Internal | Code::DataLoss
            )
        })
    })
}

/// What a call answered, as a response.
///
/// A call that fails before its first message is answered with an HTTP status and no stream, as
/// [`response`] says it: one that answered a `Status` instead of a stream, and one whose stream has
/// nothing but a `Status` at once. A stream whose first message is yet to come is opened without
/// waiting for it. A `Status` of the code `OK` is no failure but the end (204 in the stream's
/// stead). The response's metadata is not passed on.
pub async fn answer<S, M>(
    call: Result<tonic::Response<S>, Status>,
) -> Sse<TryTyped<Messages<S, M>, Json<M>>>
where
    S: Stream<Item = Result<M, Status>> + Unpin,
    M: Serialize,
{
    let mut messages = match call {
        Ok(answer) => Messages::new(answer.into_inner()),
        Err(status) if is_ok(&status) => return Sse::stop(),
        Err(status) => return Sse::response(response(&status)),
    };
    let at_once = poll_fn(|cx| Poll::Ready(Pin::new(&mut messages).poll_next(cx))).await;
    match at_once {
        Poll::Ready(Some(Err(status))) => return Sse::response(response(&status)),
        Poll::Ready(Some(Ok(message))) => messages.next = Next::Message(message),
        Poll::Ready(None) | Poll::Pending => {}
    }
    messages.into_sse()
}

/// A status as an HTTP response: [`http_status`], and the object that [`on_error`] sends as its
/// JSON body.
pub fn response(status: &Status) -> Response<Bytes> {
    let told = Told::from(Some(status));
    // Numbers and text: there is nothing in it that JSON could not say.
    let body = serde_json::to_vec(&told).unwrap_or_default();
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = http_status(status.code());
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// The HTTP status for a gRPC code, as
/// [`google.rpc.Code`](https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto)
/// maps them.
pub fn http_status(code: Code) -> StatusCode {
    match code {
        Code::Ok => StatusCode::OK,
        // "Client Closed Request": nginx's number, which no RFC has.
        Code::Cancelled => StatusCode::from_u16(499).unwrap_or(StatusCode::BAD_REQUEST),
        Code::InvalidArgument | Code::FailedPrecondition | Code::OutOfRange => {
            StatusCode::BAD_REQUEST
        }
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::PermissionDenied => StatusCode::FORBIDDEN,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::AlreadyExists | Code::Aborted => StatusCode::CONFLICT,
        Code::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
        Code::Unimplemented => StatusCode::NOT_IMPLEMENTED,
        Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Code::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
        Code::Unknown | Code::Internal | Code::DataLoss => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn is_ok(status: &Status) -> bool {
    status.code() == Code::Ok
}

/// The data of the last event, if there is anything to tell.
struct Data(Option<Told>);

impl EventData for Data {
    fn encode(&self, encoder: &mut Encoder<'_>) -> Result<(), EncodeError> {
        if let Some(told) = &self.0 {
            encoder.name(ERROR_EVENT)?;
            encoder.json(told)?;
        }
        Ok(())
    }
}

/// A status as clients see it.
struct Told {
    code: i32,
    status: &'static str,
    message: String,
}

impl Serialize for Told {
    fn serialize<S>(&self, serializer: S) -> Result<S::Ok, S::Error>
    where
        S: Serializer,
    {
        let mut object = serializer.serialize_struct("Status", 3)?;
        object.serialize_field("code", &self.code)?;
        object.serialize_field("status", self.status)?;
        object.serialize_field("message", &self.message)?;
        object.end()
    }
}

impl From<Option<&Status>> for Told {
    fn from(status: Option<&Status>) -> Self {
        let code = status.map_or(Code::Internal, Status::code);
        let message = status.map_or("the stream failed", Status::message);
        Self {
            code: code.into(),
            status: name(code),
            message: message.to_owned(),
        }
    }
}

/// The status that a stream failed with, if it is one.
fn status_in(error: &Error) -> Option<&Status> {
    let mut next = error.source();
    while let Some(error) = next {
        if let Some(status) = error.downcast_ref() {
            return Some(status);
        }
        next = error.source();
    }
    None
}

/// The code as protocol buffers' JSON has it.
const fn name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

pin_project! {
    /// A call's stream, up to its end or the [`Status`] that it failed with.
    pub struct Messages<S, M> {
        next: Next<M>,
        #[pin]
        stream: S,
    }
}

/// What is known of the next item.
enum Next<M> {
    /// The stream has to be asked.
    Unknown,
    /// [`answer`] has asked for it.
    Message(M),
    /// The stream is over, and must not be asked again.
    End,
}

impl<S, M> Messages<S, M>
where
    S: Stream<Item = Result<M, Status>>,
    M: Serialize,
{
    const fn new(stream: S) -> Self {
        Self {
            next: Next::Unknown,
            stream,
        }
    }

    fn into_sse(self) -> Sse<TryTyped<Self, Json<M>>> {
        Sse::try_json(self).on_error(on_error())
    }
}

impl<S, M> Stream for Messages<S, M>
where
    S: Stream<Item = Result<M, Status>>,
{
    type Item = Result<M, Status>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.project();
        let next = match std::mem::replace(this.next, Next::Unknown) {
            Next::Unknown => ready!(this.stream.poll_next(cx)),
            Next::Message(message) => Some(Ok(message)),
            Next::End => None,
        };
        // As a gRPC client has it: this is a good end.
        let next = next.filter(|next| !matches!(next, Err(status) if is_ok(status)));
        if next.is_none() {
            *this.next = Next::End;
        }
        Poll::Ready(next)
    }
}

impl<S, M> fmt::Debug for Messages<S, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Messages").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_name_and_an_http_status() {
        // The numbers and names of google/rpc/code.proto, and its "HTTP Mapping" lines.
        let table = [
            (0, "OK", 200),
            (1, "CANCELLED", 499),
            (2, "UNKNOWN", 500),
            (3, "INVALID_ARGUMENT", 400),
            (4, "DEADLINE_EXCEEDED", 504),
            (5, "NOT_FOUND", 404),
            (6, "ALREADY_EXISTS", 409),
            (7, "PERMISSION_DENIED", 403),
            (8, "RESOURCE_EXHAUSTED", 429),
            (9, "FAILED_PRECONDITION", 400),
            (10, "ABORTED", 409),
            (11, "OUT_OF_RANGE", 400),
            (12, "UNIMPLEMENTED", 501),
            (13, "INTERNAL", 500),
            (14, "UNAVAILABLE", 503),
            (15, "DATA_LOSS", 500),
            (16, "UNAUTHENTICATED", 401),
        ];
        for (code, name, status) in table {
            let response = response(&Status::new(Code::from_i32(code), "why \"it\" failed"));
            assert_eq!(response.status(), status, "{name}");
            assert_eq!(response.headers()[CONTENT_TYPE], "application/json");
            let body: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
            let told = serde_json::json!({
                "code": code, "status": name, "message": "why \"it\" failed",
            });
            assert_eq!(body, told);
        }
    }
}

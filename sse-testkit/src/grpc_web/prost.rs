//! Messages as the types that prost generates.

use std::any::type_name;
use std::fmt;

use super::{ExpectMessage, GrpcWebRequest, Message};
use crate::recorder::equal;
use crate::transcript::hex;

impl GrpcWebRequest {
    /// Sets the message. Needs the feature `prost`, as all that knows types does.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// use http::{Request, Response};
    /// use sse_testkit::{Body, grpc_web};
    ///
    /// /// Sends the request's message back. A `u32` is what protobuf calls `UInt32Value`.
    /// async fn echo(request: Request<Body>) -> Result<Response<Body>, std::io::Error> {
    ///     let response = Response::builder().header("content-type", "application/grpc-web");
    ///     Ok(response.body(request.into_body()).unwrap())
    /// }
    ///
    /// let call = grpc_web::call(tower::service_fn(echo), "/echo.Echo/Echo");
    /// let mut call = call.message(&5_u32).await;
    /// let message = call.expect_message().proto(&5_u32).await;
    /// assert_eq!(message.decode::<u32>(), 5);
    /// # }
    /// ```
    pub fn message<M: prost::Message>(self, message: &M) -> Self {
        self.message_bytes(message.encode_to_vec())
    }
}

impl<'a> ExpectMessage<'a> {
    /// That is this value once it is decoded, however it is encoded.
    pub fn proto<M>(self, message: &'a M) -> Self
    where
        M: prost::Message + Default + PartialEq + fmt::Debug,
    {
        self.also(format!("{message:?}"))
            .check(move |came| equal("the message", &came.try_decode::<M>()?, message))
    }
}

impl Message {
    /// The message, decoded.
    ///
    /// # Panics
    ///
    /// If it is not of this type, or compressed.
    #[track_caller]
    pub fn decode<M: prost::Message + Default>(&self) -> M {
        match self.try_decode() {
            Ok(message) => message,
            Err(problem) => panic!("{problem}"),
        }
    }

    fn try_decode<M: prost::Message + Default>(&self) -> Result<M, String> {
        let problem = match M::decode(&*self.bytes) {
            _ if self.compressed => "it is compressed".to_owned(),
            Ok(message) => return Ok(message),
            Err(error) => error.to_string(),
        };
        let (name, bytes) = (type_name::<M>(), hex(&self.bytes));
        Err(format!(
            "the message is not a {name}: {problem}\nbytes: {bytes}"
        ))
    }
}

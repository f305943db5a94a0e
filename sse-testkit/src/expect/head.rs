//! Expectations of the response head, and of bodies that are no event streams.

use http::StatusCode;
use serde::de::DeserializeOwned;

use crate::EventStream;
use crate::recorder::Spot;

/// A status, as a number or by name.
pub trait IntoStatus {
    /// The number.
    fn into_status(self) -> u16;
}

impl IntoStatus for u16 {
    fn into_status(self) -> u16 {
        self
    }
}

impl IntoStatus for StatusCode {
    fn into_status(self) -> u16 {
        self.as_u16()
    }
}

impl EventStream {
    /// Expects this status. There is nothing to await: the head is there.
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

    /// Reads the body to its end, be it an event stream or not.
    #[track_caller]
    pub fn body_text(&mut self) -> impl Future<Output = String> + Send {
        let spot = Spot::here();
        async move { self.recorder.whole_body(spot, "a whole body").await }
    }

    /// Reads the body to its end and decodes it as JSON.
    #[track_caller]
    pub fn body_json<T: DeserializeOwned>(&mut self) -> impl Future<Output = T> + Send {
        let spot = Spot::here();
        async move {
            let expected = format!("a JSON body ({})", std::any::type_name::<T>());
            let text = self.recorder.whole_body(spot, &expected).await;
            match serde_json::from_str(&text) {
                Ok(value) => value,
                Err(error) => self
                    .recorder
                    .fail(spot, &expected, &format!("{error} in {text}")),
            }
        }
    }
}

//! Expectations of the response head, and of bodies that are no event streams.

use http::StatusCode;
use serde::de::DeserializeOwned;

use super::spot::Spot;
use crate::EventStream;
use crate::record::What;

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
        let spot = Spot::here();
        let status = status.into_status();
        let expected = format!("status {status}");
        let head = self.head(spot, &expected);
        if head.status.as_u16() != status {
            self.fail(spot, &expected, &format!("got status {}", head.status));
        }
        self
    }

    /// Expects a header with exactly this value; if it is repeated, one of them.
    #[track_caller]
    pub fn expect_header(&self, name: &str, value: &str) -> &Self {
        let spot = Spot::here();
        let expected = format!("header {name}: {value}");
        let head = self.head(spot, &expected);
        let values: Vec<_> = head.headers.get_all(name).iter().collect();
        if values.is_empty() {
            self.fail(spot, &expected, "there is no such header");
        }
        if !values.iter().any(|it| it.as_bytes() == value.as_bytes()) {
            self.fail(spot, &expected, &format!("got {values:?}"));
        }
        self
    }

    /// Expects that there is no such header.
    #[track_caller]
    pub fn expect_no_header(&self, name: &str) -> &Self {
        let spot = Spot::here();
        let expected = format!("no header {name}");
        if let Some(value) = self.head(spot, &expected).headers.get(name) {
            self.fail(spot, &expected, &format!("got {value:?}"));
        }
        self
    }

    /// Reads the body to its end, be it an event stream or not.
    #[track_caller]
    pub fn body_text(&mut self) -> impl Future<Output = String> + Send {
        let spot = Spot::here();
        async move { self.whole_body(spot, "a whole body").await }
    }

    /// Reads the body to its end and decodes it as JSON.
    #[track_caller]
    pub fn body_json<T: DeserializeOwned>(&mut self) -> impl Future<Output = T> + Send {
        let spot = Spot::here();
        async move {
            let expected = format!("a JSON body ({})", std::any::type_name::<T>());
            let text = self.whole_body(spot, &expected).await;
            match serde_json::from_str(&text) {
                Ok(value) => value,
                Err(error) => self.fail(spot, &expected, &format!("{error} in {text}")),
            }
        }
    }

    async fn whole_body(&mut self, spot: Spot, expected: &str) -> String {
        let mut wait = self.begin(None).await;
        loop {
            let index = match self.next(&mut wait).await {
                Ok(index) => index,
                Err(stuck) => self.fail(spot, expected, &self.stuck(stuck, self.timeout())),
            };
            match self.record_at(index).what {
                What::Error(_) | What::Closed => self.fail_at(spot, expected, index, ""),
                What::End { .. } => {
                    self.pass(index);
                    return String::from_utf8_lossy(self.raw()).into_owned();
                }
                _ => self.pass(index),
            }
        }
    }
}

//! Expectations of the response head, and of the body as a whole.

use super::{Recorder, Spot};
use crate::record::{Head, What};

impl Recorder {
    /// The current response's head; without one the test ends.
    pub(crate) fn head(&self, spot: Spot, expected: &str) -> &Head {
        match &self.connection.head {
            Some(head) => head,
            None => self.fail(spot, expected, "there is no response"),
        }
    }

    pub(crate) fn expect_status(&self, spot: Spot, status: u16) {
        let expected = format!("status {status}");
        let head = self.head(spot, &expected);
        if head.status.as_u16() != status {
            self.fail(spot, &expected, &format!("got status {}", head.status));
        }
    }

    pub(crate) fn expect_header(&self, spot: Spot, name: &str, value: &str) {
        let expected = format!("header {name}: {value}");
        let head = self.head(spot, &expected);
        let values: Vec<_> = head.headers.get_all(name).iter().collect();
        if values.is_empty() {
            self.fail(spot, &expected, "there is no such header");
        }
        if !values.iter().any(|it| it.as_bytes() == value.as_bytes()) {
            self.fail(spot, &expected, &format!("got {values:?}"));
        }
    }

    pub(crate) fn expect_no_header(&self, spot: Spot, name: &str) {
        let expected = format!("no header {name}");
        if let Some(value) = self.head(spot, &expected).headers.get(name) {
            self.fail(spot, &expected, &format!("got {value:?}"));
        }
    }

    /// Reads the body to its end, whatever it is.
    pub(crate) async fn whole_body(&mut self, spot: Spot, expected: &str) -> String {
        let mut wait = self.begin(None).await;
        loop {
            let index = match self.next(&mut wait).await {
                Ok(index) => index,
                Err(stuck) => self.fail(spot, expected, &self.stuck(stuck, self.timeout)),
            };
            match self.records[index].what {
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

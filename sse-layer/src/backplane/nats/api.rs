//! Questions to the server, and what its answers mean.

use std::{fmt, sync::Arc, time::Duration};

use async_nats::{Client, HeaderMap, Message, Request, RequestErrorKind};
use bytes::Bytes;
use serde_json::Value;
use tokio::sync::{broadcast, watch};

use super::link::Link;
use crate::backplane::{BackplaneError, Failure};

/// `stream not found`.
pub(super) const NO_STREAM: u64 = 10_059;
/// `stream name already in use with a different configuration`.
pub(super) const STREAM_EXISTS: u64 = 10_058;
/// `subjects overlap with an existing stream`, which may be the same one while it is being made.
pub(super) const SUBJECTS_OVERLAP: u64 = 10_065;
/// `no message found`.
pub(super) const NO_MESSAGE: u64 = 10_037;
/// `JetStream system temporarily unavailable`, while a cluster has no leader.
const NO_LEADER: u64 = 10_008;

/// Asks the server, and ends within the timeout.
#[derive(Clone)]
pub(super) struct Api {
    pub(super) client: Client,
    pub(super) timeout: Duration,
    /// What the server complains of; it does not answer a question that this user may not ask.
    pub(super) complaints: broadcast::Sender<Arc<str>>,
    pub(super) link: watch::Receiver<Link>,
}

/// An answer that is no success.
#[derive(Debug)]
pub(super) enum ApiError {
    /// The server has answered that it can't.
    Told(Told),
    /// It has not answered.
    Silent(BackplaneError),
}

/// JetStream's own error.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub(super) number: u64,
    text: String,
}

impl Api {
    /// Asks. Ends early if the link of this generation is lost.
    pub(super) async fn ask(
        &self,
        generation: u64,
        subject: &str,
        headers: Option<HeaderMap>,
        payload: Bytes,
    ) -> Result<Message, BackplaneError> {
        self.ask_for(self.timeout, generation, subject, headers, payload)
            .await
    }

    async fn ask_for(
        &self,
        timeout: Duration,
        generation: u64,
        subject: &str,
        headers: Option<HeaderMap>,
        payload: Bytes,
    ) -> Result<Message, BackplaneError> {
        let mut complaints = self.complaints.subscribe();
        let mut link = self.link.clone();
        let mut request = Request::new().payload(payload).timeout(Some(timeout));
        if let Some(headers) = headers {
            request = request.headers(headers);
        }
        let answer = self.client.send_request(subject.to_owned(), request);
        let lost = link.wait_for(|link| link.generation != generation);
        let complaint = async {
            loop {
                match complaints.recv().await {
                    Ok(text) if names(&text, subject) => break text,
                    Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {}
                    Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
                }
            }
        };
        tokio::select! {
            answer = answer => answer.map_err(|error| {
                let failure = match error.kind() {
                    RequestErrorKind::NoResponders => Failure::Unavailable,
                    RequestErrorKind::InvalidSubject | RequestErrorKind::MaxPayloadExceeded => {
                        Failure::Refused
                    }
                    RequestErrorKind::TimedOut | RequestErrorKind::Other => Failure::Unknown,
                };
                BackplaneError::new(failure, error)
            }),
            text = complaint => Err(BackplaneError::new(Failure::Refused, &*text)),
            _ = lost => Err(BackplaneError::new(Failure::Unknown, "the connection was lost")),
        }
    }

    /// Asks JetStream, which answers in JSON.
    pub(super) async fn call(
        &self,
        generation: u64,
        subject: &str,
        question: &Value,
    ) -> Result<Value, ApiError> {
        self.call_for(self.timeout, generation, subject, question)
            .await
    }

    /// Asks JetStream, and waits for so long.
    pub(super) async fn call_for(
        &self,
        timeout: Duration,
        generation: u64,
        subject: &str,
        question: &Value,
    ) -> Result<Value, ApiError> {
        let payload = Bytes::from(question.to_string());
        let answer = self.ask_for(timeout, generation, subject, None, payload);
        read_answer(&answer.await.map_err(ApiError::Silent)?)
    }

    /// Asks JetStream what may be asked more than once.
    pub(super) async fn call_again(
        &self,
        generation: u64,
        subject: &str,
        question: &Value,
    ) -> Result<Value, ApiError> {
        for patience in self.patiences() {
            let answer = self.call_for(patience, generation, subject, question).await;
            if !answer.as_ref().is_err_and(ApiError::is_silence) {
                return answer;
            }
        }
        self.call(generation, subject, question).await
    }

    /// For how long to wait for the answer to something that may be asked again, each time but the
    /// last.
    ///
    /// In a cluster a question may be lost for good: nobody is there to answer it while a leader is
    /// elected, and a consumer may be given to a server that is dead, of which the others learn only
    /// after minutes (seen with 2.9.10).
    pub(super) fn patiences(&self) -> impl Iterator<Item = Duration> + use<> {
        let timeout = self.timeout;
        [16, 8, 4, 2].into_iter().map(move |part| timeout / part)
    }
}

/// What JetStream has answered.
pub(super) fn read_answer(message: &Message) -> Result<Value, ApiError> {
    let answer: Value = serde_json::from_slice(&message.payload).map_err(|error| {
        let error = format!("the answer is no JSON: {error}");
        ApiError::Silent(BackplaneError::new(Failure::Unknown, error))
    })?;
    let Some(error) = answer.get("error") else {
        return Ok(answer);
    };
    let number = error
        .get("err_code")
        .and_then(Value::as_u64)
        .unwrap_or_default();
    let text = error.get("description").and_then(Value::as_str);
    Err(ApiError::Told(Told {
        number,
        text: text.unwrap_or("no reason was told").to_owned(),
    }))
}

/// Whether a complaint is about this subject, which stands in it between quotes.
pub(super) fn names(text: &str, subject: &str) -> bool {
    text.split('"').nth(1) == Some(subject)
}

impl ApiError {
    /// Whether there was no answer, and the connection is still there.
    pub(super) fn is_silence(&self) -> bool {
        matches!(self, Self::Silent(error) if error.failure() == Failure::Unknown)
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JetStream: {} ({})", self.text, self.number)
    }
}

impl From<ApiError> for BackplaneError {
    fn from(error: ApiError) -> Self {
        match error {
            ApiError::Silent(error) => error,
            ApiError::Told(told) => {
                let failure = match told.number {
                    NO_LEADER | NO_STREAM => Failure::Unavailable,
                    _ => Failure::Refused,
                };
                Self::new(failure, told.to_string())
            }
        }
    }
}

//! From a request to its answer.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Collected, Limited};
use hyper::body::Incoming;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use super::answer::{Answer, Opening};
use super::body::{MockBody, Pace};
use super::cors;
use super::plan::Plan;
use super::request::MockRequest;
use super::socket::Reset;

/// What the connections of a server share.
pub(super) struct Mock {
    state: Mutex<State>,
    /// Told at each request.
    asked: Notify,
    pace: Pace,
    cors: bool,
    started: Instant,
}

struct State {
    plan: Plan,
    requests: Vec<MockRequest>,
}

/// How many bytes of a request's body are read.
const MAX_REQUEST: usize = 16 * 1024 * 1024;

impl Mock {
    pub(super) fn new(plan: Plan, pace: Pace, cors: bool) -> Self {
        Self {
            state: Mutex::new(State {
                plan,
                requests: Vec::new(),
            }),
            asked: Notify::new(),
            pace,
            cors,
            started: Instant::now(),
        }
    }

    /// An error closes the connection without an answer.
    pub(super) async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
        reset: Arc<Reset>,
    ) -> Result<Response<MockBody>, io::Error> {
        let elapsed = self.started.elapsed();
        let (parts, body) = request.into_parts();
        if self.cors && cors::is_preflight(&parts.method, &parts.headers) {
            let answer = Answer::status(StatusCode::NO_CONTENT);
            let mut response = Response::new(self.body(&answer, reset));
            *response.status_mut() = StatusCode::NO_CONTENT;
            *response.headers_mut() = cors::preflight(&parts.headers);
            return Ok(response);
        }
        let body = Limited::new(body, MAX_REQUEST).collect().await;
        let body = body.map_or_else(|_| Bytes::new(), Collected::to_bytes);
        let request = MockRequest {
            method: parts.method,
            uri: parts.uri,
            version: parts.version,
            headers: parts.headers,
            body,
            elapsed,
        };
        let headers = request.headers.clone();
        let answer = self.take(request);

        sleep(self.pace.of(answer.head_after)).await;
        let Opening::Head {
            status,
            headers: mut response_headers,
        } = answer.opening.clone()
        else {
            return Err(io::Error::other("the script hangs up here"));
        };
        if self.cors {
            cors::allow(&headers, &mut response_headers);
        }
        let mut response = Response::new(self.body(&answer, reset));
        *response.status_mut() = status;
        *response.headers_mut() = response_headers;
        Ok(response)
    }

    pub(super) fn requests(&self) -> Vec<MockRequest> {
        self.state().requests.clone()
    }

    pub(super) async fn wait_for_requests(&self, count: usize) -> Vec<MockRequest> {
        loop {
            // Made before the look, so that no request comes in between unnoticed.
            let asked = self.asked.notified();
            let requests = self.requests();
            if requests.len() >= count {
                return requests;
            }
            asked.await;
        }
    }

    pub(super) async fn take_requests(&self) -> Vec<MockRequest> {
        loop {
            // As above.
            let asked = self.asked.notified();
            let requests = std::mem::take(&mut self.state().requests);
            if !requests.is_empty() {
                return requests;
            }
            asked.await;
        }
    }

    pub(super) fn left(&self) -> usize {
        self.state().plan.left()
    }

    fn take(&self, request: MockRequest) -> Answer {
        let mut state = self.state();
        let answer = state
            .plan
            .answer(request.last_event_id().unwrap_or_default());
        state.requests.push(request);
        drop(state);
        self.asked.notify_waiters();
        answer
    }

    fn body(&self, answer: &Answer, reset: Arc<Reset>) -> MockBody {
        MockBody::new(&answer.steps, answer.again.clone(), self.pace, reset)
    }

    /// Nothing that holds the lock can panic half-way.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! Reading a stream for as long as it lasts, as a browser does, without expecting anything.

mod redirect;
mod seen;

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::time::Duration;

use http::Request;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

pub use self::seen::{Seen, Sighting};
use crate::client::{Template, Transport, describe, is_for_good};
use crate::clock::Clock;
use crate::record::{Head, What};
use crate::recorder::Connection;
use crate::stream::{DEFAULT_RETRY, decoder};
use crate::{Body, Reconnect, RequestBuilder};

/// A server that is gone is not asked again at once, even if it wanted that of its streams: clients
/// may "wait some more" (HTML 9.2.3).
const WITHOUT_AN_ANSWER: Duration = Duration::from_secs(1);

/// A client that reads a stream as `EventSource` does, and tells all that it sees.
///
/// It reconnects when the response ends, breaks off or does not come at all: after the
/// reconnection time that the stream asked for, and a second at least where there was no answer, with
/// the last event id. It follows redirects, each
/// time from the address asked for. It gives up for good on a 204, on any other status than 200, on
/// another content type, and where another attempt can't do better, such as a server that is not
/// trusted.
///
/// It does not pause the time, and forgets what it has told, so it can run for days.
///
/// ```
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// use axum::http::HeaderMap;
/// use axum::response::IntoResponse as _;
/// use sse_testkit::{Frame, Seen};
///
/// let app = axum::Router::new().route(
///     "/once",
///     axum::routing::get(async |headers: HeaderMap| match headers.get("last-event-id") {
///         Some(_) => http::StatusCode::NO_CONTENT.into_response(),
///         None => ([("content-type", "text/event-stream")], "id: 1\ndata: hi\n\n").into_response(),
///     }),
/// );
/// let mut watch = sse_testkit::get(app, "/once").watch();
/// let mut events = Vec::new();
/// while let Some(sighting) = watch.next().await {
///     if let Seen::Frame(Frame::Event { event, .. }) = sighting.seen {
///         events.push(event.data);
///     }
/// }
/// assert_eq!(events, ["hi"]);
/// # }
/// ```
pub struct Watch {
    transport: Box<dyn Transport>,
    /// Nothing if there is nothing to send.
    template: Option<Template>,
    response_within: Option<Duration>,
    started: Instant,
    state: State,
    /// Seen and not told yet.
    sightings: VecDeque<Sighting>,
    last_event_id: String,
    retry: Duration,
}

enum State {
    /// The request is to be made.
    Dial,
    /// It is to be sent, after so many redirects.
    Send {
        request: Request<Body>,
        redirects: usize,
    },
    Read(Connection),
    /// The body of a response that is no event stream, which only people read.
    ReadRefused {
        connection: Connection,
        until: Instant,
    },
    Wait(Instant),
    Done,
}

/// How many redirects in a row a client follows, by the Fetch standard.
const MAX_REDIRECTS: usize = 20;

/// How long and how much to read of a body that is no event stream.
const REFUSED_FOR: Duration = Duration::from_secs(2);
const REFUSED_BYTES: usize = 64 * 1024;

impl RequestBuilder {
    /// Reads the stream as a browser does, for as long as it lasts, instead of asserting it.
    ///
    /// Nothing is sent before the first call of [`Watch::next`]. Unless
    /// [`timeout`](Self::timeout) says otherwise, a response head is awaited for ever.
    pub fn watch(self) -> Watch {
        let (transport, template, response_within) = self.into_parts();
        let template = template.and_then(|template| match transport.refuses(&template.uri) {
            Some(reason) => Err(reason),
            None => Ok(template),
        });
        let mut watch = Watch {
            transport,
            template: None,
            response_within,
            started: Instant::now(),
            state: State::Dial,
            sightings: VecDeque::new(),
            last_event_id: String::new(),
            retry: DEFAULT_RETRY,
        };
        match template {
            Ok(template) => {
                watch.last_event_id.clone_from(&template.last_event_id);
                watch.template = Some(template);
            }
            Err(reason) => watch.give_up(reason),
        }
        watch
    }
}

impl Watch {
    /// What is seen next; `None` once the client has given up.
    ///
    /// It may be cancelled while it waits for the stream or for the time to reconnect. A request
    /// whose response has not come yet is sent again.
    pub async fn next(&mut self) -> Option<Sighting> {
        loop {
            if let Some(sighting) = self.sightings.pop_front() {
                return Some(sighting);
            }
            match &mut self.state {
                State::Dial => self.dial(),
                State::Send { .. } => self.send().await,
                State::Read(_) => self.read().await,
                State::ReadRefused { .. } => self.read_refused().await,
                State::Wait(until) => {
                    sleep_until(*until).await;
                    self.state = State::Dial;
                }
                State::Done => return None,
            }
        }
    }

    /// The time since the watch was made.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// The id with which the client would resume now; empty if there is none.
    pub fn last_event_id(&self) -> &str {
        &self.last_event_id
    }

    fn dial(&mut self) {
        let request = match &self.template {
            Some(template) => template.request(&self.last_event_id),
            None => Err("there is nothing to send".to_owned()),
        };
        match request {
            Ok(request) => self.begin(request, 0),
            Err(reason) => self.give_up(reason),
        }
    }

    fn begin(&mut self, request: Request<Body>, redirects: usize) {
        self.see(Seen::Request {
            uri: request.uri().clone(),
            last_event_id: self.last_event_id.clone(),
        });
        self.state = State::Send { request, redirects };
    }

    async fn send(&mut self) {
        let State::Send { request, redirects } = &self.state else {
            return;
        };
        let (request, redirects) = (request.clone(), *redirects);
        let sending = self.transport.send(request.clone());
        let response = match self.response_within {
            None => sending.await,
            Some(within) => match timeout(within, sending).await {
                Ok(response) => response,
                Err(_) => Err(format!("no response head within {within:?}").into()),
            },
        };
        let response = match response {
            Ok(response) => response,
            Err(error) if is_for_good(&error) => return self.give_up(describe(&*error)),
            Err(error) => {
                self.see(Seen::Error(describe(&*error)));
                return self.wait(self.retry.max(WITHOUT_AN_ANSWER));
            }
        };

        let (parts, body) = response.into_parts();
        let head = Head {
            status: parts.status,
            headers: parts.headers,
        };
        self.see(Seen::Head {
            status: head.status,
            headers: head.headers.clone(),
        });
        if let Some(location) = redirect::location(&head) {
            let next = redirect::follow(&request, head.status, &location);
            return self.redirect(next, redirects + 1);
        }
        let outcome = Reconnect::of(&head);
        let slack = match self.transport.needs_real_time() {
            true => Clock::Real.head_slack(),
            false => Clock::Virtual.head_slack(),
        };
        let decoder = match outcome {
            Reconnect::Open => decoder(&head, &self.last_event_id),
            _ => None,
        };
        let connection = Connection::new(head, body, decoder, self.started.elapsed() + slack);
        match outcome {
            Reconnect::Open => self.state = State::Read(connection),
            Reconnect::Stopped => {
                self.see(Seen::GaveUp(outcome));
                self.state = State::Done;
            }
            _ => {
                self.state = State::ReadRefused {
                    connection,
                    until: Instant::now() + REFUSED_FOR,
                }
            }
        }
    }

    fn redirect(&mut self, next: Result<Request<Body>, String>, redirects: usize) {
        match next {
            Ok(_) if redirects > MAX_REDIRECTS => {
                self.try_again(format!("more than {MAX_REDIRECTS} redirects"));
            }
            Ok(request) => match self.transport.refuses(request.uri()) {
                Some(reason) => self.give_up(reason),
                None => self.begin(request, redirects),
            },
            Err(reason) => self.try_again(reason),
        }
    }

    async fn read(&mut self) {
        let State::Read(connection) = &mut self.state else {
            return;
        };
        let started = self.started;
        let whats = poll_fn(|cx| connection.poll_read(cx, started.elapsed())).await;
        connection.forget_read();
        for what in whats {
            match what {
                What::Chunk(bytes) => self.see(Seen::Chunk(bytes)),
                What::Frame(frame) => {
                    if let Some(id) = frame.last_event_id() {
                        id.clone_into(&mut self.last_event_id);
                    }
                    self.retry = frame.reconnection_time().unwrap_or(self.retry);
                    self.see(Seen::Frame(frame));
                }
                What::End { discarded } => {
                    self.see(Seen::End { discarded });
                    self.wait(self.retry);
                }
                What::Error(reason) => self.try_again(reason),
                // Nothing else comes of an event stream.
                _ => {}
            }
        }
    }

    async fn read_refused(&mut self) {
        let State::ReadRefused { connection, until } = &mut self.state else {
            return;
        };
        let started = self.started;
        let read = poll_fn(|cx| connection.poll_read(cx, started.elapsed()));
        let whats = match timeout_at(*until, read).await {
            Ok(whats) if connection.raw_len() <= REFUSED_BYTES => whats,
            _ => connection.give_up_reading(),
        };
        for what in whats {
            match what {
                What::Chunk(bytes) => self.see(Seen::Chunk(bytes)),
                What::Plain(text) => self.see(Seen::Body(text)),
                what if what.is_last() => {
                    match what {
                        What::Error(reason) => self.see(Seen::Error(reason)),
                        What::End { .. } => self.see(Seen::End { discarded: None }),
                        // It was longer than anyone wants to read.
                        _ => {}
                    }
                    self.see(Seen::GaveUp(Reconnect::Refused));
                    self.state = State::Done;
                }
                _ => {}
            }
        }
    }

    /// "Network error": another attempt may do better.
    fn try_again(&mut self, reason: String) {
        self.see(Seen::Error(reason));
        self.wait(self.retry);
    }

    fn wait(&mut self, pause: Duration) {
        self.see(Seen::Wait {
            pause,
            last_event_id: self.last_event_id.clone(),
        });
        let now = Instant::now();
        // What is too far off to be an instant is never.
        let never = Duration::from_secs(60 * 60 * 24 * 365);
        let until = now.checked_add(pause);
        self.state = State::Wait(until.unwrap_or(now + never));
    }

    /// No other attempt would do better.
    fn give_up(&mut self, reason: String) {
        self.see(Seen::Error(reason));
        self.see(Seen::GaveUp(Reconnect::Unreachable));
        self.state = State::Done;
    }

    fn see(&mut self, seen: Seen) {
        let elapsed = self.started.elapsed();
        self.sightings.push_back(Sighting { elapsed, seen });
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch")
            .field("template", &self.template)
            .field("last_event_id", &self.last_event_id)
            .field("retry", &self.retry)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use bytes::Bytes;
    use http_body::Frame;
    use http_body_util::StreamBody;

    use super::*;

    /// Otherwise a client that reads for days would have no room.
    #[tokio::test(start_paused = true)]
    async fn what_was_told_is_forgotten() {
        let service = tower::service_fn(|_: Request<Body>| async {
            let chunk = || Ok::<_, Infallible>(Frame::data(Bytes::from("data: x\n\n")));
            let body = StreamBody::new(futures_util::stream::repeat_with(chunk));
            let response = http::Response::builder().header("content-type", "text/event-stream");
            response.body(body)
        });
        let mut watch = crate::get(service, "/").watch();
        for _ in 0..100 {
            watch.next().await;
        }
        let State::Read(connection) = &watch.state else {
            panic!("{watch:?}")
        };
        assert!(connection.raw_len() < 20, "{}", connection.raw_len());
    }
}

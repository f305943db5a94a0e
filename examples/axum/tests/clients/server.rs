//! A server whose streams break off, end, fall silent and stop, in the same way for each client.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::{
    Extension, Router,
    body::Body,
    extract::{Request, State},
    http::StatusCode,
    middleware::{self, Next},
    response::{Html, Response},
    routing::get,
};
use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _};
use sse_layer::{
    Event, KeepAlive, LastEventId, Sse, SseLayer,
    hub::{Hub, Message, Subscription},
    stream::BoxEventStream,
};
use tokio::{net::TcpListener, task::AbortHandle};

use crate::{
    script::{CUT, FINALE, INTERMISSION, Seen, events},
    watch::{Verdict, watched},
};

/// How long clients are told to wait. By themselves they would wait for one second, or for three.
pub(crate) const RETRY: Duration = Duration::from_millis(1200);

/// The text of heartbeats, of which there are two before the last events are published.
const ALIVE: &str = ": alive";

/// For whom the streams are made.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum For {
    /// Clients that read as the standard says.
    Everybody,
    /// Clients that take each blank line for an event.
    BlankLinesAreEvents,
}

/// One for each client.
pub(crate) struct Server {
    pub(crate) url: String,
    show: Arc<Show>,
    serving: AbortHandle,
}

/// A request for a stream.
#[derive(Clone, Debug)]
pub(crate) struct Visit {
    pub(crate) last_event_id: Option<String>,
    asked: Instant,
    /// When its stream was over.
    over: Option<Instant>,
}

struct Show {
    hub: Hub,
    audience: For,
    /// What was published, as clients should see it.
    published: Mutex<Vec<Seen>>,
    visits: Mutex<Vec<Visit>>,
}

impl Server {
    pub(crate) async fn start(audience: For) -> Self {
        let show = Arc::new(Show {
            hub: Hub::memory(),
            audience,
            published: Mutex::default(),
            visits: Mutex::default(),
        });
        for (name, data) in events() {
            show.publish(SCRIPT, name, &data);
        }
        let mut heartbeat = KeepAlive::new()
            .interval(Duration::from_millis(50))
            .text(ALIVE.trim_start_matches(": "));
        if audience == For::BlankLinesAreEvents {
            heartbeat = heartbeat.bare_line();
        }
        let streams = Router::new()
            .route("/script", get(script))
            .route("/quiet", get(quiet))
            .layer(SseLayer::new().keep_alive(heartbeat).retry(RETRY))
            .route_layer(middleware::from_fn_with_state(Arc::clone(&show), watch))
            .with_state(Arc::clone(&show));
        let app = streams.route(
            "/",
            get(async || Html("<title>nothing but an origin</title>")),
        );
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let serving = sse_layer::serve(listener, app);
        let serving = tokio::spawn(async { serving.await.unwrap() }).abort_handle();
        Self { url, show, serving }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// What was published so far, as clients should see it.
    pub(crate) fn published(&self) -> Vec<Seen> {
        self.show.published.lock().unwrap().clone()
    }

    pub(crate) fn visits(&self) -> Vec<Visit> {
        self.show.visits.lock().unwrap().clone()
    }

    /// How long the client stayed away, each time.
    pub(crate) fn waits(&self) -> Vec<Duration> {
        let visits = self.visits();
        let pairs = visits.windows(2);
        pairs
            .map(|pair| pair[1].asked - pair[0].over.unwrap())
            .collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// The topics.
const SCRIPT: &str = "script";
const QUIET: &str = "quiet";

impl Show {
    fn publish(&self, topic: &str, name: &str, data: &str) {
        let event = match name {
            "" => Event::text(data.to_owned()),
            name => Event::text(data.to_owned()).event(name),
        };
        // In this process, publishing does not wait.
        let id = self.hub.blocking_publish(topic, event).unwrap();
        self.published.lock().unwrap().push(Seen {
            event: if name.is_empty() { "message" } else { name }.to_owned(),
            data: data.to_owned(),
            id: id.to_string(),
        });
    }

    fn subscribe(&self, topic: &str, last_event_id: LastEventId) -> Subscription {
        let events = self.hub.subscribe(topic).unwrap().after(last_event_id);
        match self.audience {
            For::Everybody => events,
            For::BlankLinesAreEvents => events.no_positions(),
        }
    }
}

/// Which visit it is.
#[derive(Clone, Copy)]
struct Nth(usize);

/// The first stream is cut off in the middle of an event, the second comes to an end, and so does
/// the third after a silence. Then it is over.
async fn script(
    State(show): State<Arc<Show>>,
    Extension(Nth(nth)): Extension<Nth>,
    last_event_id: LastEventId,
) -> Sse<BoxEventStream> {
    let events = show.subscribe(SCRIPT, last_event_id).recent(usize::MAX);
    match nth {
        0 => Sse::new(events).boxed(),
        1 => Sse::new(events.end_after(named(INTERMISSION))).boxed(),
        2 => {
            let note = stream::iter([Event::text("has no id").event("note").to_frame()]);
            let events = events.end_after(named(FINALE)).map(Ok);
            Sse::new(events.chain(note)).boxed()
        }
        _ => Sse::stop(),
    }
}

/// The first stream is cut off before there is any event, and while the client is away there is
/// one. The second ends with the next.
async fn quiet(
    State(show): State<Arc<Show>>,
    Extension(Nth(nth)): Extension<Nth>,
    last_event_id: LastEventId,
) -> Sse<BoxEventStream> {
    let events = show.subscribe(QUIET, last_event_id);
    match nth {
        0 => Sse::new(events).boxed(),
        1 => {
            show.publish(QUIET, FINALE, "the second stream ends");
            Sse::new(events.end_after(named(FINALE))).boxed()
        }
        _ => Sse::stop(),
    }
}

fn named(name: &'static str) -> impl Fn(&Message) -> bool {
    move |message| message.event() == Some(name)
}

/// Keeps a record of visits, and lets happen what is to happen in the streams.
async fn watch(State(show): State<Arc<Show>>, mut request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let last_event_id = request.headers().get("last-event-id");
    let visit = Visit {
        last_event_id: last_event_id.map(|id| id.to_str().unwrap().to_owned()),
        asked: Instant::now(),
        over: None,
    };
    let nth = {
        let mut visits = show.visits.lock().unwrap();
        visits.push(visit);
        visits.len() - 1
    };
    request.extensions_mut().insert(Nth(nth));
    let response = next.run(request).await;
    if response.status() != StatusCode::OK {
        return response;
    }
    let end = End {
        show: Arc::clone(&show),
        nth,
    };
    response.map(|body| directed(body, show, path, end))
}

/// The body of the nth visit, in which happens what is to happen there.
fn directed(body: Body, show: Arc<Show>, path: String, end: End) -> Body {
    let mut written = Vec::new();
    watched(body, move |chunk: &Bytes| {
        let before = written.len();
        written.extend_from_slice(chunk);
        match (&*path, end.nth) {
            ("/script", 0) => {
                if let Some(at) = find(&written, CUT) {
                    return Verdict::Cut(at + CUT.len() - before);
                }
            }
            ("/script", 2) => {
                let beats = |of: &[u8]| String::from_utf8_lossy(of).matches(ALIVE).count();
                if beats(&written[..before]) < 2 && beats(&written) >= 2 {
                    show.publish(SCRIPT, FINALE, "all of it");
                }
            }
            ("/quiet", 0) => {
                // What has come by now is the opening, with the position if it is sent at all.
                let opening = match show.audience {
                    For::Everybody => "\n\n",
                    For::BlankLinesAreEvents => ALIVE,
                };
                if find(&written, opening).is_some() {
                    show.publish(QUIET, "missed", "while the client was away");
                    return Verdict::Cut(chunk.len());
                }
            }
            _ => {}
        }
        Verdict::GoOn
    })
}

fn find(bytes: &[u8], text: &str) -> Option<usize> {
    bytes
        .windows(text.len())
        .position(|window| window == text.as_bytes())
}

/// Notes when a stream is over.
struct End {
    show: Arc<Show>,
    nth: usize,
}

impl Drop for End {
    fn drop(&mut self) {
        self.show.visits.lock().unwrap()[self.nth].over = Some(Instant::now());
    }
}

//! How the server answers.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, stream};
use http::{HeaderMap, Method, Request, Response, StatusCode, Version};
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::Incoming;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, sleep, timeout};

use super::Flaw;
use super::streams::{Slot, Streams};

pub(crate) const ORIGIN: &str = "https://app.example";
pub(crate) const LIMIT: usize = 8;
pub(crate) const RETRY: Duration = Duration::from_secs(3);

const HEARTBEAT: Duration = Duration::from_millis(100);
const LATE: Duration = Duration::from_millis(500);
const BREAKS_OFF: Duration = Duration::from_millis(700);
const BETWEEN_LINES: Duration = Duration::from_millis(200);

pub(super) type Answer = Response<UnsyncBoxBody<Bytes, std::io::Error>>;

pub(super) async fn answer(request: Request<Incoming>, streams: Arc<Streams>) -> Answer {
    let path = request.uri().path();
    let accept = request.headers().get("accept");
    let for_stream = accept.is_some_and(|it| it == "text/event-stream");
    if for_stream != matches!(path, "/events" | "/stopped") && request.method() != Method::OPTIONS {
        return plain(StatusCode::NOT_ACCEPTABLE, "");
    }
    match (request.method(), path) {
        (&Method::GET | &Method::POST | &Method::HEAD, "/events") => events(request, streams).await,
        (&Method::OPTIONS, "/events") => preflight(&request, streams.flaw),
        (&Method::POST, "/publish") => {
            let data = request.into_body().collect().await.unwrap().to_bytes();
            streams.publish(std::str::from_utf8(&data).unwrap());
            plain(StatusCode::NO_CONTENT, "")
        }
        (&Method::GET, "/stats") => {
            let told = streams.told.load(Ordering::SeqCst);
            plain(
                StatusCode::OK,
                format!(r#"{{"streams": {{"open": {told}}}}}"#),
            )
        }
        (&Method::GET, "/stopped") if streams.flaw == Flaw::NeverStops => {
            plain(StatusCode::OK, "retry: 3000\n")
        }
        (&Method::GET, "/stopped") => plain(StatusCode::NO_CONTENT, ""),
        _ => plain(StatusCode::NOT_FOUND, ""),
    }
}

fn plain(status: StatusCode, text: impl Into<Bytes>) -> Answer {
    let body = Full::new(text.into()).map_err(|never| match never {});
    let mut response = Response::new(body.boxed_unsync());
    *response.status_mut() = status;
    response
}

async fn events(request: Request<Incoming>, streams: Arc<Streams>) -> Answer {
    let flaw = streams.flaw;
    if flaw == Flaw::LateHead {
        sleep(LATE).await;
    }
    let id = request.headers().get("last-event-id");
    let id = id.map(|id| id.as_bytes().to_vec()).unwrap_or_default();
    let is_no_text = std::str::from_utf8(&id).is_err();
    if flaw == Flaw::RefusesIds && is_no_text {
        return plain(StatusCode::BAD_REQUEST, "");
    }
    if request.method() == Method::HEAD {
        if flaw == Flaw::HeadFails {
            return plain(StatusCode::INTERNAL_SERVER_ERROR, "");
        }
        let mut response = plain(StatusCode::OK, "");
        headers(&request, flaw, response.headers_mut());
        return response;
    }
    let limit = if flaw == Flaw::NoLimit {
        usize::MAX
    } else {
        LIMIT
    };
    let Some(slot) = streams.slot(limit) else {
        let mut response = match flaw {
            Flaw::RetryLater => plain(StatusCode::OK, "retry: 3000\n"),
            Flaw::EndsAtOnce => plain(StatusCode::OK, ":\n"),
            _ => return plain(StatusCode::TOO_MANY_REQUESTS, ""),
        };
        headers(&request, flaw, response.headers_mut());
        return response;
    };
    let coding = coding(&request, flaw);
    let body = match coding {
        Some((_, bytes)) => {
            let head = Frame::data(Bytes::from_static(bytes));
            let rest = stream::once(std::future::pending());
            let body = stream::once(async move {
                if flaw == Flaw::LateBrotli {
                    sleep(LATE).await;
                }
                Ok(head)
            });
            StreamBody::new(futures_util::StreamExt::chain(body, rest)).boxed_unsync()
        }
        None if flaw == Flaw::StumblesOverIds && is_no_text => {
            let error = std::io::Error::other("what kind of id is that?");
            StreamBody::new(stream::once(async { Err(error) })).boxed_unsync()
        }
        None => StreamBody::new(body(slot, streams.subscribe(&id), flaw)).boxed_unsync(),
    };
    let mut response = Response::new(body);
    if flaw == Flaw::Created {
        *response.status_mut() = StatusCode::CREATED;
    }
    if let Some((coding, _)) = coding {
        let coding = coding.parse().unwrap();
        response.headers_mut().insert("content-encoding", coding);
    }
    headers(&request, flaw, response.headers_mut());
    response
}

/// A content coding, and what it makes of the first bytes.
fn coding(request: &Request<Incoming>, flaw: Flaw) -> Option<(&'static str, &'static [u8])> {
    let (coding, bytes): (_, &[u8]) = match flaw {
        Flaw::HeldByGzip => ("gzip", b"\x1f\x8b\x08\0\0\0\0\0\0\xff"),
        Flaw::FlushedBrotli | Flaw::LateBrotli => ("br", b"\x0b\x06\x80retry: 3000\n\n\x03"),
        _ => return None,
    };
    let accepted = request.headers().get("accept-encoding")?;
    let accepted = accepted.to_str().unwrap().contains(coding);
    accepted.then_some((coding, bytes))
}

fn headers(request: &Request<Incoming>, flaw: Flaw, headers: &mut HeaderMap) {
    let http2 = request.version() == Version::HTTP_2;
    let content_type = match flaw {
        Flaw::Latin1 => "text/event-stream; charset=iso-8859-1",
        _ => "text/event-stream",
    };
    let cache_control = match flaw {
        Flaw::Cacheable => "public, max-age=60, no-transform",
        Flaw::OtherOverHttp2 if http2 => "public, no-transform",
        _ => "no-cache, no-transform",
    };
    let mut set = |name: &'static str, value: &str| {
        headers.insert(name, value.parse().unwrap());
    };
    set("content-type", content_type);
    set("cache-control", cache_control);
    if flaw != Flaw::Buffered {
        set("x-accel-buffering", "no");
    }
    if flaw == Flaw::Length {
        set("content-length", "100000");
    }
    if flaw == Flaw::StaticOrigin {
        set("access-control-allow-origin", ORIGIN);
        set("access-control-allow-credentials", "true");
        return;
    }
    let origin = request.headers().get("origin");
    if let Some(origin) = origin.map(|it| it.to_str().unwrap()) {
        let known = origin == ORIGIN || flaw == Flaw::AnyOrigin;
        if known && flaw != Flaw::NoOrigin {
            set("access-control-allow-origin", origin);
        }
        if known {
            set("access-control-allow-credentials", "true");
        }
        if flaw == Flaw::WildcardWithCookies {
            set("access-control-allow-origin", "*");
            set("access-control-allow-credentials", "true");
        }
        set("vary", "origin");
    }
}

fn preflight(request: &Request<Incoming>, flaw: Flaw) -> Answer {
    let method = request.headers().get("access-control-request-method");
    let for_get = method.is_some_and(|it| it == "GET");
    if flaw == Flaw::NoPreflight || (flaw == Flaw::PreflightForGet && !for_get) {
        return plain(StatusCode::METHOD_NOT_ALLOWED, "");
    }
    let mut response = plain(StatusCode::NO_CONTENT, "");
    let mut set = |name: &'static str, value: &str| {
        response.headers_mut().insert(name, value.parse().unwrap());
    };
    if request
        .headers()
        .get("origin")
        .is_some_and(|it| it == ORIGIN)
    {
        set("access-control-allow-origin", ORIGIN);
        if flaw != Flaw::PreflightWithoutCookies {
            set("access-control-allow-credentials", "true");
        }
        let allowed = match flaw {
            Flaw::AnyHeader => "*",
            _ => "Last-Event-ID, authorization, content-type",
        };
        set("access-control-allow-headers", allowed);
    }
    response
}

/// The opening, then events, and heartbeats in between.
fn body(
    slot: Slot,
    events: UnboundedReceiver<Bytes>,
    flaw: Flaw,
) -> impl Stream<Item = Result<Frame<Bytes>, std::io::Error>> {
    let started = Instant::now();
    let mut opening: &[u8] = b"retry: 3000\n\n";
    match flaw {
        Flaw::NoRetry => opening = b":\n\n",
        Flaw::NoUtf8 => opening = b"retry: 3000\n: \xff\n\n",
        _ => {}
    }
    let opening = Some(Bytes::from_static(opening));
    let behind = Bytes::new();
    let state = (slot, events, opening, behind);
    stream::unfold(
        state,
        move |(slot, mut events, opening, mut behind)| async move {
            if let Some(opening) = opening {
                return Some((Ok(Frame::data(opening)), (slot, events, None, behind)));
            }
            let bytes = loop {
                if flaw == Flaw::BreaksOff && started.elapsed() > BREAKS_OFF {
                    let error = Err(std::io::Error::other("the source is gone"));
                    return Some((error, (slot, events, None, behind)));
                }
                if flaw == Flaw::LineByLine && !behind.is_empty() {
                    sleep(BETWEEN_LINES).await;
                    break std::mem::take(&mut behind);
                }
                let event = match timeout(HEARTBEAT, events.recv()).await {
                    Ok(event) => event?,
                    Err(_) if flaw == Flaw::NoHeartbeat => continue,
                    Err(_) if flaw == Flaw::Ping => {
                        break Bytes::from_static(b"event: ping\ndata\n\n");
                    }
                    Err(_) => break Bytes::from_static(b":\n"),
                };
                match flaw {
                    Flaw::OneEventBehind => {
                        let before = std::mem::replace(&mut behind, event);
                        if !before.is_empty() {
                            break before;
                        }
                    }
                    Flaw::LineByLine => {
                        let line = event.iter().position(|it| *it == b'\n').unwrap() + 1;
                        behind = event.slice(line..);
                        break event.slice(..line);
                    }
                    Flaw::BlankLineBehind => {
                        let lines = event.slice(..event.len() - 1);
                        let blank = std::mem::replace(&mut behind, Bytes::from_static(b"\n"));
                        break [blank, lines].concat().into();
                    }
                    _ => break event,
                }
            };
            Some((Ok(Frame::data(bytes)), (slot, events, None, behind)))
        },
    )
}

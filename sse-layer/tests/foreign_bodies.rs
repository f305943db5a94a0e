//! Event streams that somebody else writes, guarded by the layer.

#![allow(clippy::unwrap_used, reason = "a test fails where it panics")]

use std::{convert::Infallible, io, time::Duration};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{HeaderMap, Request, Response, header::CONTENT_ENCODING};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, StreamBody};
use sse_layer::{ConnectionLimit, Drain, Event, KeepAlive, OnError, SseLayer};
use sse_testkit::{
    EventStream, get,
    parser::{Item, parse},
};
use tokio::time::sleep;
use tower::{Layer, service_fn};

const PAUSE: Duration = Duration::from_secs(20);

/// Blocks with every kind of line end, comments, a retry, an unknown field and a block without
/// data.
const TEXT: &str = "data: one\r\ndata: more\r\n\r\n:c\nid: 2\ndata: two\n\nretry: 9\n\
                    data: three\r\rid: 4\n\nunknown\nevent: five\r\n: in it\r\ndata\r\n\r\n";

/// A body in these pieces, with a pause behind each but the last.
fn pieces<I>(pieces: I) -> impl Body<Data = Bytes, Error = Infallible> + Send
where
    I: IntoIterator<Item = Bytes>,
    I::IntoIter: Send + 'static,
{
    let pieces = stream::iter(pieces.into_iter().enumerate());
    StreamBody::new(pieces.then(async |(index, piece)| {
        if index > 0 {
            sleep(PAUSE).await;
        }
        Ok(Frame::data(piece))
    }))
}

async fn guarded<B>(
    layer: &SseLayer,
    headers: &[(&'static str, &'static str)],
    body: B,
) -> EventStream
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<sse_layer::BoxError>,
{
    let mut response = Response::builder().header("content-type", "text/event-stream");
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    let mut response = Some(response.body(body).unwrap());
    let service = layer.layer(service_fn(move |_: Request<sse_testkit::Body>| {
        let response = response.take().unwrap();
        async { Ok::<_, Infallible>(response) }
    }));
    // Byte by byte takes an hour.
    get(service, "/")
        .timeout(Duration::from_secs(100_000))
        .await
}

/// Event name, data and last id of each event that a parser sees.
fn events(bytes: &[u8]) -> Vec<(String, String, String)> {
    let items = parse(bytes).unwrap().into_iter();
    items
        .filter_map(|item| match item {
            Item::Event(event) => Some((event.event, event.data, event.last_event_id)),
            _ => None,
        })
        .collect()
}

#[tokio::test]
async fn a_heartbeat_never_splits_a_block_wherever_the_body_pauses() {
    let whole = events(TEXT.as_bytes());
    assert_eq!(whole.len(), 4, "{whole:?}");
    let mut heartbeats = 0;
    for layer in [
        SseLayer::new().keep_alive(KeepAlive::new().text("beat")),
        SseLayer::new().keep_alive(KeepAlive::new().text("beat").bare_line()),
    ] {
        for at in 0..=TEXT.len() {
            let (head, tail) = TEXT.as_bytes().split_at(at);
            let body = pieces([head, tail].map(Bytes::from_static));
            let mut sse = guarded(&layer, &[], body).await;
            sse.collect_to_end().await;
            assert_eq!(
                events(sse.raw()),
                whole,
                "split at {at}: {}",
                sse.transcript()
            );
            heartbeats += usize::from(String::from_utf8_lossy(sse.raw()).contains(": beat\n"));
        }
    }
    // Between two lines and between two blocks there is a place for one.
    assert!(heartbeats > 30, "{heartbeats}");
}

#[tokio::test]
async fn a_heartbeat_that_is_an_event_comes_only_between_blocks() {
    let beat = Event::text("beat").event("beat");
    let layer = SseLayer::new().keep_alive(KeepAlive::new().event(beat));
    for at in 0..=TEXT.len() {
        let (head, tail) = TEXT.as_bytes().split_at(at);
        let body = pieces([head, tail].map(Bytes::from_static));
        let mut sse = guarded(&layer, &[], body).await;
        sse.collect_to_end().await;
        let mut seen = events(sse.raw());
        seen.retain(|(name, ..)| name != "beat");
        assert_eq!(seen, events(TEXT.as_bytes()), "split at {at}");
    }
}

#[tokio::test]
async fn a_body_that_comes_byte_by_byte_arrives_as_it_was_sent() {
    let bytes = TEXT.bytes().map(|byte| Bytes::from(vec![byte]));
    let mut sse = guarded(&SseLayer::new(), &[], pieces(bytes.collect::<Vec<_>>())).await;
    sse.collect_to_end().await;
    assert_eq!(events(sse.raw()), events(TEXT.as_bytes()));
}

#[tokio::test]
async fn pieces_stay_pieces() {
    let body = stream::iter([&b"data: 1\n\n"[..], b"data: 2\n\n"].map(Bytes::from_static));
    let body = StreamBody::new(body.map(|bytes| Ok::<_, Infallible>(Frame::data(bytes))));
    let mut sse = guarded(&SseLayer::new(), &[], body).await;
    sse.collect_to_end().await;
    let chunks: Vec<_> = sse.chunks().iter().map(|chunk| &chunk.bytes[..]).collect();
    assert_eq!(chunks, [&b":\n\ndata: 1\n\n"[..], b"data: 2\n\n"]);
}

#[tokio::test]
async fn a_byte_order_mark_behind_our_first_bytes_costs_no_event() {
    let body = pieces([Bytes::from_static(b"\xef\xbb\xbfdata: one\n\n")]);
    let mut sse = guarded(&SseLayer::new(), &[], body).await;
    sse.expect_message().text("one").await;
}

#[tokio::test]
async fn a_compressed_body_is_limited_and_drained_but_nothing_is_put_into_it() {
    let limit = ConnectionLimit::new(1);
    let drain = Drain::new().farewell(Event::text("bye"));
    let layer = SseLayer::new()
        .limit(limit.clone())
        .drain(drain.clone())
        .retry(PAUSE);
    let body = pieces([&b"\x1f\x8b\x08"[..], b"\x01\x02\n\n"].map(Bytes::from_static));
    let mut sse = guarded(&layer, &[(CONTENT_ENCODING.as_str(), "gzip")], body).await;
    assert_eq!((limit.current(), drain.open()), (1, 1));
    sse.collect_to_end().await;
    assert_eq!(sse.raw(), b"\x1f\x8b\x08\x01\x02\n\n");
    assert_eq!((limit.current(), drain.open()), (0, 0));

    // However much its last bytes look like the end of a block.
    for begin_drain in [true, false] {
        let compressed = stream::iter([Ok(Frame::data(Bytes::from_static(b"\x1f\x8b\n\n")))]);
        let failure = stream::once(async {
            sleep(PAUSE).await;
            Err(io::Error::other("gone"))
        });
        let drain = Drain::new()
            .window(Duration::ZERO)
            .farewell(Event::text("bye"));
        let policy = OnError::event(|_| Event::text("failed"));
        let layer = SseLayer::new().drain(drain.clone()).on_error(policy);
        let body = StreamBody::new(compressed.chain(failure));
        let mut sse = guarded(&layer, &[(CONTENT_ENCODING.as_str(), "gzip")], body).await;
        if begin_drain {
            drain.begin();
        }
        sse.collect_for(2 * PAUSE).await;
        assert_eq!(sse.raw(), b"\x1f\x8b\n\n");
    }
}

#[tokio::test]
async fn any_success_that_is_an_event_stream_is_guarded() {
    let limit = ConnectionLimit::new(1);
    let service = SseLayer::new().limit(limit.clone()).layer(service_fn(
        async |_: Request<sse_testkit::Body>| {
            let response = Response::builder().status(201);
            let response = response.header("content-type", "text/event-stream");
            response.body(StreamBody::new(stream::pending::<
                Result<Frame<Bytes>, Infallible>,
            >()))
        },
    ));
    let mut sse = get(service, "/").await;
    sse.expect_status(201)
        .expect_header("x-accel-buffering", "no");
    sse.expect_heartbeat().await;
    assert_eq!(limit.current(), 1);
}

#[tokio::test]
async fn what_its_handler_said_of_the_head_stays_but_for_a_length() {
    let headers = [
        ("cache-control", "no-store"),
        ("x-accel-buffering", "yes"),
        ("content-length", "9"),
        ("x-own", "kept"),
    ];
    let body = pieces([Bytes::from_static(b"data: 1\n\n")]);
    let sse = guarded(&SseLayer::new(), &headers, body).await;
    sse.expect_header("cache-control", "no-store")
        .expect_header("x-accel-buffering", "yes")
        .expect_header("x-own", "kept")
        .expect_no_header("content-length");
}

#[tokio::test]
async fn trailers_come_through_behind_the_last_event() {
    let mut trailers = HeaderMap::new();
    trailers.insert("x-checksum", "5".parse().unwrap());
    let sent = trailers.clone();
    let service = SseLayer::new().layer(service_fn(async |_: Request<()>| {
        let data = Frame::data(Bytes::from_static(b"data: 1\n\n"));
        let frames = [data, Frame::trailers(sent.clone())];
        let frames = stream::iter(frames.map(Ok::<_, Infallible>));
        let response = Response::builder().header("content-type", "text/event-stream");
        response.body(StreamBody::new(frames))
    }));
    let response = tower::ServiceExt::oneshot(service, Request::new(()))
        .await
        .unwrap();
    let collected = response.into_body().collect().await.unwrap();
    assert_eq!(collected.trailers(), Some(&trailers));
    assert_eq!(collected.to_bytes(), ":\n\ndata: 1\n\n");
}

#[tokio::test]
async fn a_stream_that_has_to_end_may_finish_its_block_but_not_wait_for_it_forever() {
    let farewell = || {
        Drain::new()
            .window(Duration::ZERO)
            .farewell(Event::text("bye"))
    };
    let half = || stream::iter([Ok(Frame::data(Bytes::from_static(b"data: half")))]);

    let rest = stream::once(async {
        sleep(Duration::from_millis(600)).await;
        Ok::<_, Infallible>(Frame::data(Bytes::from_static(b" and half\n\n")))
    });
    let drain = farewell();
    let body = StreamBody::new(half().chain(rest).chain(stream::pending()));
    let mut sse = guarded(&SseLayer::new().drain(drain.clone()), &[], body).await;
    sse.expect_opening().await;
    drain.begin();
    sse.expect_message().text("half and half").await;
    sse.expect_message().text("bye").await;
    sse.expect_end().await;

    let drain = farewell();
    let body = StreamBody::new(half().chain(stream::pending()));
    let mut sse = guarded(&SseLayer::new().drain(drain.clone()), &[], body).await;
    sse.expect_opening().await;
    drain.begin();
    assert!(sse.collect_for(PAUSE).await.is_empty());
    let transcript = sse.transcript().to_string();
    assert!(
        transcript.contains("+1s      end inside a block"),
        "{transcript}"
    );
    assert_eq!(drain.finished().await, Ok(()));
}

#[tokio::test]
async fn an_error_event_does_not_become_part_of_a_block_that_broke_off() {
    let half = stream::iter([
        Ok(Frame::data(Bytes::from_static(b"data: half\n"))),
        Err(io::Error::other("gone")),
    ]);
    let layer = SseLayer::new().on_error(OnError::event(|_| Event::text("failed")));
    let mut sse = guarded(&layer, &[], StreamBody::new(half)).await;
    assert!(sse.collect_for(PAUSE).await.is_empty());
    assert_eq!(sse.raw(), b":\n\ndata: half\n");
}

#[tokio::test]
async fn a_drains_deadline_does_not_wait_for_a_block() {
    let drain = Drain::new()
        .window(Duration::ZERO)
        .deadline(Duration::from_millis(300));
    let half = stream::iter([Ok::<_, Infallible>(Frame::data(Bytes::from_static(
        b"data: half",
    )))]);
    let body = StreamBody::new(half.chain(stream::pending()));
    let mut sse = guarded(&SseLayer::new().drain(drain.clone()), &[], body).await;
    sse.expect_opening().await;
    drain.begin();
    let (_, finished) = tokio::join!(sse.collect_for(PAUSE), drain.finished());
    assert_eq!(finished, Ok(()));
    let transcript = sse.transcript().to_string();
    assert!(
        transcript.contains("+300ms   end inside a block"),
        "{transcript}"
    );
}

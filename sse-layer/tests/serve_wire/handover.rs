//! The moment at which a connection goes from hyper to the stream's writer: no byte lost, none
//! doubled, none out of turn.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt as _;
use sse_layer::serve::Incoming;

use super::{
    Script, Step, app, body::Seen, event_stream, get, page, replies, settle, start, wire::Pace,
};

fn paces() -> impl Iterator<Item = Pace> {
    let mut paces = Vec::new();
    for at_once in [1, 2, 7, usize::MAX] {
        for piece in [1, 5, usize::MAX] {
            for flags in 0..8 {
                paces.push(Pace {
                    at_once,
                    piece,
                    pauses: flags & 1 != 0,
                    is_vectored: flags & 2 != 0,
                    keeps: flags & 4 != 0,
                });
            }
        }
    }
    paces.into_iter()
}

/// A frame of each kind that is written in a way of its own, and what they come to.
fn frames() -> (Vec<Step>, Vec<u8>) {
    let large: Bytes = (0..3000_u32).map(|n| b'a' + (n % 23) as u8).collect();
    let pieces = [
        Some("one "),
        Some("two "),
        None,
        Some(""),
        Some("three "),
        None,
    ];
    let mut all = Vec::new();
    let mut steps = Vec::new();
    for piece in pieces {
        steps.push(piece.map_or(Step::Later, Step::text));
        all.extend_from_slice(piece.unwrap_or_default().as_bytes());
    }
    for _ in 0..2 {
        steps.push(Step::Data(large.clone()));
        all.extend_from_slice(&large);
    }
    steps.push(Step::text("last"));
    all.extend_from_slice(b"last");
    (steps, all)
}

/// What stands before the stream on its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Before {
    Nothing,
    Page,
    /// A page that answers an upload which is at its end only later. hyper reads no request before
    /// the response to the last one is flushed, but for this one: here the head of the stream's
    /// response gets into a buffer that still has the page.
    PageOfUpload,
}

/// Asks for a stream and for a page behind it, with everything blocked until the server has
/// answered what it can, or not.
async fn exchange(pace: Pace, before: Before, is_blocked: bool) {
    let case = format!("{pace:?}, before: {before:?}, blocked: {is_blocked}");
    // On a vectored IO hyper puts a head behind a head, but behind no body.
    let length = if before == Before::PageOfUpload && pace.is_vectored {
        0
    } else {
        3000
    };
    let (seen, streams) = (Seen::default(), Arc::new(AtomicUsize::new(0)));
    let (seen_inside, counted) = (seen.clone(), Arc::clone(&streams));
    let connector = start(tower::service_fn(move |request: Request<Incoming>| {
        let response = match request.uri().path() {
            "/stream" => {
                counted.fetch_add(1, Relaxed);
                event_stream(Script::new(frames().0).seen_by(&seen_inside))
            }
            "/before" => page("b".repeat(length)),
            _ => page("after"),
        };
        tokio::spawn(request.into_body().collect());
        async { Ok::<_, std::convert::Infallible>(response) }
    }));
    let client = connector.connect(pace);
    if is_blocked {
        client.take_only(0);
    }
    match before {
        Before::Nothing => {}
        Before::Page => client.send(get("/before")),
        Before::PageOfUpload => {
            client.send("POST /before HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\n");
            settle().await;
            client.send("abc");
        }
    }
    client.send(get("/stream") + &get("/after"));
    settle().await;
    if is_blocked {
        if before != Before::Page {
            assert_eq!(streams.load(Relaxed), 1, "not answered yet: {case}");
        }
        assert_eq!(client.received(), b"", "{case}");
        assert_eq!(
            seen.polls(),
            0,
            "a body goes nowhere before its head: {case}"
        );
        // A part of what stands before the body, and nothing for a while.
        client.take_only(20);
        settle().await;
        assert_eq!(seen.polls(), 0, "half a head is none: {case}");
        client.take_all();
        settle().await;
    }
    let received = client.received();
    let mut replies = replies(&received, &["GET"; 3]).into_iter();
    if before != Before::Nothing {
        let before = replies.next().unwrap();
        assert!(before.is_whole, "{case}: {before:?}");
        assert_eq!(before.text(), "b".repeat(length), "{case}");
    }
    let stream = replies.next().unwrap();
    let content_type = "content-type: text/event-stream";
    assert!(stream.head.contains(content_type), "{case}: {stream:?}");
    assert!(stream.is_whole, "{case}: {stream:?}");
    assert!(stream.body == frames().1, "{case}: {stream:?}");
    // Written by the writer: hyper would have put each frame into a chunk of its own.
    assert_eq!(stream.chunks.0, [8, 6, 6004], "{case}");
    let after = replies.next().unwrap();
    assert!(after.is_whole, "{case}: {after:?}");
    assert_eq!(after.text(), "after", "{case}");
    assert_eq!(replies.next(), None, "{case}");
    assert_eq!(seen.drops(), 1, "{case}");
    assert!(!client.is_gone(), "{case}");
}

#[tokio::test(start_paused = true)]
async fn head_and_body_arrive_at_any_pace() {
    for pace in paces() {
        exchange(pace, Before::Nothing, false).await;
    }
}

#[tokio::test(start_paused = true)]
async fn head_and_body_arrive_behind_a_page_at_any_pace() {
    for pace in paces() {
        exchange(pace, Before::Page, false).await;
        exchange(pace, Before::PageOfUpload, false).await;
    }
}

#[tokio::test(start_paused = true)]
async fn head_and_body_arrive_at_any_pace_when_the_head_is_blocked() {
    for pace in paces() {
        exchange(pace, Before::Nothing, true).await;
    }
}

#[tokio::test(start_paused = true)]
async fn head_and_body_arrive_at_any_pace_when_a_page_before_is_blocked() {
    for pace in paces() {
        exchange(pace, Before::Page, true).await;
    }
}

#[tokio::test(start_paused = true)]
async fn head_and_body_arrive_behind_a_page_that_is_unflushed() {
    for pace in paces() {
        exchange(pace, Before::PageOfUpload, true).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_before_the_head_has_left_takes_the_stream_with_it() {
    for leave in [super::wire::Client::half_close, super::wire::Client::reset] {
        let seen = Seen::default();
        let seen_inside = seen.clone();
        let connector = start(app(move |_| {
            event_stream(Script::new([Step::Never]).seen_by(&seen_inside))
        }));
        let client = connector.connect(Pace::ALL);
        client.take_only(0);
        client.send(get("/"));
        settle().await;
        assert_eq!(seen.drops(), 0);
        leave(&client);
        settle().await;
        assert_eq!((seen.polls(), seen.drops()), (0, 1));
        assert!(client.is_gone());
    }
}

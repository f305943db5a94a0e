//! The moment at which a connection goes from hyper to the stream's writer: no byte lost, none
//! doubled, none out of turn.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

use bytes::Bytes;

use super::{
    Script, Step, app, body::Seen, event_stream, get, page, replies, settle, start, wire::Pace,
};

const PAGE: usize = 3000;

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

/// What the client sends, and how: with a page before the stream or not, and with everything
/// blocked until the server has answered what it can.
async fn exchange(pace: Pace, has_page_before: bool, is_blocked: bool) {
    let case = format!("{pace:?}, page before: {has_page_before}, blocked: {is_blocked}");
    let (seen, calls) = (Seen::default(), Arc::new(AtomicUsize::new(0)));
    let (seen_inside, counted) = (seen.clone(), Arc::clone(&calls));
    let connector = start(app(move |path| {
        counted.fetch_add(1, Relaxed);
        match path {
            "/stream" => event_stream(Script::new(frames().0).seen_by(&seen_inside)),
            "/before" => page("b".repeat(PAGE)),
            _ => page("after"),
        }
    }));
    let client = connector.connect(pace);
    if is_blocked {
        client.take_only(0);
    }
    let mut methods = vec!["GET", "GET"];
    let mut requests = get("/stream") + &get("/after");
    if has_page_before {
        requests.insert_str(0, &get("/before"));
        methods.push("GET");
    }
    client.send(&requests);
    settle().await;
    if is_blocked {
        // The stream is answered while all that stands before it is still hyper's to write.
        assert_eq!(calls.load(Relaxed), methods.len() - 1, "{case}");
        assert_eq!(client.received(), b"", "{case}");
        assert_eq!(
            seen.polls(),
            0,
            "a body goes nowhere before its head: {case}"
        );
        // A part of the head, and nothing for a while.
        client.take_only(20);
        settle().await;
        assert_eq!(seen.polls(), 0, "half a head is none: {case}");
        client.take_all();
        settle().await;
    }
    let received = client.received();
    let mut replies = replies(&received, &methods).into_iter();
    if has_page_before {
        let before = replies.next().unwrap();
        assert!(before.is_whole, "{case}: {before:?}");
        assert_eq!(before.text(), "b".repeat(PAGE), "{case}");
    }
    let stream = replies.next().unwrap();
    assert!(
        stream.head.contains("content-type: text/event-stream"),
        "{case}: {stream:?}"
    );
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
        exchange(pace, false, false).await;
    }
}

#[tokio::test(start_paused = true)]
async fn head_and_body_arrive_behind_a_page_at_any_pace() {
    for pace in paces() {
        exchange(pace, true, false).await;
    }
}

#[tokio::test(start_paused = true)]
async fn head_and_body_arrive_at_any_pace_when_the_head_is_blocked() {
    for pace in paces() {
        exchange(pace, false, true).await;
    }
}

#[tokio::test(start_paused = true)]
async fn head_and_body_arrive_behind_a_page_that_is_unflushed() {
    for pace in paces() {
        exchange(pace, true, true).await;
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

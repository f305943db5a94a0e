//! How a stream's frames become chunks, and how slow their reader may be.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::{body::Body, response::Response};
use bytes::Bytes;
use http_body::Frame;
use tokio::{
    sync::mpsc,
    time::{Instant, sleep},
};

use super::{
    Script, Step, app,
    body::Seen,
    event_stream, get, page, replies, settle, start, start_as,
    wire::{Client, Pace},
};

/// One stream with these steps, and then nothing.
async fn stream_of(steps: fn() -> Vec<Step>, pace: Pace) -> Client {
    let connector = start(app(move |_| event_stream(Script::new(steps()))));
    let client = connector.connect(pace);
    client.send(get("/"));
    settle().await;
    client
}

fn chunks(client: &Client) -> Vec<usize> {
    replies(&client.received(), &["GET"]).remove(0).chunks.0
}

#[tokio::test(start_paused = true)]
async fn frames_that_are_ready_together_are_one_chunk_in_one_write_with_its_end() {
    let client = stream_of(
        || {
            vec![
                Step::text("one"),
                Step::text("two"),
                Step::Later,
                Step::text("three"),
            ]
        },
        Pace::ALL,
    )
    .await;
    assert_eq!(chunks(&client), [6, 5]);
    // The head, and each chunk: the second with the last one.
    let writes = client.writes();
    assert_eq!(
        writes[writes.len() - 2..],
        ["6\r\nonetwo\r\n".len(), "5\r\nthree\r\n0\r\n\r\n".len()]
    );
    assert_eq!(writes.len(), 3);
    assert!(
        client
            .received()
            .ends_with(b"6\r\nonetwo\r\n5\r\nthree\r\n0\r\n\r\n")
    );
}

#[tokio::test(start_paused = true)]
async fn a_chunk_has_so_many_frames_and_no_more() {
    let client = stream_of(
        || {
            (0..40)
                .map(|_| Step::text("x"))
                .chain([Step::Never])
                .collect()
        },
        Pace::ALL,
    )
    .await;
    assert_eq!(chunks(&client), [16, 16, 8]);
}

#[tokio::test(start_paused = true)]
async fn a_chunk_has_so_many_bytes_and_one_frame_more() {
    let client = stream_of(
        || {
            let frame = Bytes::from(vec![b'x'; 40 * 1024]);
            (0..3)
                .map(|_| Step::Data(frame.clone()))
                .chain([Step::Never])
                .collect()
        },
        Pace::ALL,
    )
    .await;
    assert_eq!(chunks(&client), [80 * 1024, 40 * 1024]);
}

#[tokio::test(start_paused = true)]
async fn many_chunks_that_are_ready_at_once_all_arrive() {
    let client = stream_of(
        || (0..1000).map(|n| Step::text(&format!("{n},"))).collect(),
        Pace::ALL,
    )
    .await;
    let reply = replies(&client.received(), &["GET"]).remove(0);
    assert_eq!(
        reply.text(),
        (0..1000).map(|n| format!("{n},")).collect::<String>()
    );
    assert_eq!(reply.chunks.0.len(), 63);
    assert!(reply.is_whole);
}

#[tokio::test(start_paused = true)]
async fn a_chunk_is_whole_whatever_its_length() {
    // Around the length up to which chunks are copied, and where the length has a digit more.
    for length in [
        1, 9, 10, 15, 16, 17, 255, 256, 1010, 1020, 1024, 1025, 4095, 4096, 65536,
    ] {
        for is_vectored in [true, false] {
            for at_once in [usize::MAX, length] {
                let body = "x".repeat(length);
                let connector = start(app(move |_| event_stream(Script::new([Step::text(&body)]))));
                let client = connector.connect(Pace {
                    is_vectored,
                    at_once,
                    ..Pace::ALL
                });
                client.send(get("/"));
                settle().await;
                let reply = replies(&client.received(), &["GET"]).remove(0);
                assert_eq!(reply.chunks.0, [length]);
                assert!(reply.is_whole && reply.body.iter().all(|&byte| byte == b'x'));
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_frame_of_no_bytes_writes_nothing() {
    let (steps, more) = mpsc::unbounded_channel();
    let more = std::sync::Arc::new(std::sync::Mutex::new(Some(more)));
    let connector = start(app(move |_| {
        event_stream(Script::fed(more.lock().unwrap().take().unwrap()))
    }));
    let client = connector.connect(Pace::ALL);
    client.send(get("/"));
    settle().await;
    let (before, writes) = (client.received(), client.writes());
    assert_eq!(replies(&before, &["GET"])[0].status(), "200");
    assert!(before.ends_with(b"\r\n\r\n"));
    steps.send(Step::text("")).unwrap();
    settle().await;
    assert_eq!(client.received(), before);
    assert_eq!(client.writes(), writes, "not even a write of nothing");
    // More of them than a chunk has frames, and one that is not empty.
    for _ in 0..100 {
        steps.send(Step::text("")).unwrap();
    }
    steps.send(Step::text("one")).unwrap();
    settle().await;
    assert_eq!(client.received(), [&before[..], b"3\r\none\r\n"].concat());
    drop(steps);
    settle().await;
    assert_eq!(
        client.received(),
        [&before[..], b"3\r\none\r\n0\r\n\r\n"].concat()
    );
}

#[tokio::test(start_paused = true)]
async fn frames_of_no_bytes_take_no_place_in_a_chunk() {
    let client = stream_of(
        || {
            let empty = (0..20).map(|_| Step::text(""));
            let one = [Step::text("one")].into_iter().chain(empty);
            one.chain([Step::text("two"), Step::Never]).collect()
        },
        Pace::ALL,
    )
    .await;
    assert_eq!(chunks(&client), [6]);
}

/// A body that always has a frame, and never a byte.
struct Empties;

impl http_body::Body for Empties {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(Some(Ok(Frame::data(Bytes::new()))))
    }
}

#[tokio::test]
async fn frames_of_no_bytes_without_end_keep_nobody_from_being_served() {
    let connector = start(app(|path| match path {
        "/empties" => Response::builder()
            .header("content-type", "text/event-stream")
            .body(Body::new(Empties))
            .unwrap(),
        _ => page("page"),
    }));
    let client = connector.connect(Pace::ALL);
    client.send(get("/empties"));
    let other = connector.connect(Pace::ALL);
    other.send(get("/page"));
    for _ in 0..100_000 {
        tokio::task::yield_now().await;
        if !other.received().is_empty() {
            break;
        }
    }
    assert_eq!(replies(&other.received(), &["GET"])[0].text(), "page");
    assert!(!client.is_gone());
}

#[tokio::test(start_paused = true)]
async fn a_large_shared_frame_arrives_whole_when_every_write_is_partial() {
    let shared: Bytes = (0..100 * 1024_u32).map(|n| b'a' + (n % 23) as u8).collect();
    for at_once in [1, 2, 7, 1000, 99_999] {
        for is_vectored in [true, false] {
            for pauses in [true, false] {
                let frame = shared.clone();
                let connector = start(app(move |_| {
                    event_stream(Script::new([
                        Step::text("before"),
                        Step::Data(frame.clone()),
                        Step::text("behind"),
                        Step::Later,
                        Step::text("end"),
                    ]))
                }));
                let client = connector.connect(Pace {
                    at_once,
                    is_vectored,
                    pauses,
                    ..Pace::ALL
                });
                client.send(get("/"));
                settle().await;
                let reply = replies(&client.received(), &["GET"]).remove(0);
                assert!(reply.is_whole);
                assert_eq!(reply.chunks.0, [6 + shared.len(), 6, 3]);
                assert!(reply.body == [b"before", &shared[..], b"behindend"].concat());
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_is_flushed_when_nothing_comes_behind_it() {
    for at_once in [1, 7, usize::MAX] {
        for pauses in [true, false] {
            let (steps, more) = mpsc::unbounded_channel();
            let more = std::sync::Arc::new(std::sync::Mutex::new(Some(more)));
            let connector = start(app(move |_| {
                event_stream(Script::fed(more.lock().unwrap().take().unwrap()))
            }));
            let client = connector.connect(Pace {
                at_once,
                pauses,
                keeps: true,
                ..Pace::ALL
            });
            client.send(get("/"));
            for so_far in ["", "event", "eventevent"] {
                settle().await;
                let reply = replies(&client.received(), &["GET"]).remove(0);
                assert_eq!(reply.text(), so_far);
                steps.send(Step::text("event")).unwrap();
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_large_shared_frame_is_written_from_where_it_is() {
    let shared = Bytes::from(vec![b'x'; 100 * 1024]);
    let frame = shared.clone();
    let connector = start(app(move |_| {
        event_stream(Script::new([Step::Data(frame.clone()), Step::Never]))
    }));
    let client = connector.connect(Pace {
        at_once: 70_000,
        ..Pace::ALL
    });
    client.send(get("/"));
    settle().await;
    assert!(client.saw_slice(shared.as_ptr()), "at first");
    let written: usize = client.writes()[1];
    assert_eq!(written, 70_000);
    let rest = &shared[70_000 - "19000\r\n".len()..];
    assert!(client.saw_slice(rest.as_ptr()), "and what was left of it");
}

const LIMIT: Duration = Duration::from_secs(10);

/// A client that takes nothing of a stream's 100 KiB but the head and a little more.
async fn stalled(then: fn() -> Step) -> (Client, Seen, Instant) {
    let seen = Seen::default();
    let seen_inside = seen.clone();
    let service = app(move |_| {
        let steps = [Step::Data(vec![b'x'; 100 * 1024].into()), then()];
        event_stream(Script::new(steps).seen_by(&seen_inside))
    });
    let connector = start_as(service, |serve| serve.write_timeout(LIMIT));
    let client = connector.connect(Pace::ALL);
    client.take_only(1000);
    client.send(get("/"));
    let begun = Instant::now();
    settle().await;
    assert_eq!(client.received().len(), 1000);
    (client, seen, begun)
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_goes_on_in_time_loses_nothing() {
    let (client, seen, begun) = stalled(|| Step::text("end")).await;
    tokio::time::sleep_until(begun + LIMIT - Duration::from_millis(10)).await;
    assert_eq!(seen.drops(), 0);
    client.take_all();
    settle().await;
    let reply = replies(&client.received(), &["GET"]).remove(0);
    assert!(reply.is_whole);
    assert_eq!(reply.body.len(), 100 * 1024 + 3);
    assert!(reply.body.ends_with(b"xend"));
    assert!(!client.is_gone());
}

#[tokio::test(start_paused = true)]
async fn each_write_has_its_own_time() {
    let (steps, more) = mpsc::unbounded_channel();
    let more = std::sync::Arc::new(std::sync::Mutex::new(Some(more)));
    let service = app(move |_| event_stream(Script::fed(more.lock().unwrap().take().unwrap())));
    let connector = start_as(service, |serve| serve.write_timeout(LIMIT));
    let client = connector.connect(Pace::ALL);
    client.send(get("/"));
    settle().await;
    for _ in 0..5 {
        client.take_only(1);
        steps.send(Step::text("event")).unwrap();
        sleep(LIMIT * 9 / 10).await;
        client.take_all();
        // Idle for longer than any write may take.
        sleep(LIMIT * 3).await;
    }
    drop(steps);
    settle().await;
    let reply = replies(&client.received(), &["GET"]).remove(0);
    assert!(reply.is_whole);
    assert_eq!(reply.text(), "event".repeat(5));
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_does_not_go_on_is_cut_off_when_its_time_is_over() {
    let (client, seen, begun) = stalled(|| Step::Never).await;
    tokio::time::sleep_until(begun + LIMIT - Duration::from_millis(10)).await;
    assert_eq!(seen.drops(), 0);
    assert!(!client.is_gone());
    tokio::time::sleep_until(begun + LIMIT + Duration::from_millis(10)).await;
    assert_eq!(seen.drops(), 1);
    assert!(client.is_gone());
    assert_eq!(client.received().len(), 1000);
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_takes_a_byte_now_and_then_is_cut_off_too() {
    let (client, seen, begun) = stalled(|| Step::Never).await;
    for _ in 0..9 {
        client.take_only(1);
        sleep(LIMIT / 10).await;
    }
    assert_eq!(seen.drops(), 0);
    tokio::time::sleep_until(begun + LIMIT + Duration::from_millis(10)).await;
    assert_eq!(seen.drops(), 1);
    assert!(client.is_gone());
}

/// hyper has no time for what it writes.
#[tokio::test(start_paused = true)]
async fn a_reader_of_a_page_or_of_a_streams_head_that_takes_nothing_is_cut_off_too() {
    for path in ["/page", "/stream"] {
        let service = app(|path| match path {
            "/stream" => event_stream(Script::new([Step::Never])),
            _ => page("x".repeat(100_000)),
        });
        let connector = start_as(service, |serve| serve.write_timeout(LIMIT));
        let client = connector.connect(Pace::ALL);
        client.take_only(10);
        client.send(get(path));
        sleep(LIMIT - Duration::from_millis(10)).await;
        assert!(!client.is_gone(), "{path}");
        // It takes a little, and has its time again.
        client.take_only(10);
        sleep(LIMIT - Duration::from_millis(10)).await;
        assert!(!client.is_gone(), "{path}");
        sleep(LIMIT).await;
        assert!(client.is_gone(), "{path}");
        assert_eq!(client.received().len(), 20, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn times_without_end_are_none() {
    let service = app(|_| event_stream(Script::new([Step::text("one"), Step::Never])));
    let connector = start_as(service, |serve| {
        serve
            .write_timeout(Duration::MAX)
            .header_read_timeout(Duration::MAX)
    });
    let client = connector.connect(Pace::ALL);
    sleep(Duration::from_secs(100_000)).await;
    client.take_only(10);
    client.send(get("/"));
    sleep(Duration::from_secs(100_000)).await;
    client.take_all();
    settle().await;
    assert_eq!(chunks(&client), [3]);
}

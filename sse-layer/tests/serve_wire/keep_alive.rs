//! What comes behind a stream on its connection.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use sse_layer::Drain;

use super::{
    Reply, Script, Step, app,
    body::Seen,
    event_stream, get, page, replies, settle, start, start_as,
    wire::{Client, Pace},
};

fn texts(replies: &[Reply]) -> Vec<&str> {
    replies
        .iter()
        .inspect(|reply| assert!(reply.is_whole, "{reply:?}"))
        .map(Reply::text)
        .collect()
}

fn finite() -> Script {
    Script::new([
        Step::text("one"),
        Step::text("two"),
        Step::Later,
        Step::text("three"),
    ])
}

#[tokio::test(start_paused = true)]
async fn a_page_a_stream_and_a_page_on_one_connection() {
    let connector = start(app(|path| match path {
        "/stream" => event_stream(finite()),
        path => page(path.to_owned()),
    }));
    let client = connector.connect(Pace::ALL);
    let paths = ["/a", "/stream", "/b", "/stream", "/stream", "/c"];
    for path in paths {
        client.send(get(path));
        settle().await;
        // Longer than an answer takes, and shorter than a client may be silent.
        tokio::time::sleep(Duration::from_secs(20)).await;
    }
    let received = client.received();
    let replies = replies(&received, &["GET"; 6]);
    assert_eq!(
        texts(&replies),
        [
            "/a",
            "onetwothree",
            "/b",
            "onetwothree",
            "onetwothree",
            "/c"
        ]
    );
    for taken in [1, 3, 4] {
        assert_eq!(replies[taken].chunks.0, [6, 5], "not by hyper");
    }
    assert!(!client.is_gone());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_is_silent_behind_a_stream_has_as_long_as_behind_a_page() {
    for path in ["/stream", "/page"] {
        let service = app(|path| match path {
            "/stream" => event_stream(finite()),
            _ => page("page"),
        });
        let connector = start_as(service, |serve| {
            serve.header_read_timeout(Duration::from_secs(5))
        });
        let client = connector.connect(Pace::ALL);
        client.send(get(path));
        settle().await;
        tokio::time::sleep(Duration::from_millis(4900)).await;
        assert!(!client.is_gone(), "{path}");
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert!(client.is_gone(), "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn requests_behind_a_stream_that_ends_are_answered_in_their_order() {
    for piece in [1, 7, 100, usize::MAX] {
        for at_once in [1, 7, usize::MAX] {
            for pauses in [true, false] {
                let connector = start(app(|path| match path {
                    "/stream" => event_stream(finite()),
                    path => page(path.to_owned()),
                }));
                let client = connector.connect(Pace {
                    at_once,
                    piece,
                    pauses,
                    ..Pace::ALL
                });
                // More than the first read holds, and more than one stream.
                let requests: String = (0..100)
                    .map(|n| {
                        if n % 10 == 3 {
                            get("/stream")
                        } else {
                            get(&format!("/{n}"))
                        }
                    })
                    .collect();
                client.send(requests);
                settle().await;
                let received = client.received();
                let replies = replies(&received, &["GET"; 100]);
                let expected: Vec<String> = (0..100)
                    .map(|n| {
                        if n % 10 == 3 {
                            "onetwothree".to_owned()
                        } else {
                            format!("/{n}")
                        }
                    })
                    .collect();
                assert_eq!(texts(&replies), expected);
                assert!(!client.is_gone());
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn requests_that_come_while_a_stream_goes_on_are_answered_when_it_ends() {
    let (steps, more) = tokio::sync::mpsc::unbounded_channel();
    let more = Arc::new(std::sync::Mutex::new(Some(more)));
    let connector = start(app(move |path| match path {
        "/stream" => event_stream(Script::fed(more.lock().unwrap().take().unwrap())),
        path => page(path.to_owned()),
    }));
    let client = connector.connect(Pace::ALL);
    // Half a request with the stream's, the rest while it goes on, and another one.
    let (half, rest) = ("GET /half HTTP/1.1\r\nho", "st: x\r\n\r\n");
    client.send(get("/stream") + half);
    settle().await;
    steps.send(Step::text("one")).unwrap();
    settle().await;
    client.send(rest);
    settle().await;
    client.send(get("/other"));
    settle().await;
    steps.send(Step::text("two")).unwrap();
    settle().await;
    let received = client.received();
    assert_eq!(replies(&received, &["GET"])[0].text(), "onetwo");
    drop(steps);
    settle().await;
    let received = client.received();
    assert_eq!(
        texts(&replies(&received, &["GET"; 3])),
        ["onetwo", "/half", "/other"]
    );
}

#[tokio::test(start_paused = true)]
async fn of_what_comes_behind_an_endless_stream_so_much_is_read_and_no_more() {
    const KEPT: usize = 8 * 1024;
    for (piece, sent_before) in [
        (usize::MAX, true),
        (usize::MAX, false),
        (1, true),
        (1, false),
        (513, true),
        (513, false),
    ] {
        let case = format!("pieces of {piece}, at once with the request: {sent_before}");
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&calls);
        let connector = start(app(move |_| {
            counted.fetch_add(1, Relaxed);
            event_stream(Script::new([Step::text("one"), Step::Never]))
        }));
        let client = connector.connect(Pace { piece, ..Pace::ALL });
        let request = get("/");
        let behind = get("/behind").repeat(10_000);
        if sent_before {
            client.send(request.clone() + &behind);
        } else {
            client.send(&request);
            settle().await;
            assert_eq!(client.taken(), request.len());
            client.send(&behind);
        }
        settle().await;
        let kept = client.taken() - request.len();
        // As much as is to be kept, and less than one more read of the writer's or of hyper's.
        assert!((KEPT..KEPT + 1024).contains(&kept), "{case}: {kept}");
        tokio::time::sleep(Duration::from_secs(600)).await;
        assert_eq!(client.taken() - request.len(), kept, "{case}");
        assert_eq!(calls.load(Relaxed), 1, "{case}");
        assert!(!client.is_gone(), "{case}");
        assert_eq!(
            replies(&client.received(), &["GET"])[0].text(),
            "one",
            "{case}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_kept_and_what_had_to_wait_is_answered_when_the_stream_ends() {
    for piece in [1, 513, usize::MAX] {
        let (steps, more) = tokio::sync::mpsc::unbounded_channel();
        let more = Arc::new(std::sync::Mutex::new(Some(more)));
        let connector = start(app(move |path| match path {
            "/stream" => event_stream(Script::fed(more.lock().unwrap().take().unwrap())),
            path => page(path.to_owned()),
        }));
        let client = connector.connect(Pace { piece, ..Pace::ALL });
        client.send(get("/stream"));
        settle().await;
        let behind: String = (0..2000).map(|n| get(&format!("/{n}"))).collect();
        client.send(&behind);
        settle().await;
        drop::<tokio::sync::mpsc::UnboundedSender<Step>>(steps);
        settle().await;
        let received = client.received();
        let replies = replies(&received, &["GET"; 2001]);
        assert_eq!(
            texts(&replies)[1..],
            (0..2000).map(|n| format!("/{n}")).collect::<Vec<_>>()
        );
    }
}

/// What the writer has kept is more than hyper's buffer takes: a part of it is still unread when the
/// next stream is taken over.
#[tokio::test(start_paused = true)]
async fn what_was_kept_behind_a_stream_and_is_unread_behind_the_next_is_answered() {
    let (steps, more) = tokio::sync::mpsc::unbounded_channel();
    let more = Arc::new(std::sync::Mutex::new(Some(more)));
    let connector = start(app(move |path| match path {
        "/fed" => event_stream(Script::fed(more.lock().unwrap().take().unwrap())),
        "/stream" => event_stream(finite()),
        path => page(path.to_owned()),
    }));
    let client = connector.connect(Pace {
        piece: 500,
        ..Pace::ALL
    });
    let first = get("/fed");
    client.send(&first);
    settle().await;
    client.send(get("/stream") + &(0..1000).map(|n| get(&format!("/{n}"))).collect::<String>());
    settle().await;
    assert!(client.taken() - first.len() > 8192, "{}", client.taken());
    drop::<tokio::sync::mpsc::UnboundedSender<Step>>(steps);
    settle().await;
    let received = client.received();
    let replies = replies(&received, &["GET"; 1002]);
    let texts = texts(&replies);
    assert_eq!(texts[..2], ["", "onetwothree"]);
    assert_eq!(
        texts[2..],
        (0..1000).map(|n| format!("/{n}")).collect::<Vec<_>>()
    );
}

/// A stream that fails like this, with a page asked for behind it.
async fn broken(steps: fn() -> Vec<Step>) -> (Client, Seen) {
    let seen = Seen::default();
    let seen_inside = seen.clone();
    let connector = start(app(move |path| match path {
        "/stream" => event_stream(Script::new(steps()).seen_by(&seen_inside)),
        _ => page("page"),
    }));
    let client = connector.connect(Pace::ALL);
    client.send(get("/stream") + &get("/page"));
    settle().await;
    assert!(client.is_gone());
    assert_eq!(seen.drops(), 1);
    // Others don't notice.
    let other = connector.connect(Pace::ALL);
    other.send(get("/page"));
    settle().await;
    assert_eq!(texts(&replies(&other.received(), &["GET"])), ["page"]);
    assert!(!other.is_gone());
    (client, seen)
}

#[tokio::test(start_paused = true)]
async fn a_body_that_fails_ends_its_connection_without_an_end_of_the_body() {
    type Steps = fn() -> Vec<Step>;
    let cases: [(Steps, &str); 4] = [
        (|| vec![Step::Fail], ""),
        (|| vec![Step::Later, Step::Fail], ""),
        (
            || vec![Step::text("one"), Step::text("two"), Step::Fail],
            "onetwo",
        ),
        (
            || {
                vec![
                    Step::text("one"),
                    Step::Later,
                    Step::text("two"),
                    Step::Later,
                    Step::Fail,
                ]
            },
            "onetwo",
        ),
    ];
    for (steps, before) in cases {
        let (client, _) = broken(steps).await;
        let received = client.received();
        let replies = replies(&received, &["GET", "GET"]);
        assert_eq!(replies.len(), 1, "{replies:?}");
        assert_eq!(replies[0].text(), before);
        assert!(!replies[0].is_whole, "{replies:?}");
        assert_eq!(
            replies[0].chunks.0.iter().sum::<usize>(),
            before.len(),
            "whole chunks"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_came_before_a_failure_reaches_a_slow_reader() {
    for at_once in [1, 2, 7] {
        for keeps in [true, false] {
            let connector = start(app(|_| {
                event_stream(Script::new([
                    Step::text("one"),
                    Step::Data(vec![b'x'; 5000].into()),
                    Step::Fail,
                ]))
            }));
            let client = connector.connect(Pace {
                at_once,
                pauses: true,
                keeps,
                ..Pace::ALL
            });
            client.send(get("/"));
            settle().await;
            let reply = replies(&client.received(), &["GET"]).remove(0);
            assert_eq!((reply.chunks.0, reply.is_whole), (vec![5003], false));
            assert!(client.is_gone());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_panics_takes_its_connection_with_it_and_nothing_else() {
    let (client, _) = broken(|| vec![Step::Panic]).await;
    assert!(!replies(&client.received(), &["GET"])[0].is_whole);
    let (client, _) = broken(|| vec![Step::text("one"), Step::Later, Step::Panic]).await;
    let reply = replies(&client.received(), &["GET"]).remove(0);
    assert_eq!((reply.text(), reply.is_whole), ("one", false));
}

#[tokio::test(start_paused = true)]
async fn behind_a_stream_that_ends_while_the_server_drains_its_connection_closes() {
    for take_over in [true, false] {
        let drain = Drain::new();
        let (steps, more) = tokio::sync::mpsc::unbounded_channel();
        let more = Arc::new(std::sync::Mutex::new(Some(more)));
        let service = app(move |path| match path {
            "/stream" => event_stream(Script::fed(more.lock().unwrap().take().unwrap())),
            path => page(path.to_owned()),
        });
        let connector = start_as(service, |serve| {
            serve.drain(drain.clone()).take_over(take_over)
        });
        let client = connector.connect(Pace::ALL);
        client.send(get("/stream") + &get("/behind"));
        settle().await;
        steps.send(Step::text("one")).unwrap();
        settle().await;
        drain.begin();
        settle().await;
        assert!(!client.is_gone());
        steps.send(Step::text("two")).unwrap();
        drop(steps);
        settle().await;
        assert_eq!(texts(&replies(&client.received(), &["GET"])), ["onetwo"]);
        assert!(client.is_shut() && client.is_gone());
    }
}

//! A `Watch` does what a browser's `EventSource` does (HTML 9.2.3), on paused time.
#![allow(clippy::unwrap_used, reason = "also outside of the test functions")]

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody, combinators::UnsyncBoxBody};
use sse_testkit::{Body, Seen};
use tokio::time::{sleep, timeout};

type Answer = Response<UnsyncBoxBody<Bytes, std::io::Error>>;

/// What a body does next.
#[derive(Clone, Copy)]
enum Step {
    Send(&'static [u8]),
    Pause(u64),
    Break,
    StayOpen,
}

use self::Step::{Break, Pause, Send, StayOpen};

fn answer(status: u16, headers: &[(&'static str, &str)], steps: &'static [Step]) -> Answer {
    let frames = stream::iter(steps).filter_map(|step| async {
        match *step {
            Send(bytes) => Some(Ok(Frame::data(bytes.into()))),
            Break => Some(Err(std::io::Error::other("broken"))),
            StayOpen => std::future::pending().await,
            Pause(millis) => {
                sleep(Duration::from_millis(millis)).await;
                None
            }
        }
    });
    let mut response = Response::new(StreamBody::new(frames).boxed_unsync());
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
    for (name, value) in headers {
        response.headers_mut().append(*name, value.parse().unwrap());
    }
    response
}

fn events(steps: &'static [Step]) -> Answer {
    answer(200, &[("content-type", "text/event-stream")], steps)
}

fn redirect(status: u16, location: &str) -> Answer {
    answer(status, &[("location", location)], &[])
}

/// What a server was asked, and what the client saw until it gave up.
struct Story {
    /// When, in milliseconds, the path, and the `Last-Event-ID` if there was one.
    requests: Vec<(u128, String, Option<String>)>,
    events: Vec<String>,
    seen: Vec<String>,
    headers: Vec<http::HeaderMap>,
}

impl Story {
    /// Of these answers, one after the other, and of a 204 when there are no more.
    async fn of(answers: impl IntoIterator<Item = Answer>) -> Self {
        let answers: Arc<Mutex<VecDeque<_>>> = Arc::new(Mutex::new(answers.into_iter().collect()));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let headers = Arc::new(Mutex::new(Vec::new()));
        let started = tokio::time::Instant::now();
        let service = {
            let (requests, headers) = (Arc::clone(&requests), Arc::clone(&headers));
            tower::service_fn(move |request: Request<Body>| {
                let id = request.headers().get("last-event-id");
                let id = id.map(|id| String::from_utf8(id.as_bytes().to_vec()).unwrap());
                let at = started.elapsed().as_millis();
                let path = request.uri().to_string();
                requests.lock().unwrap().push((at, path, id));
                headers.lock().unwrap().push(request.headers().clone());
                let next = answers.lock().unwrap().pop_front();
                let next = next.unwrap_or_else(|| answer(204, &[], &[]));
                async { Ok::<_, Infallible>(next) }
            })
        };
        let mut watch = sse_testkit::get(service, "http://a.test/start")
            .header("authorization", "secret")
            .header("cookie", "secret")
            .watch();
        let (mut events, mut seen) = (Vec::new(), Vec::new());
        let end = async {
            while let Some(sighting) = watch.next().await {
                seen.push(sighting.seen.to_string());
                if let Seen::Frame(sse_testkit::Frame::Event { event, .. }) = sighting.seen {
                    events.push(event.data);
                }
            }
        };
        timeout(Duration::from_secs(86_400), end).await.unwrap();
        Self {
            requests: requests.lock().unwrap().clone(),
            headers: headers.lock().unwrap().clone(),
            events,
            seen,
        }
    }

    fn ids(&self) -> Vec<Option<&str>> {
        self.requests.iter().map(|it| it.2.as_deref()).collect()
    }

    fn times(&self) -> Vec<u128> {
        self.requests.iter().map(|it| it.0).collect()
    }

    fn paths(&self) -> Vec<&str> {
        self.requests.iter().map(|it| &*it.1).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_gone_is_not_asked_again_at_once() {
    let mut answers = vec![events(&[Send(b"retry: 0\n\n")])];
    let service = tower::service_fn(move |_: Request<Body>| {
        let next = answers.pop();
        async { next.ok_or("gone") }
    });
    let mut watch = sse_testkit::get(service, "http://a.test/").watch();
    let mut pauses = Vec::new();
    while pauses.len() < 4 {
        if let Seen::Wait { pause, .. } = watch.next().await.unwrap().seen {
            pauses.push(pause.as_millis());
        }
    }
    assert_eq!(pauses, [0, 1000, 1000, 1000]);
    assert_eq!(watch.elapsed(), Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn the_id_of_the_last_whole_block_is_sent_and_stays() {
    let story = Story::of([
        events(&[Send(b"id: 1\ndata: a\n\nid: 2\ndata: not whole\n")]),
        // An event without an id does not change it.
        events(&[Send(b"data: b\n\n")]),
        // One with a NULL has none.
        events(&[Send(b"id: x\0y\ndata: c\n\n")]),
        // A block without data is enough, and a break is like an end.
        events(&[Send(b"id: \xc3\xa9 7 \n\n"), Break]),
        // An empty one takes it away.
        events(&[Send(b"id\ndata: d\n\n")]),
    ])
    .await;
    let expected = [
        None,
        Some("1"),
        Some("1"),
        Some("1"),
        Some("\u{e9} 7 "),
        None,
    ];
    assert_eq!(story.ids(), expected);
    assert_eq!(story.events, ["a", "b", "c", "d"]);
}

#[tokio::test(start_paused = true)]
async fn the_reconnection_time_is_in_force_as_soon_as_its_line_is_read() {
    let story = Story::of([
        events(&[]),
        events(&[Send(b"retry: 100\n\n")]),
        // What is no number of milliseconds does not count.
        events(&[Send(b"retry: 1e3\n\nretry: -1\n\nretry\n\nretry: 1.5\n\n")]),
        // Blocks that are not whole.
        events(&[Send(b"retry: 200\ndata: lost")]),
        events(&[Send(b"data: lost\nretry: 300\n"), Break]),
        events(&[Send(b"retry: 400\n"), Break]),
        events(&[Send(b"event: x\nretry: 500\n\n")]),
        events(&[Send(b"id: 1\nretry: 600\n\n")]),
        events(&[Send(b"retry: 700\ndata: x\nretry: 800\n\n")]),
    ])
    .await;
    let pauses: Vec<_> = story.times().windows(2).map(|it| it[1] - it[0]).collect();
    assert_eq!(pauses, [3000, 100, 100, 200, 300, 400, 500, 600, 800]);
}

#[tokio::test(start_paused = true)]
async fn bytes_mean_the_same_wherever_chunks_end() {
    let story = Story::of([
        events(&[
            Send(b"\xef"),
            Send(b"\xbb"),
            Pause(5),
            Send(b"\xbfdata: a\r"),
            Pause(5),
        ]),
        events(&[
            Send(b"data: b\r"),
            Pause(5),
            Send(b"\ndata: c\r\n\r"),
            Pause(5),
            Send(b"\n"),
        ]),
        events(&[
            Send(b"data: d\r\rdata: \xf0\x9f"),
            Pause(5),
            Send(b"\x98\x80\n\n"),
        ]),
        events(&[Send(b"data: \xff\xfe\n\n")]),
    ])
    .await;
    assert_eq!(story.events, ["b\nc", "d", "\u{1f600}", "\u{fffd}\u{fffd}"]);
}

#[tokio::test(start_paused = true)]
async fn it_gives_up_on_what_is_no_event_stream() {
    let stream = ("content-type", "text/event-stream");
    let cases: [(u16, &[(&str, &str)]); 9] = [
        (200, &[("content-type", "text/html")]),
        (200, &[]),
        (200, &[("content-type", "text/event-stream-x")]),
        // The last one counts.
        (200, &[stream, ("content-type", "text/plain")]),
        (200, &[("content-type", "text/event-stream, text/plain")]),
        (201, &[stream]),
        (206, &[stream]),
        (503, &[stream]),
        // It leads nowhere.
        (301, &[stream]),
    ];
    for (status, headers) in cases {
        let story = Story::of([answer(status, headers, &[Send(b"data: x\n\n")])]).await;
        assert_eq!(
            story.paths(),
            ["http://a.test/start"],
            "{status} {headers:?}"
        );
        assert_eq!(story.events, [""; 0]);
        let last = story.seen.last().unwrap();
        assert_eq!(last, "refused: a client does not come back");
    }
    for headers in [
        &[("content-type", "TEXT/Event-Stream ; charset=x")][..],
        &[("content-type", "text/plain"), stream],
        &[stream, ("content-type", "*/*")],
    ] {
        let story = Story::of([answer(200, headers, &[Send(b"data: x\n\n")])]).await;
        assert_eq!(story.events, ["x"], "{headers:?}");
        assert_eq!(story.requests.len(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_204_is_the_end() {
    let stream = ("content-type", "text/event-stream");
    let story = Story::of([answer(204, &[stream], &[]), events(&[])]).await;
    assert_eq!(story.requests.len(), 1);
    assert!(story.seen.last().unwrap().starts_with("stopped"));
}

/// Of what is no stream, people want to read a part, and nobody all.
#[tokio::test(start_paused = true)]
async fn what_is_no_event_stream_is_read_for_a_moment() {
    static MUCH: [Step; 200] = [Send(&[b'x'; 1000]); 200];
    let story = Story::of([answer(500, &[], &MUCH)]).await;
    let body = story.seen.iter().find(|it| it.starts_with("body")).unwrap();
    assert!((64_000..70_000).contains(&body.len()), "{}", body.len());

    let started = tokio::time::Instant::now();
    let story = Story::of([answer(500, &[], &[Send(b"why"), StayOpen])]).await;
    assert!(story.seen.contains(&"body | why".to_owned()));
    assert_eq!(started.elapsed(), Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn redirects_are_followed_at_once_and_twenty_in_a_row() {
    let story = Story::of([
        events(&[Send(b"id: 7\nretry: 10\n\n")]),
        redirect(301, "/one"),
        redirect(307, "http://b.test/two"),
        events(&[Send(b"data: there\n\n")]),
    ])
    .await;
    let (start, one, two) = (
        "http://a.test/start",
        "http://a.test/one",
        "http://b.test/two",
    );
    assert_eq!(story.paths(), [start, start, one, two, start]);
    assert_eq!(story.times(), [0, 10, 10, 10, 20]);
    assert_eq!(
        story.ids(),
        [None, Some("7"), Some("7"), Some("7"), Some("7")]
    );
    assert_eq!(story.events, ["there"]);
    // What is secret stays with its origin.
    for secret in ["authorization", "cookie"] {
        let told: Vec<_> = story
            .headers
            .iter()
            .map(|it| it.contains_key(secret))
            .collect();
        assert_eq!(told, [true, true, true, false, true], "{secret}");
    }

    let around = |times| (0..times).map(|_| redirect(302, "/again"));
    let story = Story::of(around(20).chain([events(&[Send(b"data: x\n\n")])])).await;
    assert_eq!(story.events, ["x"]);
    assert_eq!(story.times()[..21], [0; 21]);
    // One more is an error of the network, after which a client comes back.
    let story = Story::of(around(21)).await;
    assert!(
        story
            .seen
            .contains(&"error more than 20 redirects".to_owned())
    );
    assert_eq!(story.requests.len(), 22);
    assert_eq!(story.requests[21].0, 3000);
}

/// A server may think for as long as it likes before it answers.
#[tokio::test(start_paused = true)]
async fn a_response_is_awaited_unless_there_is_a_bound() {
    let request = || {
        let service = tower::service_fn(async |_: Request<Body>| {
            sleep(Duration::from_secs(3600)).await;
            Ok::<_, Infallible>(answer(204, &[], &[]))
        });
        sse_testkit::get(service, "/")
    };
    let mut watch = request().watch();
    let mut bounded = request().timeout(Duration::from_secs(1)).watch();
    for (watch, expected) in [
        (&mut watch, "HTTP 204 No Content"),
        (&mut bounded, "error no response head within 1s"),
    ] {
        assert_eq!(watch.next().await.unwrap().seen.to_string(), "request /");
        assert_eq!(watch.next().await.unwrap().seen.to_string(), expected);
    }
}

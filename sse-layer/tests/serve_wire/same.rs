//! The same requests with and without take-over: the same bytes but for the borders of chunks.

use std::{
    convert::Infallible,
    io,
    pin::Pin,
    task::{Context, Poll},
};

use axum::{
    Router,
    body::Body,
    response::{IntoResponse, sse},
    routing,
};
use bytes::Bytes;
use futures_util::stream;
use http::{Request, Response, Version};
use http_body::Frame;
use http_body_util::BodyExt as _;
use sse_layer::{
    Event, Sse, SseLayer,
    serve::{Incoming, Serve, Served},
};

use super::{
    Reply, Script, Step, event_stream, get, page, replies,
    reply::undated,
    settle, start_as,
    wire::{Listening, Pace},
};

/// What is left of an exchange.
#[derive(Debug)]
struct Outcome {
    received: String,
    replies: Vec<Reply>,
    writes: Vec<usize>,
    is_shut: bool,
    is_gone: bool,
}

/// Sends one part after the other, each when the server has done what it could about the last.
async fn exchange<S>(
    service: S,
    set: impl FnOnce(Serve<Listening, S>) -> Serve<Listening, S>,
    parts: &[impl AsRef<[u8]>],
    methods: &[&str],
) -> Outcome
where
    S: Served<Body = Body>,
{
    let connector = start_as(service, set);
    let client = connector.connect(Pace::ALL);
    for part in parts {
        client.send(part);
        settle().await;
    }
    let received = client.received();
    Outcome {
        replies: replies(&received, methods),
        writes: client.writes(),
        received: undated(&String::from_utf8(received).unwrap()),
        is_shut: client.is_shut(),
        is_gone: client.is_gone(),
    }
}

/// Who writes the streams of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    /// hyper, to the byte and the write.
    Hyper,
    /// Another, with other borders of chunks.
    Writer,
    /// Another, which can't be told from the bytes, but from how they are written.
    WriterAlike,
    /// Another, which can't be told at all.
    WriterUnseen,
}

/// Both outcomes are the same; answers the one with take-over.
async fn same(parts: &[impl AsRef<[u8]>], methods: &[&str], by: By) -> Outcome {
    same_by(tower::service_fn(answer), |serve| serve, parts, methods, by).await
}

async fn same_by<S>(
    service: S,
    set: impl Fn(Serve<Listening, S>) -> Serve<Listening, S>,
    parts: &[impl AsRef<[u8]>],
    methods: &[&str],
    by: By,
) -> Outcome
where
    S: Served<Body = Body>,
{
    let with = exchange(
        service.clone(),
        |serve| set(serve).take_over(true),
        parts,
        methods,
    )
    .await;
    let without = exchange(service, |serve| set(serve).take_over(false), parts, methods).await;
    assert_eq!(with.replies, without.replies);
    assert_eq!(
        (with.is_shut, with.is_gone),
        (without.is_shut, without.is_gone),
        "how the connection ends: {with:?}"
    );
    match by {
        By::Hyper => assert_eq!(
            (&with.received, &with.writes),
            (&without.received, &without.writes)
        ),
        By::Writer => assert_ne!(with.received, without.received, "nothing was taken over"),
        By::WriterUnseen => assert_eq!(with.received, without.received),
        By::WriterAlike => {
            assert_eq!(with.received, without.received);
            assert_ne!(with.writes, without.writes, "nothing was taken over");
        }
    }
    with
}

/// Two frames at once, and another one later.
fn frames() -> Script {
    Script::new([
        Step::text("one"),
        Step::text("two"),
        Step::Later,
        Step::text("three"),
    ])
}

async fn answer(request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    let path = request.uri().path().to_owned();
    let with = |name: &'static str, value: &'static str| {
        let mut response = event_stream(frames());
        response.headers_mut().insert(name, value.parse().unwrap());
        response
    };
    let with_status = |status: u16| {
        let mut response = event_stream(frames());
        *response.status_mut() = status.try_into().unwrap();
        response
    };
    Ok(match &*path {
        "/stream" => event_stream(frames()),
        "/read" => {
            let upload = request.into_body().collect().await.unwrap().to_bytes();
            let steps = [
                Step::Data(upload),
                Step::text("|"),
                Step::Later,
                Step::text("end"),
            ];
            event_stream(Script::new(steps))
        }
        "/read-on" => {
            let mut upload = request.into_body();
            let mut text = String::new();
            while let Some(frame) = upload.frame().await {
                text.push_str(if frame.is_ok() { "data," } else { "error," });
            }
            let steps = [Step::text(&text), Step::text("none")];
            event_stream(Script::new(steps))
        }
        "/echo" => event_stream_of(Body::new(Echo(request.into_body()))),
        "/axum" => {
            let events =
                ["one", "two"].map(|text| Ok::<_, Infallible>(sse::Event::default().data(text)));
            sse::Sse::new(stream::iter(events)).into_response()
        }
        "/ours" => Sse::new(stream::iter(["one", "two"].map(Event::text))).into_response(),
        "/foreign" => with("content-type", "Text/Event-Stream; charset=UTF-8"),
        "/http2" => {
            let mut response = event_stream(frames());
            *response.version_mut() = Version::HTTP_2;
            response
        }
        "/length" => with("content-length", "11"),
        "/encoded" => with("transfer-encoding", "chunked"),
        "/trailer" => with("trailer", "etag"),
        "/closes" => with("connection", "Close"),
        "/206" => with_status(206),
        "/500" => with_status(500),
        "/empty" => event_stream(Script::new([])),
        "/empty-later" => event_stream(Script::new([Step::Later])),
        "/nothing" => event_stream_of(Body::empty()),
        "/known" => event_stream_of(Body::from("all of it")),
        "/trailers" => event_stream(Script::new([
            Step::text("one"),
            Step::text("two"),
            Step::Trailers,
        ])),
        "/fails" => event_stream(Script::new([
            Step::text("one"),
            Step::text("two"),
            Step::Later,
            Step::Fail,
        ])),
        _ => page(path),
    })
}

fn event_stream_of(body: Body) -> Response<Body> {
    event_stream(Script::new([])).map(|_| body)
}

/// A stream of what is being uploaded.
struct Echo(Incoming);

impl http_body::Body for Echo {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        Pin::new(&mut self.0)
            .poll_frame(cx)
            .map_err(io::Error::other)
    }
}

fn post(path: &str, headers: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nhost: x\r\n{headers}\r\n\r\n")
}

#[tokio::test(start_paused = true)]
async fn pages() {
    let outcome = same(&[get("/a"), get("/b")], &["GET", "GET"], By::Hyper).await;
    assert_eq!(outcome.replies[1].text(), "/b");
    assert!(!outcome.is_gone);
}

#[tokio::test(start_paused = true)]
async fn streams_whoever_wrote_them() {
    for (path, by) in [
        ("/stream", By::Writer),
        ("/axum", By::Writer),
        // Of a body of ours all that is ready is one frame.
        ("/ours", By::WriterAlike),
        ("/foreign", By::Writer),
        ("/trailers", By::Writer),
        // Proxied from a server of HTTP/2.
        ("/http2", By::Writer),
        ("/empty", By::WriterUnseen),
        ("/empty-later", By::WriterUnseen),
        ("/nothing", By::Hyper),
        ("/known", By::Hyper),
        ("/length", By::Hyper),
        ("/encoded", By::Hyper),
        ("/trailer", By::Hyper),
        ("/206", By::Hyper),
        ("/500", By::Hyper),
    ] {
        let outcome = same(&[get(path), get("/page")], &["GET", "GET"], by).await;
        assert_eq!(outcome.replies[1].text(), "/page", "{path}: {outcome:?}");
        assert!(!outcome.is_gone, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn streams_of_a_router_with_the_layer() {
    let app = Router::new()
        .route(
            "/ours",
            routing::get(async || Sse::new(stream::iter(["one", "two"].map(Event::text)))),
        )
        .route(
            "/axum",
            routing::get(async || {
                let events = ["one", "two"]
                    .map(|text| Ok::<_, Infallible>(sse::Event::default().data(text)));
                sse::Sse::new(stream::iter(events))
            }),
        )
        .layer(SseLayer::new());
    for (method, path, by) in [
        ("GET", "/ours", By::WriterAlike),
        ("GET", "/axum", By::Writer),
        ("HEAD", "/ours", By::Hyper),
        ("HEAD", "/axum", By::Hyper),
    ] {
        let parts = [get(path).replace("GET", method), get("/none")];
        let outcome = same_by(app.clone(), |serve| serve, &parts, &[method, "GET"], by).await;
        assert_eq!(outcome.replies[0].status(), "200");
        assert_eq!(outcome.replies[1].status(), "404");
    }
}

#[tokio::test(start_paused = true)]
async fn head_of_a_stream() {
    let parts = [
        "HEAD /stream HTTP/1.1\r\nhost: x\r\n\r\n".to_owned(),
        get("/page"),
    ];
    let outcome = same(&parts, &["HEAD", "GET"], By::Hyper).await;
    assert_eq!(outcome.replies[1].text(), "/page");
}

#[tokio::test(start_paused = true)]
async fn http_1_0() {
    let outcome = same(&["GET /stream HTTP/1.0\r\n\r\n"], &["GET"], By::Hyper).await;
    assert_eq!(outcome.replies[0].text(), "onetwothree");
    assert!(outcome.is_gone);
    let parts = [
        "GET /stream HTTP/1.0\r\nconnection: keep-alive\r\n\r\n".to_owned(),
        get("/page"),
    ];
    same(&parts, &["GET", "GET"], By::Hyper).await;
}

#[tokio::test(start_paused = true)]
async fn connections_that_close_behind_a_stream() {
    for parts in [
        vec!["GET /stream HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".to_owned()],
        vec!["GET /stream HTTP/1.1\r\nhost: x\r\nConnection: TE, Close\r\n\r\n".to_owned()],
        vec![get("/closes")],
        // What comes behind is not answered.
        vec![get("/closes") + &get("/page")],
        vec![get("/closes"), get("/page")],
    ] {
        let outcome = same(&parts, &["GET"], By::Writer).await;
        assert_eq!(outcome.replies[0].text(), "onetwothree");
        assert!(outcome.is_shut && outcome.is_gone, "{parts:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_keeps_no_connection() {
    for (path, by) in [("/stream", By::Writer), ("/page", By::Hyper)] {
        let outcome = same_by(
            tower::service_fn(answer),
            |serve| serve.keep_alive(false),
            &[get(path)],
            &["GET"],
            by,
        )
        .await;
        assert!(
            outcome.replies[0].head.contains("connection: close"),
            "{outcome:?}"
        );
        assert!(outcome.is_shut && outcome.is_gone, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn uploads() {
    let length = "content-length: 10";
    let chunked = "transfer-encoding: chunked";
    for (parts, by, text) in [
        // Not read, and not finished when the stream begins.
        (
            vec![post("/stream", length) + "abc", "defghij".to_owned()],
            By::Hyper,
            "onetwothree",
        ),
        (
            vec![post("/stream", length) + "abc"],
            By::Hyper,
            "onetwothree",
        ),
        (
            vec![post("/stream", chunked) + "3\r\nabc\r\n"],
            By::Hyper,
            "onetwothree",
        ),
        // Not read, and there as a whole.
        (
            vec![post("/stream", length) + "abcdefghij"],
            By::Hyper,
            "onetwothree",
        ),
        // Read as the stream goes on.
        (
            vec![
                post("/echo", length) + "abc",
                "defg".to_owned(),
                "hij".to_owned(),
            ],
            By::Hyper,
            "abcdefghij",
        ),
        // Read to the end before the stream.
        (
            vec![post("/read", length) + "abc", "defghij".to_owned()],
            By::Writer,
            "abcdefghij|end",
        ),
        (
            vec![
                post("/read", chunked) + "3\r\nabc\r\n",
                "0\r\n\r\n".to_owned(),
            ],
            By::Hyper,
            "abc|end",
        ),
        (
            vec![
                post("/read", "content-length: 3")
                    + "abc"
                    + &post("/read", "content-length: 2")
                    + "de",
            ],
            By::Writer,
            "abc|end",
        ),
    ] {
        let outcome = same(&parts, &["POST", "POST"], by).await;
        assert_eq!(outcome.replies[0].text(), text, "{parts:?}");
        // And what becomes of the next request.
        let mut parts = parts;
        parts.push(get("/page"));
        same(&parts, &["POST", "POST", "GET"], by).await;
    }
}

/// What comes behind it may be smuggled (RFC 9112, 11.2).
#[tokio::test(start_paused = true)]
async fn an_upload_with_two_lengths_closes_its_connection() {
    let (one, other) = ("content-length: 3", "transfer-encoding: chunked");
    for headers in [format!("{one}\r\n{other}"), format!("{other}\r\n{one}")] {
        let parts = [post("/read", &headers) + "3\r\nabc\r\n0\r\n\r\n" + &get("/page")];
        let outcome = same(&parts, &["POST"], By::Hyper).await;
        assert_eq!(outcome.replies[0].text(), "abc|end");
        assert!(outcome.replies[0].head.contains("connection: close"));
        assert!(outcome.is_shut && outcome.is_gone, "{headers}");
    }
}

/// Its connection has no next request: nobody knows where that would begin.
#[tokio::test(start_paused = true)]
async fn an_upload_that_fails_has_not_ended_although_nothing_comes_behind_it() {
    let chunked = "transfer-encoding: chunked";
    for parts in [
        vec![post("/read-on", chunked) + "3\r\nabc\r\nno length\r\n" + &get("/page")],
        vec![
            post("/read-on", chunked) + "3\r\nabc\r\n",
            "no length\r\n".to_owned(),
            get("/page"),
        ],
        vec![post("/read-on", chunked) + "3\r\nabc, and no end" + &get("/page")],
        // What is left of this one looks like a request.
        vec![post("/read-on", chunked) + "3\r\nabc\r\nZ" + &get("/page")],
    ] {
        let outcome = same(&parts, &["POST"], By::Hyper).await;
        assert_eq!(outcome.replies[0].text(), "data,error,none", "{parts:?}");
        assert!(outcome.is_gone, "{parts:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_upgrade_that_is_not_granted() {
    for protocol in ["websocket", "h2c"] {
        let upgrade = format!("connection: upgrade\r\nupgrade: {protocol}\r\n\r\n");
        let parts = [
            get("/stream").replace("\r\n\r\n", "\r\n") + &upgrade,
            get("/page"),
        ];
        let outcome = same(&parts, &["GET", "GET"], By::Writer).await;
        assert_eq!(outcome.replies[1].text(), "/page");
    }
}

#[tokio::test(start_paused = true)]
async fn uploads_that_wait_to_be_asked_for() {
    let headers = "content-length: 3\r\nexpect: 100-continue";
    let read = same(
        &[post("/read", headers), "abc".to_owned(), get("/page")],
        &["POST", "GET"],
        By::Writer,
    )
    .await;
    let statuses: Vec<_> = read.replies.iter().map(Reply::status).collect();
    assert_eq!(statuses, ["100", "200", "200"]);
    assert_eq!(read.replies[1].text(), "abc|end");
    let unread = same(&[post("/stream", headers)], &["POST"], By::Hyper).await;
    assert_eq!(unread.replies[0].status(), "200", "and not 100");
    let echoed = same(
        &[post("/echo", headers), "abc".to_owned()],
        &["POST"],
        By::Hyper,
    )
    .await;
    assert_eq!(echoed.replies.last().unwrap().text(), "abc", "{echoed:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_no_request() {
    for garbage in [
        "\0\u{1}\u{2}\r\n\r\n",
        "GET\r\n\r\n",
        "PRX * HTTP/2.0\r\n\r\n",
        "\r\n\r\n \r\n",
    ] {
        let outcome = same(&[garbage], &["?"], By::Hyper).await;
        assert_eq!(
            outcome.replies[0].status(),
            "400",
            "{garbage:?}: {outcome:?}"
        );
        assert!(outcome.is_gone, "{garbage:?}");
        let behind = same(&[get("/stream") + garbage], &["GET", "?"], By::Writer).await;
        assert_eq!(behind.replies[0].text(), "onetwothree", "{garbage:?}");
        assert_eq!(behind.replies[1].status(), "400", "{garbage:?}");
        assert!(behind.is_gone, "{garbage:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_head_that_is_too_large() {
    let large = format!(
        "GET / HTTP/1.1\r\nhost: x\r\nlarge: {}\r\n\r\n",
        "x".repeat(20_000)
    );
    for (parts, methods, by) in [
        (vec![large.clone()], vec!["GET"], By::Hyper),
        (
            vec![get("/stream"), large.clone()],
            vec!["GET", "GET"],
            By::Writer,
        ),
        (
            vec![get("/stream") + &large],
            vec!["GET", "GET"],
            By::Writer,
        ),
    ] {
        let set = |serve: Serve<_, _>| serve.max_header_size(10_000);
        let outcome = same_by(tower::service_fn(answer), set, &parts, &methods, by).await;
        assert_eq!(
            outcome.replies.last().unwrap().status(),
            "431",
            "{outcome:?}"
        );
        assert!(outcome.is_gone);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_fails() {
    let outcome = same(&[get("/fails") + &get("/page")], &["GET"], By::Writer).await;
    assert_eq!(outcome.replies[0].text(), "onetwo");
    assert!(!outcome.replies[0].is_whole && outcome.is_gone);
}

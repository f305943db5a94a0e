//! Clients that lose their connection again and again.
#![allow(clippy::unwrap_used, reason = "also outside of the test functions")]

use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use futures_util::stream;
use sse_testkit::{Cut, Ledger, RequestBuilder, reconnecting};

#[macro_use]
mod fails;
mod streams;

use self::streams::{ms, secs};

/// From the one after the last id to the last number, a second apart, from what the id is taken for.
fn app(last: u32, resume: fn(u32) -> Vec<u32>) -> Router {
    let numbers = move |headers: HeaderMap| async move {
        let id = headers.get("last-event-id");
        let id = id.map_or(0, |id| id.to_str().unwrap().parse().unwrap());
        if id >= last {
            return StatusCode::NO_CONTENT.into_response();
        }
        let numbers = resume(id).into_iter().filter(move |n| *n <= last);
        let events = stream::unfold(numbers, |mut numbers| async move {
            let n = numbers.next()?;
            tokio::time::sleep(ms(10)).await;
            let event = Event::default()
                .id(n.to_string())
                .data(format!("number {n}"));
            Some((Ok::<_, Infallible>(event), numbers))
        });
        Sse::new(events).into_response() as Response
    };
    Router::new().route("/", get(numbers))
}

fn honest(id: u32) -> Vec<u32> {
    (id + 1..100).collect()
}

fn numbers(last: u32) -> RequestBuilder {
    sse_testkit::get(app(last, honest), "/")
}

#[tokio::test]
async fn a_server_that_resumes_loses_nothing_however_it_is_cut() {
    for cut in [Cut::AfterFrame, Cut::MidFrame, Cut::Reset] {
        let ledger = reconnecting(numbers(12))
            .cut(0, cut)
            .cut(1, cut)
            .cut(2, cut)
            .times(2);
        let ledger = ledger.read_to_end().await;
        ledger.expect_ids(1..=12).expect_none_doubled();
        assert_eq!(ledger.connections(), 7);
        assert_eq!(ledger.events().count(), 12);
        assert!(ledger.lost(1..=12).is_empty());
        assert_eq!(ledger.lost([12, 13]), ["13"]);
    }
}

#[tokio::test]
async fn the_ledger_shows_each_connection() {
    let ledger = reconnecting(numbers(40))
        .cut(2, Cut::MidFrame)
        .cut(0, Cut::Reset)
        .cut(1, Cut::AfterFrame)
        .pause(secs(1))
        .read_until_id("20")
        .await;
    insta::assert_snapshot!(ledger, @r"
    connection 1: #1 #2, cut in mid-frame
    connection 2, last-event-id 2: nothing, reset
    connection 3, last-event-id 2: #3, cut after a frame
    connection 4, last-event-id 3: #4 #5 #6 #7 #8 #9 #10 #11 #12 #13 #14 #15 and 5 more, open
    ");
    insta::assert_snapshot!(ledger.transcript().without_headers(), @r"
    HTTP 200 OK

    +10ms    event message #1 | number 1
    +20ms    event message #2 | number 2
    +30ms    end inside a block | id: 3
                                | data: number 3
                                |

    --- reconnect after 1s, last-event-id: 2
    HTTP 200 OK

    +1.03s   error the connection is reset by the test

    --- reconnect after 1s, last-event-id: 2
    HTTP 200 OK

    +2.04s   event message #3 | number 3
    +2.04s   end

    --- reconnect after 1s, last-event-id: 3
    HTTP 200 OK

    +3.05s   event message #4 | number 4
    +3.06s   event message #5 | number 5
    +3.07s   event message #6 | number 6
    +3.08s   event message #7 | number 7
    +3.09s   event message #8 | number 8
    +3.1s    event message #9 | number 9
    +3.11s   event message #10 | number 10
    +3.12s   event message #11 | number 11
    +3.13s   event message #12 | number 12
    +3.14s   event message #13 | number 13
    +3.15s   event message #14 | number 14
    +3.16s   event message #15 | number 15
    +3.17s   event message #16 | number 16
    +3.18s   event message #17 | number 17
    +3.19s   event message #18 | number 18
    +3.2s    event message #19 | number 19
    +3.21s   event message #20 | number 20
    ");
}

#[tokio::test]
async fn a_client_that_reads_a_few_more_stays_connected() {
    let ledger = reconnecting(numbers(9))
        .cut(1, Cut::AfterFrame)
        .read(2)
        .await;
    ledger.expect_ids(1..=3);
    let witness = sse_testkit::get(app(9, honest), "/").await.collect(3).await;
    ledger.expect_same_as(&witness);
}

#[tokio::test]
async fn a_frame_that_was_cut_off_is_forgotten() {
    let ledger = reconnecting(numbers(3))
        .cut(1, Cut::MidFrame)
        .read_to_end()
        .await;
    let transcript = ledger.transcript().without_headers().to_string();
    // All but the last byte of it had come.
    assert!(
        transcript.contains("end inside a block | id: 2\n"),
        "{transcript}"
    );
    assert!(transcript.contains("| data: number 2\n"), "{transcript}");
    ledger.expect_ids(1..=3);
}

async fn ledger_of(resume: fn(u32) -> Vec<u32>) -> Ledger {
    let request = sse_testkit::get(app(9, resume), "/");
    let script = reconnecting(request)
        .cut(3, Cut::MidFrame)
        .cut(2, Cut::AfterFrame);
    script.read_to_end().await
}

fn failure(check: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(check)).unwrap_err();
    let message = panic.downcast_ref::<String>().unwrap();
    let (here, said) = message.split_once(": ").unwrap();
    assert!(here.starts_with(file!()), "{message}");
    said.to_owned()
}

#[tokio::test]
async fn what_was_lost_or_doubled_is_told_with_its_place() {
    let ledger = ledger_of(|id| if id == 0 { honest(0) } else { honest(id + 1) }).await;
    insta::assert_snapshot!(failure(|| _ = ledger.expect_ids(1..=9)), @r"
    the client has not seen each event once
    lost:         #4 (connection 1 was cut in mid-frame after #3)
    lost:         #7 (connection 2 was cut after a frame after #6)

    connection 1: #1 #2 #3, cut in mid-frame
    connection 2, last-event-id 3: #5 #6, cut after a frame
    connection 3, last-event-id 6: #8 #9, read to its end
    ");
    assert_eq!(ledger.lost(1..=9), ["4", "7"]);

    let ledger = ledger_of(|id| honest(id.saturating_sub(1))).await;
    insta::assert_snapshot!(failure(|| _ = ledger.expect_ids(1..=9)), @r"
    the client has not seen each event once
    doubled:      #3 (connections 1, 2)
    doubled:      #4 (connections 2, 3)

    connection 1: #1 #2 #3, cut in mid-frame
    connection 2, last-event-id 3: #3 #4, cut after a frame
    connection 3, last-event-id 4: #4 #5 #6 #7 #8 #9, read to its end
    ");
    insta::assert_snapshot!(failure(|| _ = ledger.expect_none_doubled()), @r"
    the client has not seen each event once
    doubled:      #3 (connections 1, 2)
    doubled:      #4 (connections 2, 3)

    connection 1: #1 #2 #3, cut in mid-frame
    connection 2, last-event-id 3: #3 #4, cut after a frame
    connection 3, last-event-id 4: #4 #5 #6 #7 #8 #9, read to its end
    ");
    assert_eq!(ledger.doubled(), ["3", "4"]);

    let ledger = ledger_of(|id| if id == 3 { vec![5, 4, 6] } else { honest(id) }).await;
    insta::assert_snapshot!(failure(|| _ = ledger.expect_ids((1..=9).chain([11]))), @r"
    the client has not seen each event once
    lost:         #11 (connection 3 was read to its end after #9)
    doubled:      #5 (connections 2, 3)
    out of order: #4 came after #5 (connection 2)

    connection 1: #1 #2 #3, cut in mid-frame
    connection 2, last-event-id 3: #5 #4, cut after a frame
    connection 3, last-event-id 4: #5 #6 #7 #8 #9, read to its end
    ");
    insta::assert_snapshot!(failure(|| _ = ledger.expect_ids([0, 2, 4])), @r"
    the client has not seen each event once
    lost:         #0 (before all others)
    doubled:      #5 (connections 2, 3)
    not expected: #1 (connection 1)
    not expected: #3 (connection 1)
    not expected: #5 (connection 2)
    not expected: #6 (connection 3)
    not expected: #7 (connection 3)
    not expected: #8 (connection 3)
    not expected: #9 (connection 3)

    connection 1: #1 #2 #3, cut in mid-frame
    connection 2, last-event-id 3: #5 #4, cut after a frame
    connection 3, last-event-id 4: #5 #6 #7 #8 #9, read to its end
    ");
}

#[tokio::test]
async fn a_client_that_saw_something_else_than_another_is_shown_where() {
    let ledger = ledger_of(honest).await;
    let mut sse = sse_testkit::get(app(9, honest), "/").await;
    let mut witness = sse.collect(9).await;
    ledger.expect_same_as(&witness);
    witness[4].data = "five".to_owned();
    insta::assert_snapshot!(failure(|| _ = ledger.expect_same_as(&witness)), @r"
    the client has not seen what the other one saw
    event 5: message #5 | number 5
    not:     message #5 | five

    connection 1: #1 #2 #3, cut in mid-frame
    connection 2, last-event-id 3: #4 #5, cut after a frame
    connection 3, last-event-id 5: #6 #7 #8 #9, read to its end
    ");
    witness[4].id = None;
    insta::assert_snapshot!(failure(|| _ = ledger.expect_same_as(&witness[..8])), @r"
    the client has not seen each event once
    not expected: #5 (connection 2)
    not expected: #9 (connection 3)

    connection 1: #1 #2 #3, cut in mid-frame
    connection 2, last-event-id 3: #4 #5, cut after a frame
    connection 3, last-event-id 5: #6 #7 #8 #9, read to its end
    ");
    let one = witness.pop();
    witness.truncate(4);
    let mut short = reconnecting(numbers(9)).cut(1, Cut::Reset).read(3).await;
    short.expect_same_as(&witness);
    short = reconnecting(numbers(4))
        .cut(1, Cut::Reset)
        .read_to_end()
        .await;
    witness.extend(one.map(|mut event| {
        event.id = None;
        event
    }));
    insta::assert_snapshot!(failure(|| _ = short.expect_same_as(&witness)), @r"
    the client has not seen what the other one saw
    it saw 4 events, the other one 5

    connection 1: #1, reset
    connection 2, last-event-id 1: #2 #3 #4, read to its end
    ");
}

/// Two numbers, the first of them after the last id, and then the end: in one way or another.
fn two_at_a_time(end: &'static str) -> RequestBuilder {
    let service = tower::service_fn(
        move |request: http::Request<sse_testkit::Body>| async move {
            let id = request.headers().get("last-event-id");
            let id = id.map_or(0, |id| id.to_str().unwrap().parse::<u32>().unwrap());
            let events = [id + 1, id + 2].map(|n| format!("id: {n}\ndata: x\n\n"));
            let pieces = [events.concat(), end.to_owned()].map(|piece| match &*piece {
                "!" => Err(std::io::Error::other("the wire is cut")),
                _ => Ok(http_body::Frame::data(bytes::Bytes::from(piece))),
            });
            let body = http_body_util::StreamBody::new(stream::iter(pieces));
            let response = http::Response::builder().header("content-type", "text/event-stream");
            Ok::<_, Infallible>(response.body(body).unwrap())
        },
    );
    sse_testkit::get(service, "/")
}

#[tokio::test]
async fn a_client_comes_back_from_connections_that_the_server_ends() {
    let ledger = reconnecting(two_at_a_time(""))
        .cut(3, Cut::MidFrame)
        .cut(1, Cut::Reset)
        .read(5)
        .await;
    ledger.expect_ids(1..=9);
    insta::assert_snapshot!(ledger, @r"
    connection 1: #1 #2, ended by the server
    connection 2, last-event-id 2: #3, cut in mid-frame
    connection 3, last-event-id 3: #4, reset
    connection 4, last-event-id 4: #5 #6, ended by the server
    connection 5, last-event-id 6: #7 #8, ended by the server
    connection 6, last-event-id 8: #9, open
    ");

    let ledger = reconnecting(two_at_a_time("data: begun")).cut(2, Cut::MidFrame);
    let ledger = ledger.read_until_id("5").await;
    ledger.expect_ids(1..=5);
    insta::assert_snapshot!(ledger, @r"
    connection 1: #1 #2, ended by the server in mid-frame
    connection 2, last-event-id 2: nothing, cut in mid-frame
    connection 3, last-event-id 2: #3 #4, ended by the server in mid-frame
    connection 4, last-event-id 4: #5, open
    ");

    let ledger = reconnecting(two_at_a_time("!"))
        .cut(4, Cut::AfterFrame)
        .read(1)
        .await;
    ledger.expect_ids(1..=5);
    insta::assert_snapshot!(ledger, @r"
    connection 1: #1 #2, broken off
    connection 2, last-event-id 2: #3 #4, cut after a frame
    connection 3, last-event-id 4: #5, open
    ");

    let ledger = reconnecting(two_at_a_time(""))
        .cut(2, Cut::MidFrame)
        .read_to_end()
        .await;
    ledger.expect_ids(1..=4);
    assert_eq!(ledger.connections(), 3);
    assert_eq!(
        reconnecting(two_at_a_time(""))
            .read(0)
            .await
            .events()
            .count(),
        0
    );
}

#[tokio::test]
async fn a_server_that_ends_all_connections_is_not_asked_for_ever() {
    let empty = || async {
        let stream = ([("content-type", "text/event-stream")], ": hi\n\n");
        let app = Router::new().route("/", get(move || async move { stream }));
        reconnecting(sse_testkit::get(app, "/"))
    };
    fails!(script in empty() => script.cut(1, Cut::Reset).read(1).await, [
        "1 event, and then to be cut", "20 connections in a row have ended without an event",
    ]);
    let endless = || async { reconnecting(two_at_a_time("")).pause(secs(0)) };
    fails!(script in endless() => script.read_until_id("no").await, [
        "events up to the one with id \"no\"", "1000 connections have ended that the test did not cut",
    ]);
    let broken = || async { reconnecting(two_at_a_time("!")) };
    fails!(script in broken() => script.read_to_end().await, ["the stream failed: the wire is cut"]);
}

/// A batch of two events under each id.
async fn batches() -> Sse<impl stream::Stream<Item = Result<Event, Infallible>>> {
    let ids = [1, 1, 2, 2].into_iter();
    Sse::new(stream::iter(
        ids.map(|id| Ok(Event::default().id(id.to_string()).data("x"))),
    ))
}

#[tokio::test]
async fn an_id_may_be_that_of_several_events() {
    let app = || Router::new().route("/", get(batches));
    let witness = sse_testkit::get(app(), "/").await.collect_to_end().await;
    let ledger = reconnecting(sse_testkit::get(app(), "/"))
        .read_to_end()
        .await;
    ledger.expect_same_as(&witness).expect_ids([1, 1, 2, 2]);
    insta::assert_snapshot!(failure(|| _ = ledger.expect_ids([1, 2, 2, 2, 3])), @r"
    the client has not seen each event once
    lost:         #2 (connection 1 was read to its end after #2)
    lost:         #3 (connection 1 was read to its end after #2)
    doubled:      #1 (connections 1, 1)

    connection 1: #1 #1 #2 #2, read to its end
    ");
    insta::assert_snapshot!(failure(|| _ = ledger.expect_ids([1, 2, 1, 2])), @r"
    the client has not seen each event once
    out of order: #2 came after #1 (connection 1)

    connection 1: #1 #1 #2 #2, read to its end
    ");
}

#[tokio::test]
async fn a_script_that_can_not_be_played_fails_the_test() {
    let three = || async { reconnecting(numbers(3)) };
    insta::assert_snapshot!(failure!(script in three() =>
        script.cut(4, Cut::AfterFrame).read(1).await
    ), @r"
    the stream is not as expected
    expected: connection 2: 1 event, and then to be cut
    but:      the server answered 204, so a client does not come back
    received so far:
        HTTP 200 OK
        cache-control: no-cache
        content-type: text/event-stream

        +10ms    event message #1 | number 1
        +20ms    event message #2 | number 2
        +30ms    event message #3 | number 3
        +30ms    end

        --- reconnect after 3s, last-event-id: 3
        HTTP 204 No Content
        content-length: 0

        +3.03s   end
    ");
    insta::assert_snapshot!(failure!(script in three() =>
        script.cut(3, Cut::MidFrame).read(1).await
    ), @r"
    the stream is not as expected
    expected: connection 2: an event, to be cut off in it
    but:      the server answered 204, so a client does not come back
    received so far:
        HTTP 200 OK
        cache-control: no-cache
        content-type: text/event-stream

        +10ms    event message #1 | number 1
        +20ms    event message #2 | number 2
        +30ms    event message #3 | number 3
        +30ms    end

        --- reconnect after 3s, last-event-id: 3
        HTTP 204 No Content
        content-length: 0

        +3.03s   end
    ");
    insta::assert_snapshot!(failure!(script in three() =>
        script.cut(3, Cut::Reset).read(1).await
    ), @r"
    the stream is not as expected
    expected: connection 2: 1 event
    but:      the server answered 204, so a client does not come back
    received so far:
        HTTP 200 OK
        cache-control: no-cache
        content-type: text/event-stream

        +10ms    event message #1 | number 1
        +20ms    event message #2 | number 2
        +30ms    event message #3 | number 3
        +30ms    error the connection is reset by the test

        --- reconnect after 3s, last-event-id: 3
        HTTP 204 No Content
        content-length: 0

        +3.03s   end
    ");
    insta::assert_snapshot!(failure!(script in three() =>
        script.cut(1, Cut::Reset).read_until_id("9").await
    ), @r#"
    the stream is not as expected
    expected: connection 3: events up to the one with id "9"
    but:      the server answered 204, so a client does not come back
    received so far:
        HTTP 200 OK
        cache-control: no-cache
        content-type: text/event-stream

        +10ms    event message #1 | number 1
        +10ms    error the connection is reset by the test

        --- reconnect after 3s, last-event-id: 1
        HTTP 200 OK
        cache-control: no-cache
        content-type: text/event-stream

        +3.02s   event message #2 | number 2
        +3.03s   event message #3 | number 3
        +3.03s   end

        --- reconnect after 3s, last-event-id: 3
        HTTP 204 No Content
        content-length: 0

        +6.03s   end
    "#);
    let none = || async { reconnecting(sse_testkit::get(Router::new(), "/")) };
    insta::assert_snapshot!(failure!(script in none() =>
        script.cut(0, Cut::AfterFrame).read(1).await
    ), @r"
    the stream is not as expected
    expected: connection 2: 1 event
    but:      the server refused it, so a client does not come back
    received so far:
        HTTP 404 Not Found

        +0ms     end
    ");
}

#[cfg(feature = "socket")]
mod over_sockets {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn it_works_over_http1_and_http2() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app(9, honest)).await });
        for request in [
            sse_testkit::connect(&url),
            sse_testkit::connect(&url).http2(),
        ] {
            let script = reconnecting(request).pause(ms(1));
            let script = script
                .cut(2, Cut::MidFrame)
                .cut(1, Cut::Reset)
                .cut(3, Cut::AfterFrame);
            script.read_to_end().await.expect_ids(1..=9);
        }
    }

    #[tokio::test]
    async fn a_reset_is_one() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            let mut ends = Vec::new();
            for id in 1..=3 {
                let (mut tcp, _) = listener.accept().await.unwrap();
                let mut bytes = [0; 1024];
                assert!(tcp.read(&mut bytes).await.unwrap() > 0);
                let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";
                let answer = format!("{head}id: {id}\ndata\n\n");
                tcp.write_all(answer.as_bytes()).await.unwrap();
                ends.push(tcp.read(&mut bytes).await.map_err(|error| error.kind()));
            }
            ends
        });
        let script = reconnecting(sse_testkit::connect(url)).pause(ms(1));
        let script = script.cut(1, Cut::Reset).cut(1, Cut::AfterFrame);
        let ledger = script.read(1).await;
        ledger.expect_ids(1..=3);
        let reset = std::io::ErrorKind::ConnectionReset;
        assert_eq!(server.await.unwrap(), [Err(reset), Ok(0), Ok(0)]);
    }
}

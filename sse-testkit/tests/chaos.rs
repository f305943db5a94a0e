//! Streams that come in other pieces than they were sent in, late, or only in part.
#![allow(clippy::unwrap_used, reason = "also outside of the test functions")]

use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt as _, Full, StreamBody};
use sse_testkit::chaos::{self, Chaos, ChaosIo};
use sse_testkit::parser::{Item, Parser};
use sse_testkit::{Body, EventStream};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::Instant;
use tower::Layer as _;

const TWO: &str = "id: 1\ndata: one\n\nid: 2\ndata: two\n\n";

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// A stream of these pieces, a second between each and the next.
async fn open(chaos: Chaos, pieces: &'static [&'static str]) -> EventStream {
    let service = tower::service_fn(move |_: Request<Body>| async move {
        let body = stream::unfold(0, move |n| async move {
            let piece = *pieces.get(n)?;
            if n > 0 {
                tokio::time::sleep(secs(1)).await;
            }
            Some((Ok::<_, Infallible>(Frame::data(Bytes::from(piece))), n + 1))
        });
        let response = Response::builder().header("content-type", "text/event-stream");
        Ok::<_, Infallible>(response.body(StreamBody::new(body)).unwrap())
    });
    sse_testkit::get(chaos.layer(service), "/").await
}

/// The pieces that come, each with the second it comes in.
async fn pieces(chaos: Chaos, pieces: &'static [&'static str]) -> Vec<String> {
    let mut sse = open(chaos, pieces).await;
    let _ = sse.body_text().await;
    let chunks = sse.chunks().iter();
    let text = chunks.map(|chunk| {
        let at = chunk.elapsed.as_secs_f32();
        format!("{at}s {}", chunk.bytes.escape_ascii())
    });
    text.collect()
}

#[tokio::test]
async fn pieces_are_split_into_smaller_ones() {
    let words: &[&str] = &[": abcd", "\n\n"];
    assert_eq!(
        pieces(chaos::split_every(4), words).await,
        ["0s : ab", "0s cd", "1s \\n\\n"]
    );
    assert_eq!(
        pieces(chaos::split_at([7, 1, 3, 3, 0]), words).await,
        ["0s :", "0s  a", "0s bcd", "1s \\n", "1s \\n"]
    );
    assert_eq!(
        pieces(chaos::split_every(0), &["ab"]).await,
        ["0s a", "0s b"]
    );
}

#[tokio::test]
async fn random_splits_are_the_same_for_the_same_seed() {
    let words: &[&str] = &["data: the quick brown fox jumps over the lazy dog\n\n"];
    let one = pieces(chaos::split_randomly(7, 9), words).await;
    assert_eq!(one, pieces(chaos::split_randomly(7, 9), words).await);
    assert_ne!(one, pieces(chaos::split_randomly(8, 9), words).await);
    assert!(one.len() > 51 / 9, "none is longer than nine bytes");
    assert!(one.iter().any(|piece| piece.len() > "0s ab".len()));
}

#[tokio::test]
async fn pieces_are_merged() {
    let words: &[&str] = &["ab", "cd", "ef"];
    assert_eq!(pieces(chaos::merge(), words).await, ["2s abcdef"]);
    assert_eq!(
        pieces(chaos::merge_up_to(3), words).await,
        ["1s abcd", "2s ef"]
    );
    assert_eq!(
        pieces(chaos::merge_for(ms(1500)), words).await,
        ["1.5s abcd", "2s ef"]
    );
}

#[tokio::test]
async fn pieces_come_late() {
    let words: &[&str] = &["abcd", "ef"];
    assert_eq!(
        pieces(chaos::delay(ms(1500)), words).await,
        ["1.5s abcd", "4s ef"]
    );
    let slow = chaos::split_every(2).delay(ms(500));
    assert_eq!(pieces(slow, words).await, ["0.5s ab", "1s cd", "2.5s ef"]);

    let one = pieces(chaos::delay_randomly(1, secs(1)), words).await;
    assert_eq!(one, pieces(chaos::delay_randomly(1, secs(1)), words).await);
    assert_ne!(one, pieces(chaos::delay_randomly(2, secs(1)), words).await);
}

#[tokio::test]
async fn nothing_passes_for_a_time() {
    let words: &[&str] = &["abcd", "ef"];
    assert_eq!(
        pieces(chaos::stall(3, secs(10)), words).await,
        ["0s abc", "10s d", "11s ef"]
    );
    assert_eq!(
        pieces(chaos::stall(0, secs(10)), words).await,
        ["10s abcd", "11s ef"]
    );
}

#[tokio::test]
async fn nothing_passes_for_good() {
    let mut sse = open(chaos::hang_after(17), &[TWO]).await;
    sse.expect_message().text("one").await;
    sse.expect_idle(secs(3600)).await;
}

#[tokio::test]
async fn a_stream_is_cut_in_mid_frame() {
    let mut sse = open(chaos::cut_after(25), &[TWO]).await;
    sse.body_text().await;
    // A client throws away what was begun.
    insta::assert_snapshot!(sse.transcript().without_headers(), @r"
    HTTP 200 OK

    +0ms     event message #1 | one
    +0ms     end inside a block | id: 2
                                | da
    ");
    assert_eq!(sse.last_event_id(), "1");
}

#[tokio::test]
async fn a_stream_breaks_off() {
    let mut sse = open(chaos::split_every(1).fail_after(17), &[TWO]).await;
    sse.expect_message().text("one").await;
    assert_eq!(
        sse.expect_error().await,
        "broken off by the test after 17 bytes"
    );
}

#[tokio::test]
async fn faults_are_done_in_the_order_they_are_written() {
    let words: &[&str] = &["abcd"];
    assert_eq!(pieces(chaos::merge_up_to(0), words).await, ["0s abcd"]);
    let merged_again = chaos::split_every(1).merge_up_to(3);
    assert_eq!(pieces(merged_again, words).await, ["0s abc", "0s d"]);
    let late_then_split = chaos::delay(secs(1)).split_every(3);
    assert_eq!(pieces(late_then_split, words).await, ["1s abc", "1s d"]);
}

#[tokio::test]
async fn trailers_and_errors_pass_behind_the_bytes() {
    let trailers = HeaderMap::from_iter([(http::header::ETAG, HeaderValue::from_static("1"))]);
    let frames = [
        Ok(Frame::data(Bytes::from("ab"))),
        Ok(Frame::trailers(trailers.clone())),
    ];
    let body = chaos::merge().split_every(1);
    let body = body.body(StreamBody::new(stream::iter(
        frames.map(|it: Result<_, Infallible>| it),
    )));
    let whole = body.collect().await.unwrap();
    assert_eq!(whole.trailers(), Some(&trailers));
    assert_eq!(whole.to_bytes(), "ab");

    let frames = [
        Ok(Frame::data(Bytes::from("ab"))),
        Err(std::io::Error::other("the disk is gone")),
    ];
    let mut body = chaos::merge().body(StreamBody::new(stream::iter(frames)));
    let first = body.frame().await.unwrap().unwrap();
    assert_eq!(first.into_data().unwrap(), "ab");
    let error = body.frame().await.unwrap().unwrap_err();
    assert_eq!(error.to_string(), "the disk is gone");
    assert!(body.frame().await.is_none());
}

#[tokio::test]
async fn requests_come_in_pieces_as_well() {
    async fn echo(body: axum::body::Body) -> String {
        let mut body = body.into_data_stream();
        let mut text = String::new();
        while let Some(piece) = futures_util::StreamExt::next(&mut body).await {
            text.push_str(std::str::from_utf8(&piece.unwrap()).unwrap());
            text.push('|');
        }
        text
    }
    let app = Router::new().route("/", post(echo));
    for split in chaos::splits("abc") {
        let app = split.chaos().on_requests().layer(app.clone());
        let request = Request::post("/").body("abc").unwrap();
        let mut response = sse_testkit::request(app, request).await;
        let pieces: Vec<_> = split
            .pieces()
            .iter()
            .map(|it| it.escape_ascii().to_string())
            .collect();
        assert_eq!(response.body_text().await, pieces.join("|") + "|");
    }
}

#[tokio::test]
async fn a_router_takes_it_as_its_layer() {
    let app = Router::new()
        .route("/", get(|| async { "hello" }))
        .layer(chaos::cut_after(4));
    let mut response = sse_testkit::get(app, "/").await;
    assert_eq!(response.body_text().await, "hell");
}

fn events(pieces: &[Bytes]) -> Vec<String> {
    let mut parser = Parser::new();
    let items = pieces.iter().flat_map(|piece| parser.feed(piece).unwrap());
    let events = items.filter_map(|item| match item {
        Item::Event(event) => Some(event.data),
        _ => None,
    });
    events.collect()
}

#[test]
fn the_parser_reads_every_split_alike() {
    let text = "\u{feff}: hi\r\ndata: grüße\rdata: 𝄞\n\r\nretry: 5\r\n\r\ndata\n\n";
    chaos::every_split(text, |pieces| assert_eq!(events(pieces), ["grüße\n𝄞", ""]));
}

/// What the panic says, without the line of this function.
fn failure(check: impl FnMut(&[Bytes])) -> String {
    let line = line!() + 1;
    let run = AssertUnwindSafe(|| chaos::every_split("a: 1\r\n\r\n", check));
    let panic = catch_unwind(run).unwrap_err();
    let message = panic.downcast_ref::<String>().unwrap();
    let here = format!("{}:{line}: ", file!());
    message.strip_prefix(&here).unwrap().to_owned()
}

#[test]
fn a_split_that_is_read_wrongly_is_named() {
    insta::assert_snapshot!(failure(|pieces| {
        // CR at the end of a piece, LF at the beginning of the next.
        assert!(!pieces.iter().any(|piece| piece.starts_with(b"\n")), "an empty line:\n{pieces:?}");
    }), @r#"
    the check fails for these bytes, split like this
    split:    "a: 1\r" | "\n\r\n" after 5 of 8 bytes
    because:  an empty line:
              [b"a: 1\r", b"\n\r\n"]
    in one piece, and split at any place before, they were read well
    "#);
    insta::assert_snapshot!(failure(|pieces| assert!(pieces.len() <= 2)), @r#"
    the check fails for these bytes, split like this
    split:    "a: 1\r\n\r\n" one byte at a time
    because:  assertion failed: pieces.len() <= 2
    in one piece, and split at any place before, they were read well
    "#);
    insta::assert_snapshot!(failure(|_| panic!("never")), @r#"
    the check fails for these bytes, split like this
    split:    "a: 1\r\n\r\n" in one piece
    because:  never
    nothing was split yet: the check does not hold for the bytes as they are
    "#);
}

#[tokio::test(start_paused = true)]
async fn what_is_read_from_a_socket_suffers() {
    let (client, mut server) = tokio::io::duplex(64);
    let mut client = chaos::split_every(2)
        .delay(secs(1))
        .fail_after(5)
        .io(client);
    server.write_all(b"abcdef").await.unwrap();

    let start = Instant::now();
    let mut bytes = [0; 64];
    let mut sizes = Vec::new();
    let error = loop {
        match client.read(&mut bytes).await {
            Ok(size) => sizes.push((start.elapsed().as_secs(), size)),
            Err(error) => break error,
        }
    };
    assert_eq!(sizes, [(1, 2), (2, 2), (3, 1)]);
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    assert_eq!(error.to_string(), "broken off by the test after 5 bytes");
}

#[tokio::test]
async fn a_piece_larger_than_the_readers_buffer_is_read_in_parts() {
    let (client, mut server) = tokio::io::duplex(64);
    let mut client = chaos::merge().io(client);
    server.write_all(b"abcdef").await.unwrap();
    drop(server);
    let mut bytes = [0; 4];
    assert_eq!(client.read(&mut bytes).await.unwrap(), 4);
    assert_eq!(client.read(&mut bytes).await.unwrap(), 2);
    assert_eq!(client.read(&mut bytes).await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_is_written_to_a_socket_suffers() {
    let (client, mut server) = tokio::io::duplex(64);
    let slow = chaos::split_every(2).delay(secs(1));
    let mut client = ChaosIo::new(client).writing(&slow);
    let start = Instant::now();
    let reader = tokio::spawn(async move {
        let mut bytes = [0; 64];
        let mut sizes = Vec::new();
        loop {
            match server.read(&mut bytes).await.unwrap() {
                0 => return sizes,
                size => sizes.push((start.elapsed().as_secs(), size)),
            }
        }
    });
    client.write_all(b"abc").await.unwrap();
    client.write_all(b"de").await.unwrap();
    client.flush().await.unwrap();
    assert_eq!(start.elapsed(), secs(3));
    client.shutdown().await.unwrap();
    assert_eq!(reader.await.unwrap(), [(1, 2), (2, 1), (3, 2)]);
}

#[tokio::test(start_paused = true)]
async fn a_socket_is_cut_or_broken_off_for_writing() {
    let (client, mut server) = tokio::io::duplex(64);
    let mut client = ChaosIo::new(client).writing(&chaos::cut_after(2));
    client.write_all(b"abc").await.unwrap();
    let error = client.write_all(b"d").await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe);
    let mut text = String::new();
    server.read_to_string(&mut text).await.unwrap();
    assert_eq!(text, "ab");

    let (client, _server) = tokio::io::duplex(64);
    let mut client = ChaosIo::new(client).writing(&chaos::fail_after(0));
    let error = client.write_all(b"abc").await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    let error = client.write_all(b"abc").await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}

#[tokio::test(start_paused = true)]
async fn bytes_that_are_held_for_a_time_are_flushed_and_those_that_wait_for_more_are_not_waited_for()
 {
    let (client, mut server) = tokio::io::duplex(64);
    let mut client = ChaosIo::new(client).writing(&chaos::merge_for(secs(1)));
    client.write_all(b"ab").await.unwrap();
    client.flush().await.unwrap();
    let mut bytes = [0; 64];
    assert_eq!(server.read(&mut bytes).await.unwrap(), 2);

    let (client, mut server) = tokio::io::duplex(64);
    let mut client = ChaosIo::new(client).writing(&chaos::merge_up_to(3));
    client.write_all(b"ab").await.unwrap();
    client.flush().await.unwrap();
    client.write_all(b"c").await.unwrap();
    client.flush().await.unwrap();
    assert_eq!(server.read(&mut bytes).await.unwrap(), 3);
    client.write_all(b"d").await.unwrap();
    client.shutdown().await.unwrap();
    assert_eq!(server.read(&mut bytes).await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_stalls_holds_the_writer_up() {
    let (client, mut server) = tokio::io::duplex(4);
    let mut client = chaos::stall(0, secs(30)).io(client);
    let start = Instant::now();
    let writer = tokio::spawn(async move {
        server.write_all(b"abcdefgh").await.unwrap();
        start.elapsed()
    });
    let mut text = String::new();
    client.read_to_string(&mut text).await.unwrap();
    assert_eq!(text, "abcdefgh");
    assert_eq!(writer.await.unwrap(), secs(30));
}

#[test]
fn without_a_fault_a_body_is_as_it_was() {
    let body = Chaos::new().body(Full::new(Bytes::from("ab")));
    let body = futures_util::FutureExt::now_or_never(body.collect());
    assert_eq!(body.unwrap().unwrap().to_bytes(), "ab");
}

#[tokio::test(start_paused = true)]
async fn a_socket_that_stalls_or_hangs_for_writing_is_not_shut_down_before() {
    for (chaos, time) in [
        (chaos::stall(2, secs(30)), Some(secs(30))),
        (chaos::hang_after(2), None),
    ] {
        let (client, mut server) = tokio::io::duplex(64);
        let mut client = ChaosIo::new(client).writing(&chaos);
        let start = Instant::now();
        let writer = tokio::spawn(async move {
            client.write_all(b"ab").await.unwrap();
            client.flush().await.unwrap();
            client.shutdown().await.unwrap();
        });
        let mut bytes = [0; 64];
        assert_eq!(server.read(&mut bytes).await.unwrap(), 2);
        let end = tokio::time::timeout(secs(60), server.read(&mut bytes)).await;
        assert_eq!(end.is_ok().then(|| start.elapsed()), time);
        writer.abort();
    }
}

//! Several layers around one stream.

use std::{convert::Infallible, time::Duration};

use axum::{Router, routing::get};
use futures_util::{StreamExt, stream};
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use sse_layer::{ConnectionLimit, Drain, Event, OverLimit, Sse, SseLayer};
use sse_testkit::Body;
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};

use crate::{SECOND, endless, numbers::counted, spans::Told, ticks};

type Never = Result<Sse<stream::Pending<Event>>, Infallible>;

async fn silent<B>(_: Request<B>) -> Never {
    Ok(Sse::new(stream::pending()))
}

#[test]
fn a_stream_behind_two_layers_is_one_stream() {
    counted(async |numbers| {
        let told = Told::listen();
        let drain = Drain::new().window(Duration::ZERO);
        let handler = service_fn(async |_: Request<Body>| Ok::<_, Infallible>(Sse::new(endless())));
        let service = ServiceBuilder::new()
            .layer(SseLayer::new().drain(drain.clone()).retry(SECOND))
            .layer(SseLayer::new())
            .service(handler);
        let mut sse = sse_testkit::get(service, "/").await;
        sse.collect(2).await;
        sse.expect_heartbeat().await;
        drain.begin();
        sse.expect_end().await;

        let spans = told.streams();
        assert_eq!(spans.len(), 1);
        // The outer layer's reason, and all the bytes of both.
        assert_eq!(spans[0]["reason"], "drained");
        assert_eq!(spans[0]["bytes"], sse.raw().len().to_string());
        assert_eq!((&*spans[0]["events"], &*spans[0]["heartbeats"]), ("2", "1"));
        let read = numbers.read();
        assert_eq!(read["sse_connections_opened_total"], [1.0]);
        assert_eq!(read["sse_connections_closed_total{reason=drained}"], [1.0]);
        assert_eq!(
            read["sse_connections_closed_total{reason=client_gone}"],
            [0.0]
        );
        assert_eq!(read["sse_connections_active"], [0.0]);
    });
}

#[test]
fn a_refusal_further_in_is_no_stream_though_it_looks_like_one() {
    counted(async |numbers| {
        let draining = Drain::new();
        draining.begin();
        let full = ConnectionLimit::new(0).over_limit(OverLimit::retry_later(5 * SECOND));
        for inner in [SseLayer::new().drain(draining), SseLayer::new().limit(full)] {
            let outer = ConnectionLimit::new(1);
            let service = ServiceBuilder::new()
                .layer(SseLayer::new().limit(outer.clone()).retry(SECOND))
                .layer(inner)
                .service_fn(silent::<Body>);
            let mut sse = sse_testkit::get(service, "/").await;
            sse.expect_status(200);
            sse.expect_end().await;
            let text = String::from_utf8(sse.raw().to_vec()).unwrap();
            assert_eq!(text.matches("retry: ").count(), 1, "{text}");
            assert_eq!(outer.current(), 0);
        }
        let read = numbers.read();
        for reason in ["draining", "limit"] {
            let rejected = &read[&format!("sse_connections_rejected_total{{reason={reason}}}")];
            assert_eq!(rejected, &[1.0], "{reason}");
        }
        assert_eq!(read["sse_connections_opened_total"], [0.0]);
    });
}

#[test]
fn a_stream_that_the_outer_layer_refuses_was_not_left_by_its_client() {
    counted(async |numbers| {
        let service = ServiceBuilder::new()
            .layer(SseLayer::new().limit(ConnectionLimit::new(0)))
            .layer(SseLayer::new())
            .service_fn(silent::<Body>);
        let request = sse_testkit::get(service, "/").header("accept", "*/*");
        request.await.expect_status(429);
        let read = numbers.read();
        assert_eq!(read["sse_connections_rejected_total{reason=limit}"], [1.0]);
        assert_eq!(read["sse_connections_active"], [0.0]);
        assert_eq!(read["sse_connections_closed_total{reason=refused}"], [1.0]);
        assert_eq!(
            read["sse_connections_closed_total{reason=client_gone}"],
            [0.0]
        );
        assert_eq!(read["sse_bytes_sent_total"], [0.0]);
    });
}

#[tokio::test(start_paused = true)]
async fn the_path_is_the_one_that_the_outermost_layer_saw() {
    let told = Told::listen();
    let log = Router::new().route("/log", get(async || Sse::new(ticks())));
    let app: Router = Router::new()
        .nest("/admin", log.layer(SseLayer::new()))
        .layer(SseLayer::new());
    let app = app.map_request(|request: Request<Body>| request.map(axum::body::Body::new));
    let mut sse = sse_testkit::get(app, "/admin/log").await;
    sse.collect_to_end().await;
    let spans = told.streams();
    assert_eq!(spans.len(), 1);
    assert_eq!(spans[0]["path"], "/admin/log");
}

#[test]
fn a_response_that_is_used_again_is_another_stream() {
    counted(async |numbers| {
        let told = Told::listen();
        let mut kept = SseLayer::new().layer(service_fn(async |_: Request<()>| {
            Ok::<_, Infallible>(Sse::new(ticks()))
        }));
        let (parts, body) = kept.call(Request::new(())).await.unwrap().into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        for _ in 0..3 {
            let (parts, bytes) = (parts.clone(), bytes.clone());
            let again = SseLayer::new().layer(service_fn(move |_: Request<()>| {
                let response = Response::from_parts(parts.clone(), Full::new(bytes.clone()));
                async { Ok::<_, Infallible>(response) }
            }));
            let response = again.oneshot(Request::new(())).await.unwrap();
            response.into_body().collect().await.unwrap();
        }
        assert_eq!(numbers.one("sse_connections_opened_total"), 4.0);
        assert_eq!(told.streams().len(), 4);
        assert_eq!(told.streams()[3]["events"], "2");
    });
}

#[tokio::test(start_paused = true)]
async fn whoever_keeps_a_responses_head_does_not_keep_its_span() {
    let told = Told::listen();
    let service = SseLayer::new().layer(service_fn(silent::<()>));
    let response = service.oneshot(Request::new(())).await.unwrap();
    let (parts, body) = response.into_parts();
    assert_eq!(told.closed(), 0);
    drop(body);
    assert_eq!(told.closed(), 1);
    drop(parts);
}

#[tokio::test(start_paused = true)]
async fn trailers_pass_two_layers_and_all_bytes_are_counted_once() {
    let told = Told::listen();
    let pieces = ["data: a\n", "\ndata: b\n\n"];
    let service = ServiceBuilder::new()
        .layer(SseLayer::new().retry(SECOND))
        .layer(SseLayer::new())
        .service_fn(async |_: Request<()>| {
            let frames = stream::iter(pieces)
                .map(|piece| http_body::Frame::data(bytes::Bytes::from(piece)))
                .chain(stream::iter([http_body::Frame::trailers(
                    http::HeaderMap::new(),
                )]));
            let body = http_body_util::StreamBody::new(frames.map(Ok::<_, Infallible>));
            let head = Response::builder().header("content-type", "text/event-stream");
            Ok::<_, Infallible>(head.body(body).unwrap())
        });
    let body = service.oneshot(Request::new(())).await.unwrap().into_body();
    let sent = body.collect().await.unwrap();
    assert!(sent.trailers().is_some());
    let span = &told.streams()[0];
    assert_eq!((&*span["reason"], &*span["events"]), ("ended", "2"));
    assert_eq!(span["bytes"], sent.to_bytes().len().to_string());
}

#[test]
fn a_head_request_opens_nothing() {
    counted(async |numbers| {
        let service = ServiceBuilder::new()
            .layer(SseLayer::new())
            .layer(SseLayer::new())
            .service_fn(silent::<()>);
        let request = Request::head("/").body(()).unwrap();
        assert_eq!(service.oneshot(request).await.unwrap().status(), 200);
        assert!(numbers.read().is_empty());
    });
}

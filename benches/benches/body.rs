//! Nanoseconds that a body takes beside what it sends: to be opened and dropped, to be polled in
//! vain, and to guard what somebody else has written.

use std::{
    convert::Infallible,
    future::ready,
    hint::black_box,
    pin::Pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use axum::response::{IntoResponse as _, sse};
use bytes::Bytes;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use futures_util::stream;
use http::{HeaderValue, Request, Response, header::CONTENT_TYPE};
use http_body::{Body, Frame};
use http_body_util::StreamBody;
use sse_benches::drain_body;
use sse_layer::{ConnectionLimit, Drain, Event, Sse, SseLayer};
use tokio::runtime::Builder;
use tower::{Layer as _, Service, service_fn};

/// Enough for the head not to count.
const CHUNKS: usize = 1000;

/// As many bytes as a small event in JSON has.
const CHUNK: &[u8] = &[b'x'; 120];

fn bodies(criterion: &mut Criterion) {
    // Keep-alive timers want a clock; nothing here waits for one.
    let runtime = Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime");
    let _entered = runtime.enter();
    opened(criterion);
    polled_in_vain(criterion);
    guarded(criterion);
}

/// From the request to the first poll that finds nothing, and to the body's end.
fn opened(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("open");
    let defaults = SseLayer::new();
    group.bench_function("sse-layer", |bencher| {
        let mut service = defaults.layer(service_fn(|_: Request<()>| ready(silent())));
        bencher.iter(|| until_pending(answer(&mut service)));
    });
    let full = full_layer();
    group.bench_function("sse-layer with limit and drain", |bencher| {
        let mut service = full.layer(service_fn(|_: Request<()>| ready(silent())));
        bencher.iter(|| until_pending(answer(&mut service)));
    });
    group.bench_function("axum with keep-alive", |bencher| {
        bencher.iter(|| until_pending(axum_silent()));
    });
    group.finish();
}

/// A poll that finds no event, as after a wake that was for something else.
fn polled_in_vain(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("poll in vain");
    let full = full_layer();
    group.bench_function("sse-layer with limit and drain", |bencher| {
        let mut service = full.layer(service_fn(|_: Request<()>| ready(silent())));
        let mut body = until_pending(answer(&mut service));
        bencher.iter(|| is_pending(body.as_mut()));
    });
    group.bench_function("axum with keep-alive", |bencher| {
        let mut body = until_pending(axum_silent());
        bencher.iter(|| is_pending(body.as_mut()));
    });
    group.finish();
}

/// An event stream that somebody else writes, in chunks of an event each: as it is, and behind the
/// layer.
fn guarded(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("somebody else's chunk");
    group.throughput(Throughput::Elements(CHUNKS as u64));
    group.bench_function("unguarded", |bencher| {
        bencher.iter_batched(
            foreign,
            |response| drained(response.into_body()),
            BatchSize::SmallInput,
        );
    });
    let full = full_layer();
    group.bench_function("sse-layer with limit and drain", |bencher| {
        bencher.iter_batched(
            || {
                answer(&mut full.layer(service_fn(|_: Request<()>| {
                    ready(Ok::<_, Infallible>(foreign()))
                })))
            },
            drained,
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

fn full_layer() -> SseLayer {
    SseLayer::new()
        .limit(ConnectionLimit::new(1_000_000))
        .drain(Drain::new())
}

fn silent() -> Result<Sse<stream::Pending<Event>>, Infallible> {
    Ok(Sse::new(stream::pending()))
}

fn axum_silent() -> axum::body::Body {
    let silent = stream::pending::<Result<sse::Event, Infallible>>();
    let silent = sse::Sse::new(silent).keep_alive(sse::KeepAlive::default());
    silent.into_response().into_body()
}

fn foreign()
-> Response<StreamBody<impl futures_util::Stream<Item = Result<Frame<Bytes>, Infallible>>>> {
    let chunks = (0..CHUNKS).map(|_| Ok(Frame::data(Bytes::from_static(CHUNK))));
    let mut response = Response::new(StreamBody::new(stream::iter(chunks)));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    response
}

/// The body that a service answers with, which it does at once.
fn answer<S, B>(service: &mut S) -> B
where
    S: Service<Request<()>, Response = Response<B>, Error = Infallible>,
{
    let mut future = std::pin::pin!(service.call(Request::new(())));
    match future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(Ok(response)) => response.into_body(),
        Poll::Ready(Err(never)) => match never {},
        Poll::Pending => panic!("the handler answers at once"),
    }
}

fn until_pending<B>(body: B) -> Pin<Box<B>>
where
    B: Body,
{
    let mut body = Box::pin(body);
    while !is_pending(body.as_mut()) {}
    body
}

fn is_pending<B>(body: Pin<&mut B>) -> bool
where
    B: Body,
{
    body.poll_frame(&mut Context::from_waker(Waker::noop()))
        .is_pending()
}

fn drained<B>(body: B)
where
    B: Body,
{
    drain_body(body, |chunk| {
        black_box(chunk);
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(30)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(600));
    targets = bodies
}
criterion_main!(benches);

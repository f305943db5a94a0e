//! A stand-in for the servers: plain hyper with a body written by hand.

use std::{
    collections::HashMap,
    convert::Infallible,
    fmt::Write as _,
    future::Future,
    io::{self, Write as _},
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body::Frame;
use http_body_util::{BodyExt, Either, Full};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use socket2::{Domain, Socket, Type};
use tokio::{
    sync::mpsc,
    time::{Instant, Sleep, sleep},
};

/// The servers' names, each with what it is.
pub const NAMES: &[(&str, &str)] = &[
    ("hyper", "hyper with a body written by hand"),
    ("hyper-h2", "the same over HTTP/2"),
];

/// Is a server and never returns, if the first argument is `--serve`.
pub fn serve_if_asked() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().map(String::as_str) != Some("--serve") {
        return;
    }
    let options: HashMap<&str, &str> = arguments
        .windows(2)
        .map(|pair| (pair[0].as_str(), pair[1].as_str()))
        .collect();
    let option = |name| {
        options
            .get(name)
            .and_then(|value| value.parse::<u64>().ok())
    };
    let port = u16::try_from(option("--port").unwrap_or(0)).unwrap_or(0);
    let heartbeat = Duration::from_secs(option("--heartbeat-secs").unwrap_or(15));
    let shared = arguments.iter().any(|argument| argument == "--shared-port");
    std::thread::spawn(|| {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        std::process::exit(0);
    });
    let served = tokio::runtime::Runtime::new().and_then(|runtime| {
        runtime.block_on(serve(
            port,
            heartbeat,
            shared,
            arguments.iter().any(|argument| argument == "hyper-h2"),
        ))
    });
    if let Err(error) = served {
        eprintln!("{error}");
    }
    std::process::exit(1);
}

type Live = Arc<Mutex<Vec<mpsc::Sender<Bytes>>>>;

async fn serve(port: u16, heartbeat: Duration, shared: bool, h2: bool) -> io::Result<()> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM.nonblocking(), None)?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(shared)?;
    socket.bind(&std::net::SocketAddr::from(([127, 0, 0, 1], port)).into())?;
    socket.listen(1024)?;
    let listener = tokio::net::TcpListener::from_std(socket.into())?;
    println!("listening on http://{}", listener.local_addr()?);
    io::stdout().flush()?;
    let live = Live::default();
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let live = live.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(request, heartbeat, live.clone()));
            let io = TokioIo::new(stream);
            let _ = if h2 {
                hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                    .serve_connection(io, service)
                    .await
            } else {
                hyper::server::conn::http1::Builder::new()
                    .timer(TokioTimer::new())
                    .serve_connection(io, service)
                    .await
            };
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    heartbeat: Duration,
    live: Live,
) -> Result<Response<Either<Stream, Full<Bytes>>>, Infallible> {
    let query = request.uri().query().unwrap_or("");
    let stream = match (request.method(), request.uri().path()) {
        (&Method::GET, "/idle") => Source::Idle,
        (&Method::GET, "/tick") => Source::Tick {
            next: 0,
            end: query
                .strip_prefix("n=")
                .and_then(|n| n.parse().ok())
                .unwrap_or(0),
        },
        (&Method::GET, "/live") => {
            let (sender, receiver) = mpsc::channel(64);
            live.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(sender);
            Source::Live(receiver)
        }
        (&Method::POST, "/publish") => {
            let body = request.into_body().collect().await;
            let body = body
                .map(http_body_util::Collected::to_bytes)
                .unwrap_or_default();
            let mut frame = b"data: ".to_vec();
            frame.extend_from_slice(&body);
            frame.extend_from_slice(b"\n\n");
            let frame = Bytes::from(frame);
            live.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .retain(|sender| sender.try_send(frame.clone()).is_ok());
            return Ok(empty(StatusCode::NO_CONTENT));
        }
        _ => return Ok(empty(StatusCode::NOT_FOUND)),
    };
    drop(request);
    let mut response = Response::new(Either::Left(Stream {
        source: stream,
        heartbeat,
        sleep: Box::pin(sleep(heartbeat)),
    }));
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        header::HeaderValue::from_static("text/event-stream"),
    );
    Ok(response)
}

fn empty(status: StatusCode) -> Response<Either<Stream, Full<Bytes>>> {
    let mut response = Response::new(Either::Right(Full::default()));
    *response.status_mut() = status;
    response
}

enum Source {
    Idle,
    Tick { next: u64, end: u64 },
    Live(mpsc::Receiver<Bytes>),
}

struct Stream {
    source: Source,
    heartbeat: Duration,
    sleep: Pin<Box<Sleep>>,
}

impl http_body::Body for Stream {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match &mut self.source {
            Source::Idle => {}
            Source::Tick { next, end } if next == end => return Poll::Ready(None),
            Source::Tick { next, end } => {
                let mut chunk = String::with_capacity(8192);
                while next < end && chunk.len() < 8000 {
                    let _ = write!(
                        chunk,
                        "data: {{\"sequence\":{next},\"symbol\":\"ACME\",\"price\":1234.56,\"volume\":1000200,\
                         \"currency\":\"USD\",\"venue\":\"XNAS\",\"halted\":false}}\n\n"
                    );
                    *next += 1;
                }
                return Poll::Ready(Some(Ok(Frame::data(chunk.into()))));
            }
            Source::Live(receiver) => {
                if let Poll::Ready(frame) = receiver.poll_recv(cx) {
                    let after = Instant::now() + self.heartbeat;
                    self.sleep.as_mut().reset(after);
                    return Poll::Ready(frame.map(|frame| Ok(Frame::data(frame))));
                }
            }
        }
        ready!(self.sleep.as_mut().poll(cx));
        let after = Instant::now() + self.heartbeat;
        self.sleep.as_mut().reset(after);
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b":\n\n")))))
    }
}

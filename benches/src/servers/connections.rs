//! The accept loop of the servers on plain hyper, ours and the ones by hand.
//!
//! A function a protocol, each with a task of its own: one for all would have the memory of the
//! largest.

use std::{error::Error, io, time::Duration};

use http::{Request, Response};
use http_body::Body;
use hyper::{
    body::Incoming,
    server::conn::{http1 as h1, http2 as h2},
    service::Service,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto as h1_or_h2,
};
use tokio::{
    net::{TcpListener, TcpStream},
    time::sleep,
};

/// What to wait when no more sockets are to be had.
const OUT_OF_SOCKETS: Duration = Duration::from_millis(200);

/// Serves HTTP/1.1.
pub(super) async fn http1<S, B>(listener: std::net::TcpListener, service: S) -> io::Result<()>
where
    S: Service<Request<Incoming>, Response = Response<B>, Error: Error + Send + Sync, Future: Send>
        + Clone
        + Send
        + 'static,
    B: Body<Data: Send, Error: Error + Send + Sync> + Send + 'static,
{
    each(listener, service, |io, service| {
        h1::Builder::new().serve_connection(io, service)
    })
    .await
}

/// Serves HTTP/2, of which the client knows.
pub(super) async fn http2<S, B>(listener: std::net::TcpListener, service: S) -> io::Result<()>
where
    S: Service<Request<Incoming>, Response = Response<B>, Error: Error + Send + Sync, Future: Send>
        + Clone
        + Send
        + 'static,
    B: Body<Data: Send, Error: Error + Send + Sync> + Send + 'static,
{
    each(listener, service, |io, service| {
        h2::Builder::new(TokioExecutor::new()).serve_connection(io, service)
    })
    .await
}

/// Serves either, as the client begins.
pub(super) async fn auto<S, B>(listener: std::net::TcpListener, service: S) -> io::Result<()>
where
    S: Service<Request<Incoming>, Response = Response<B>, Error: Error + Send + Sync, Future: Send>
        + Clone
        + Send
        + 'static,
    B: Body<Data: Send, Error: Error + Send + Sync> + Send + 'static,
{
    each(listener, service, |io, service| async move {
        let builder = h1_or_h2::Builder::new(TokioExecutor::new());
        builder.serve_connection(io, service).await
    })
    .await
}

/// Serves each connection on a task of its own. A client that breaks off is no matter of the
/// server's.
async fn each<S, F>(
    listener: std::net::TcpListener,
    service: S,
    serve: impl Fn(TokioIo<TcpStream>, S) -> F,
) -> io::Result<()>
where
    S: Clone,
    F: Future<Output: Send> + Send + 'static,
{
    let mut listener = TcpListener::from_std(listener)?;
    loop {
        let stream = accept(&mut listener).await;
        let connection = serve(TokioIo::new(stream), service.clone());
        tokio::spawn(async { drop(connection.await) });
    }
}

/// The next connection. A client that has gone before it was accepted is its own matter; being out
/// of sockets passes when others leave.
async fn accept(listener: &mut TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(error) if is_the_clients(&error) => {}
            Err(error) => {
                eprintln!("can't accept a connection: {error}");
                sleep(OUT_OF_SOCKETS).await;
            }
        }
    }
}

fn is_the_clients(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
    )
}

//! Taking connections, until the server is dropped.

use std::sync::Arc;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::service::Mock;
use super::socket::{Reset, Socket};

/// The connections are tasks of their own, and end with this one.
pub(super) async fn accept(listener: TcpListener, mock: Arc<Mock>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((tcp, _)) => {
                    connections.spawn(serve(tcp, Arc::clone(&mock)));
                }
                // Too many open files, most likely: they become fewer.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(tcp: TcpStream, mock: Arc<Mock>) {
    // Without it the times would not be those of the script.
    let _ = tcp.set_nodelay(true);
    let reset = Arc::new(Reset::default());
    let io = TokioIo::new(Socket::new(tcp, Arc::clone(&reset)));
    let service = service_fn(|request| Arc::clone(&mock).answer(request, Arc::clone(&reset)));
    // The tasks that HTTP/2 has for its streams end with the connection.
    let builder = auto::Builder::new(TokioExecutor::new());
    let connection = builder.serve_connection(io, service);
    tokio::select! {
        biased;
        // A client that goes away is no fault of the mock.
        _ = connection => {}
        () = reset.asked() => {}
    }
}

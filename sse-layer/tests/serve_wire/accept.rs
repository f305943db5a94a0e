//! Listeners that fail.

use std::{io, time::Duration};

use sse_layer::{
    Drain,
    serve::{Listener, PeerAddr},
};
use tokio::{io::DuplexStream, time::timeout};

use super::{app, page};

/// Never has a connection.
struct Broken(io::ErrorKind);

impl Listener for Broken {
    type Io = DuplexStream;

    async fn accept(&mut self) -> io::Result<(DuplexStream, PeerAddr)> {
        Err(self.0.into())
    }
}

#[tokio::test(start_paused = true)]
async fn a_listener_that_only_fails_keeps_no_server_from_ending() {
    // Those of a peer, which are not waited for, and others.
    for kind in [
        io::ErrorKind::ConnectionReset,
        io::ErrorKind::ConnectionAborted,
        io::ErrorKind::Other,
    ] {
        let drain = Drain::new();
        let service = app(|_| page(""));
        let server = sse_layer::serve(Broken(kind), service).drain(drain.clone());
        let server = tokio::spawn(server.into_future());
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert!(!server.is_finished());
        drain.begin();
        let ended = timeout(Duration::from_secs(60), server).await;
        assert_eq!(ended.unwrap().unwrap(), Ok(()), "{kind:?}");
    }
}

//! Clients that leave while a stream goes on.

use super::{
    Script, Step, app,
    body::Seen,
    event_stream, get, replies, settle, start,
    wire::{Client, Pace},
};

async fn leaves_during(steps: fn() -> Vec<Step>, prepare: fn(&Client), leave: fn(&Client)) {
    let seen = Seen::default();
    let seen_inside = seen.clone();
    let connector = start(app(move |_| {
        event_stream(Script::new(steps()).seen_by(&seen_inside))
    }));
    let client = connector.connect(Pace::ALL);
    prepare(&client);
    client.send(get("/"));
    settle().await;
    assert_eq!(seen.drops(), 0);
    assert!(seen.polls() > 0);
    leave(&client);
    settle().await;
    assert_eq!(seen.drops(), 1, "the body stays");
    assert!(client.is_gone());
    let received = client.received();
    assert!(!replies(&received, &["GET"])[0].is_whole, "it had no end");
}

fn idle() -> Vec<Step> {
    vec![Step::text("one"), Step::Never]
}

fn large() -> Vec<Step> {
    vec![Step::Data(vec![b'x'; 100 * 1024].into()), Step::Never]
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_an_idle_stream_ends_it_at_once() {
    leaves_during(idle, |_| {}, Client::half_close).await;
    leaves_during(idle, |_| {}, Client::reset).await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_while_it_is_written_to_ends_the_stream_at_once() {
    leaves_during(large, |client| client.take_only(1000), Client::half_close).await;
    leaves_during(large, |client| client.take_only(1000), Client::reset).await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_with_requests_behind_the_stream_ends_it_at_once() {
    let send_more = |client: &Client| client.send(get("/another"));
    leaves_during(idle, send_more, Client::half_close).await;
}

#[tokio::test(start_paused = true)]
async fn a_duplex_that_is_dropped_or_shut_ends_the_stream() {
    use sse_layer::serve::{Listener, PeerAddr};
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream},
        time::timeout,
    };

    /// Of time that is paused: so long for what comes at once or never.
    const BOUND: std::time::Duration = std::time::Duration::from_secs(1);

    struct Once(Option<DuplexStream>);

    impl Listener for Once {
        type Io = DuplexStream;

        async fn accept(&mut self) -> std::io::Result<(DuplexStream, PeerAddr)> {
            match self.0.take() {
                Some(io) => Ok((io, PeerAddr::unknown())),
                None => std::future::pending().await,
            }
        }
    }

    for is_half in [true, false] {
        let seen = Seen::default();
        let seen_inside = seen.clone();
        let service = app(move |_| event_stream(Script::new(idle()).seen_by(&seen_inside)));
        let (mut client, server) = tokio::io::duplex(64);
        tokio::spawn(sse_layer::serve(Once(Some(server)), service).into_future());
        client.write_all(get("/").as_bytes()).await.unwrap();
        let mut received = Vec::new();
        while !received.ends_with(b"one\r\n") {
            let read = timeout(BOUND, client.read_buf(&mut received)).await;
            assert_ne!(read.unwrap().unwrap(), 0);
        }
        assert_eq!(seen.drops(), 0);
        if is_half {
            client.shutdown().await.unwrap();
            let read = timeout(BOUND, client.read(&mut [0; 8])).await;
            assert_eq!(read.unwrap().unwrap(), 0, "nothing more");
        } else {
            drop(client);
            settle().await;
        }
        assert_eq!(seen.drops(), 1);
    }
}

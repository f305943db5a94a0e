//! Several clients of one server.
#![allow(clippy::unwrap_used, reason = "also outside of the test functions")]

use std::panic::{AssertUnwindSafe, catch_unwind};

use sse_testkit::pattern::{any_number_of_events, end, event, message};
use sse_testkit::{Clients, all};

#[macro_use]
mod fails;
mod streams;

use self::streams::{Script, ms, open, secs};

const ONE_TWO: Script = &[
    (0, "id: 1\ndata: a\n\n"),
    (1000, "id: 2\ndata: b\n\n"),
    (0, ""),
];
const LATE: Script = &[
    (2000, "id: 1\ndata: a\n\n"),
    (1000, "id: 2\ndata: b\n\n"),
    (0, ""),
];
const OTHER: Script = &[
    (0, "id: 1\ndata: a\n\n"),
    (500, "id: 2\ndata: x\n\n"),
    (0, ""),
];

async fn clients(scripts: &[Script]) -> Clients {
    let mut streams = Vec::new();
    for script in scripts {
        streams.push(open(script).await);
    }
    all(streams)
}

#[tokio::test(start_paused = true)]
async fn expectations_are_of_each_and_at_the_same_time() {
    let start = tokio::time::Instant::now();
    let mut clients = clients(&[ONE_TWO, LATE]).await;
    let first = clients
        .each(async |sse| sse.expect_message().text("a").await.data)
        .await;
    assert_eq!(first, ["a", "a"]);
    clients.expect_sequence([message().id("2"), end()]).await;
    assert_eq!(start.elapsed(), secs(3));
    let streams = clients.into_streams();
    assert_eq!(streams[0].last_event_id(), "2");
}

#[tokio::test]
async fn events_are_collected_from_each() {
    let mut all = clients(&[ONE_TWO, LATE]).await;
    let events = all.collect(1).await;
    assert_eq!((events[0].len(), events[1].len()), (1, 1));
    assert_eq!(all.collect_to_end().await.len(), 2);
    all.expect_same_events();
    assert_eq!(all.transcripts().count(), 2);

    let mut all = clients(&[ONE_TWO, LATE]).await;
    let events = all.collect_for(ms(2500)).await;
    assert_eq!((events[0].len(), events[1].len()), (2, 1));
}

#[tokio::test]
async fn those_that_fail_are_named_after_all_have_come_to_their_end() {
    insta::assert_snapshot!(failure!(clients in clients(&[LATE, OTHER, ONE_TWO]) =>
        clients.expect_sequence([any_number_of_events(), message().text("b")]).await
    ), @r#"
    1 of 3 clients did not see what was expected
    as expected: clients 1, 3

    client 2: the stream is not as expected
    expected: a sequence of 2 patterns
    but:      pattern 2 is not met
              ✓  1  any number of events
                     2 of them
              ✗  2  an event without a name, data "b"
                     the stream ended
    received so far:
        HTTP 200 OK
        content-type: text/event-stream

        +0ms     event message #1 | a
        +500ms   event message #2 | x
        +500ms   end
    "#);
    insta::assert_snapshot!(failure!(clients in clients(&[OTHER, LATE]) =>
        clients.collect(3).await
    ), @r"
    2 of 2 clients did not see what was expected

    client 1: the stream is not as expected
    expected: event 3 of 3
    but:      the stream ended
    received so far:
        HTTP 200 OK
        content-type: text/event-stream

        +0ms     event message #1 | a
        +500ms   event message #2 | x
        +500ms   end

    client 2: the stream is not as expected
    expected: event 3 of 3
    but:      the stream ended
    received so far:
        HTTP 200 OK
        content-type: text/event-stream

        +2s      event message #1 | a
        +3s      event message #2 | b
        +3s      end
    ");
}

#[tokio::test]
async fn an_expectation_of_ones_own_fails_at_its_own_line_as_well() {
    let mut clients = clients(&[OTHER, LATE]).await;
    let local = tokio::task::LocalSet::new();
    let task = local.run_until(async move {
        let line = line!() + 1;
        let run = clients.each(async |sse| sse.expect_event("tick").await);
        let outcome = futures_util::FutureExt::catch_unwind(AssertUnwindSafe(run)).await;
        (line, outcome.map(drop).unwrap_err())
    });
    let (line, panic) = task.await;
    let message = panic.downcast_ref::<String>().unwrap();
    let message = message.replace(&format!("{}:{line}: ", file!()), "[here] ");
    insta::assert_snapshot!(message, @r#"
    [here] 2 of 2 clients did not see what was expected

    client 1: the stream is not as expected
    expected: event "tick"
    but:      got event message #1 | a
              the name is "message", not "tick"
    received so far:
        HTTP 200 OK
        content-type: text/event-stream

        +0ms     event message #1 | a

    client 2: the stream is not as expected
    expected: event "tick"
    but:      got event message #1 | a
              the name is "message", not "tick"
    received so far:
        HTTP 200 OK
        content-type: text/event-stream

        +2s      event message #1 | a
    "#);
}

/// Reads all these, and compares them.
async fn compared(scripts: &[Script]) -> Result<(), String> {
    let mut clients = clients(scripts).await;
    let read = async |sse: &mut sse_testkit::EventStream| sse.collect_for(secs(60)).await;
    clients.each(read).await;
    let line = line!() + 1;
    let compare = || _ = clients.expect_same_events();
    catch_unwind(AssertUnwindSafe(compare)).map_err(|panic| {
        let message = panic.downcast_ref::<String>().unwrap();
        let message = message.strip_prefix(&format!("{}:{line}: ", file!()));
        message.unwrap().to_owned()
    })
}

const OPEN: (u64, &str) = (0, "...");
const FIRST: (u64, &str) = (0, "id: 1\nevent: tick\ndata: one\n\n");
const SECOND: (u64, &str) = (0, "id: 2\nevent: tick\ndata: two\n\n");
const THIRD: (u64, &str) = (0, "id: 3\nevent: tick\ndata: three\n\n");
const NO_ID: (u64, &str) = (0, "data: no id\n\n");
const HELLO: (u64, &str) = (0, "data: hello\n\n");
const FOURTH: (u64, &str) = (0, "id: 4\nevent: tick\ndata: four\n\n");

#[tokio::test]
async fn streams_are_compared_over_what_they_share() {
    let all: Script = &[FIRST, SECOND, THIRD, NO_ID, FOURTH];
    let late: Script = &[THIRD, NO_ID, FOURTH];
    let short: Script = &[FIRST, SECOND, OPEN];
    let middle: Script = &[SECOND, THIRD, OPEN];
    for same in [
        &[all, all][..],
        &[all, late],
        &[late, all],
        &[late, all, middle, short],
        &[all],
        &[],
        &[&[NO_ID], &[NO_ID]],
        &[&[NO_ID, FIRST, OPEN], all],
        // What is sent to each when it comes has no id, and need not be the same.
        &[all, &[HELLO, THIRD, NO_ID, FOURTH]],
        &[&[HELLO, FIRST, SECOND], &[(0, "data: hello 2\n\n"), SECOND]],
    ] {
        assert_eq!(compared(same).await, Ok(()), "{same:?}");
    }
}

#[tokio::test]
async fn clients_that_differ_are_shown_where_they_do() {
    let all: Script = &[FIRST, SECOND, THIRD, NO_ID, FOURTH];
    let lost: Script = &[FIRST, SECOND, NO_ID, FOURTH];
    insta::assert_snapshot!(compared(&[all, lost, all]).await.unwrap_err(), @r"
    the clients have not seen the same events
    clients 1, 3: the same

    client 2 differs at its event 3
      both        event tick #2 | two
      client 1    event tick #3 | three
      client 2    event message | no id
                  #3 never came
    ");
    let doubled: Script = &[FIRST, SECOND, SECOND, THIRD, NO_ID, FOURTH];
    insta::assert_snapshot!(compared(&[doubled, all, all]).await.unwrap_err(), @r"
    the clients have not seen the same events
    clients 2, 3: the same

    client 1 differs at its event 3
      both        event tick #2 | two
      client 2    event tick #3 | three
      client 1    event tick #2 | two
                  #3 came as its event 4
                  #2 came twice
    ");
    let swapped: Script = &[FIRST, THIRD, SECOND, NO_ID, FOURTH];
    let changed: Script = &[FIRST, (0, "id: 2\nevent: tick\ndata: 2\n\n"), THIRD];
    insta::assert_snapshot!(compared(&[swapped, all, all, changed]).await.unwrap_err(), @r"
    the clients have not seen the same events
    clients 2, 3: the same

    client 1 differs at its event 2
      both        event tick #1 | one
      client 2    event tick #2 | two
      client 1    event tick #3 | three
                  #2 came as its event 3

    client 4 differs at its event 2
      both        event tick #1 | one
      client 2    event tick #2 | two
      client 4    event tick #2 | 2
                  #2 is not the same
    ");
    let short: Script = &[FIRST, SECOND];
    insta::assert_snapshot!(compared(&[all, short]).await.unwrap_err(), @r"
    the clients have not seen the same events

    client 2 differs at its event 3
      both        event tick #2 | two
      client 1    event tick #3 | three
      client 2    the end of the stream
                  #3 never came
    ");
    let begun_late: Script = &[SECOND, FOURTH];
    let no_third: Script = &[FIRST, SECOND, THIRD, FOURTH];
    insta::assert_snapshot!(compared(&[no_third, begun_late]).await.unwrap_err(), @r"
    the clients have not seen the same events

    client 2 differs at its event 2
      both        event tick #2 | two
      client 1    event tick #3 | three
      client 2    event tick #4 | four
                  #3 never came
    ");
    // The first id they share is the last one, but what stood before it is not the same.
    let other: Script = &[THIRD, FOURTH];
    insta::assert_snapshot!(compared(&[&[FIRST, SECOND, FOURTH], other]).await.unwrap_err(), @r"
    the clients have not seen the same events

    client 2 differs at its event 1
      client 1    event tick #2 | two
      client 2    event tick #3 | three
                  #2 never came
    ");
    insta::assert_snapshot!(compared(&[&[FIRST], &[FOURTH]]).await.unwrap_err(), @r"
    the clients have not seen the same events

    client 2 shares no id with client 1
      client 1    event tick #1 | one
      client 2    event tick #4 | four
                  #1 never came
    ");
    insta::assert_snapshot!(compared(&[&[FIRST], &[OPEN]]).await.unwrap_err(), @"client 2 has read no event, so there is nothing to compare");
}

#[cfg(feature = "socket")]
mod over_sockets {
    use std::convert::Infallible;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::response::sse::{Event, Sse};
    use futures_util::{Stream, stream};
    use tokio::net::TcpListener;
    use tokio::sync::{Barrier, broadcast};

    use super::*;

    /// Sends each client what is published while it is there.
    #[derive(Clone)]
    struct Feed {
        events: broadcast::Sender<u32>,
        comers: Arc<AtomicUsize>,
        /// The second client does not get this one.
        lost: Option<u32>,
    }

    impl Feed {
        fn open(self) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
            let nth = self.comers.fetch_add(1, Ordering::Relaxed);
            let lost = self.lost.filter(|_| nth == 1);
            let events = self.events.subscribe();
            Sse::new(stream::unfold(events, move |mut events| async move {
                loop {
                    let n = events.recv().await.ok()?;
                    if lost != Some(n) {
                        let event = Event::default().id(n.to_string()).data("x");
                        return Some((Ok(event), events));
                    }
                }
            }))
        }
    }

    /// Three clients, one of them over HTTP/2.
    async fn three(lost: Option<u32>) -> (Clients, broadcast::Sender<u32>) {
        let feed = Feed {
            events: broadcast::Sender::new(100),
            comers: Arc::default(),
            lost,
        };
        let events = feed.events.clone();
        let open = move || async move { feed.clone().open() };
        let app = axum::Router::new().route("/", axum::routing::get(open));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        let mut streams = Vec::new();
        for _ in 0..2 {
            streams.push(sse_testkit::connect(&url).await);
        }
        streams.push(sse_testkit::connect(&url).http2().await);
        (all(streams), events)
    }

    #[tokio::test]
    async fn all_see_the_same_and_wait_at_the_same_time() {
        let (mut clients, events) = three(None).await;
        for n in 1..=3 {
            let clients = events.send(n).unwrap();
            assert_eq!(clients, 3, "whoever has the head is in");
        }
        let together = Barrier::new(3);
        clients
            .each(async |sse| {
                sse.expect_message().id("1").await;
                together.wait().await;
            })
            .await;
        clients
            .expect_sequence([message().id("2"), message().id("3")])
            .await;
        clients.expect_same_events();

        // One goes, the others stay.
        let mut streams = clients.into_streams();
        streams.remove(0);
        events.send(4).unwrap();
        let mut clients = all(streams);
        clients
            .each(async |sse| sse.expect_message().id("4").await)
            .await;
        clients.expect_same_events();
    }

    #[tokio::test]
    async fn the_one_that_an_event_was_kept_from_is_named() {
        let (mut clients, events) = three(Some(2)).await;
        for n in 1..=4 {
            events.send(n).unwrap();
        }
        clients.collect(3).await;
        let panic = catch_unwind(AssertUnwindSafe(|| _ = clients.expect_same_events()));
        let panic = panic.unwrap_err();
        let message = panic.downcast_ref::<String>().unwrap();
        assert!(message.contains("clients 1, 3: the same"), "{message}");
        assert!(
            message.contains("client 2 differs at its event 2"),
            "{message}"
        );
        assert!(message.contains("#2 never came"), "{message}");
    }
}

#[tokio::test]
async fn a_group_of_clients_reads_a_named_event() {
    let mut clients = clients(&[&[FIRST, OPEN], &[FIRST, OPEN]]).await;
    clients.expect_sequence([event("tick").text("one")]).await;
}

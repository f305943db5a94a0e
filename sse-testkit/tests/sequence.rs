//! Sequences of events that are not known exactly.
#![allow(clippy::unwrap_used, reason = "also outside of the test functions")]

use serde::Serialize;
use serde_json::json;
use sse_testkit::Event;
use sse_testkit::json::any_number;
use sse_testkit::pattern::{
    Pattern, any_event, any_number_of_events, end, event, heartbeat, in_any_order, message, tagged,
};

#[macro_use]
mod fails;
mod streams;

use self::streams::{Script, ms, open, secs};

const LETTERS: Script = &[
    (0, ":\n\n"),
    (0, "event: a\nid: 1\ndata: {\"n\":1}\n\n"),
    (1000, ": beat\n\n"),
    (1000, "event: b\ndata: two\n\n"),
    (0, "event: c\ndata: two\n\nevent: b\ndata: three\n\n"),
    (500, "retry: 5\n\n"),
    (500, "event: d\ndata: null\n\n"),
    (1000, ""),
];

fn names(events: &[Event]) -> String {
    events
        .iter()
        .map(|event| &*event.event)
        .collect::<Vec<_>>()
        .join(" ")
}

async fn took(patterns: impl IntoIterator<Item = Pattern>) -> String {
    let mut sse = open(LETTERS).await;
    let events = sse.expect_sequence(patterns).await;
    names(&events)
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Letter {
    A { n: u32 },
    D,
}

#[tokio::test]
async fn each_pattern_is_met_by_the_next_event() {
    let all = [
        event("a").id("1").json(&json!({"n": any_number()})),
        any_event().no_id().text("two"),
        event("c").data_with(|data| data.len() == 3),
        event("b"),
        tagged(&Letter::D),
        end(),
    ];
    assert_eq!(took(all).await, "a b c b d");
    assert_eq!(took([tagged(&Letter::A { n: 1 })]).await, "a");
    assert_eq!(took([]).await, "");
}

#[tokio::test]
async fn any_number_takes_as_little_as_it_can() {
    assert_eq!(took([any_number_of_events(), event("b")]).await, "a b");
    assert_eq!(took([any_number_of_events(), event("a")]).await, "a");
    assert_eq!(took([event("a"), any_number_of_events()]).await, "a");
    assert_eq!(took([any_number_of_events(), end()]).await, "a b c b d");
    assert_eq!(
        took([any_number_of_events(), any_number_of_events(), event("c")]).await,
        "a b c"
    );
}

#[tokio::test]
async fn an_event_that_was_taken_too_early_is_taken_later() {
    assert_eq!(
        took([any_number_of_events(), event("b"), event("d")]).await,
        "a b c b d"
    );
    assert_eq!(
        took([any_number_of_events(), any_event(), event("d")]).await,
        "a b c b d"
    );
    // Which event stood before is only known in the end, and so is the time since then.
    for within in [ms(1000), ms(2500)] {
        let far = event("d").within(within);
        let patterns = [
            any_number_of_events(),
            any_event(),
            any_number_of_events(),
            far,
        ];
        assert_eq!(took(patterns).await, "a b c b d");
    }
}

#[tokio::test]
async fn any_number_can_be_of_a_kind() {
    let two = any_number_of_events().text("two");
    assert_eq!(
        took([event("a"), two.clone(), event("b").text("three")]).await,
        "a b c b"
    );
    insta::assert_snapshot!(failure!(sse in open(LETTERS) =>
        sse.expect_sequence([event("a"), two, event("d")]).await
    ), @r#"
    the stream is not as expected
    expected: a sequence of 3 patterns
    but:      pattern 3 is not met
              ✓  1  event "a"
                     +0ms event a #1 | {"n":1}
              ✓  2  any number of events, data "two"
                     2 of them
              ✗  3  event "d"
                     got event b | three
                     the name is "b", not "d"
                     pattern 2 does not take it: the data is "three", not "two"
    received so far:
        HTTP 200 OK
        content-type: text/event-stream

        +0ms     opening ":\n\n"
        +0ms     event a #1 | {"n":1}
        +1s      comment : beat
        +2s      event b | two
        +2s      event c | two
        +2s      event b | three
    "#);
}

#[tokio::test]
async fn a_group_comes_in_any_order() {
    let group = in_any_order([event("c"), event("b").text("three"), event("b"), event("a")]);
    assert_eq!(took([group, event("d")]).await, "a b c b d");
    // The first one could be either; only one way leaves a place for all.
    let group = in_any_order([any_event(), event("a"), event("c")]);
    assert_eq!(took([group]).await, "a b c");
    let data = in_any_order([event("b"), event("c")]).text("two");
    assert_eq!(took([any_event(), data]).await, "a b c");
    let beat = in_any_order([event("b"), heartbeat()]);
    assert_eq!(took([any_event(), beat]).await, "a b");
    assert_eq!(
        took([
            any_number_of_events(),
            in_any_order([event("b"), event("d")])
        ])
        .await,
        "a b c b d"
    );
}

#[tokio::test]
async fn times_are_those_between_events() {
    let timed = [
        event("a").within(ms(0)),
        heartbeat().after(secs(1)).within(secs(1)),
        event("b").after(secs(1)).within(secs(1)),
        event("c").within(ms(0)),
        any_event(),
        event("d").after(secs(1)).within(secs(1)),
        end().after(secs(1)).within(secs(1)),
    ];
    assert_eq!(took(timed).await, "a b c b d");
    let group = in_any_order([event("b"), event("c")])
        .after(secs(2))
        .within(secs(2));
    assert_eq!(took([event("a"), group]).await, "a b c");
    assert_eq!(
        took([
            event("a"),
            any_number_of_events(),
            event("d").after(secs(3))
        ])
        .await,
        "a b c b d"
    );
}

#[tokio::test]
async fn a_sequence_leaves_the_rest_to_what_follows() {
    let mut sse = open(LETTERS).await;
    sse.expect_sequence([event("a"), event("b")]).await;
    sse.expect_event("c").await;
    sse.expect_sequence([event("b"), event("d").after(secs(1))])
        .await;
    sse.expect_end().await;
}

#[tokio::test]
async fn an_event_that_does_not_fit_is_shown_at_its_place() {
    insta::assert_snapshot!(failure!(sse in open(LETTERS) =>
        sse.expect_sequence([event("a"), event("b").json_partial(&json!({"n": 2})), any_number_of_events(), end()]).await
    ), @r#"
    the stream is not as expected
    expected: a sequence of 4 patterns
    but:      pattern 2 is not met
              ✓  1  event "a"
                     +0ms event a #1 | {"n":1}
              ✗  2  event "b", JSON with {"n":2}
                     got event b | two
                     the data is not JSON: expected ident at line 1 column 2
                 3  any number of events
                 4  the end of the stream
    received so far:
        HTTP 200 OK
        content-type: text/event-stream

        +0ms     opening ":\n\n"
        +0ms     event a #1 | {"n":1}
        +1s      comment : beat
        +2s      event b | two
    "#);
    insta::assert_snapshot!(failure!(sse in open(LETTERS) =>
        sse.expect_sequence([event("a"), any_event(), message().id("4"), any_event()]).await
    ), @r#"
    the stream is not as expected
    expected: a sequence of 4 patterns
    but:      pattern 3 is not met
              ✓  1  event "a"
                     +0ms event a #1 | {"n":1}
              ✓  2  any event
                     +2s event b | two
              ✗  3  an event without a name, id "4"
                     got event c | two
                     the name is "c", not "message"
                     it has no id of its own
                 4  any event
    received so far:
        HTTP 200 OK
        content-type: text/event-stream

        +0ms     opening ":\n\n"
        +0ms     event a #1 | {"n":1}
        +1s      comment : beat
        +2s      event b | two
        +2s      event c | two
        +2s      event b | three
    "#);
}

#[tokio::test]
async fn an_event_that_fits_no_place_of_a_group_is_shown_with_those_that_are_left() {
    insta::assert_snapshot!(failure!(sse in open(LETTERS) =>
        sse.expect_sequence([in_any_order([event("b"), event("a"), event("d"), event("c").text("x")]), end()]).await
    ), @r#"
    the stream is not as expected
    expected: a sequence of 2 patterns
    but:      pattern 1 is not met
              ✗  1  in any order
                   ✓ event "b"
                       +2s event b | two
                   ✓ event "a"
                       +0ms event a #1 | {"n":1}
                     event "d"
                     event "c", data "x"
                     got event c | two
                     it is none of those that are left:
                       event "d": the name is "c", not "d"
                       event "c", data "x": the data is "two", not "x"
                 2  the end of the stream
    received so far:
        HTTP 200 OK
        content-type: text/event-stream

        +0ms     opening ":\n\n"
        +0ms     event a #1 | {"n":1}
        +1s      comment : beat
        +2s      event b | two
        +2s      event c | two
        +2s      event b | three
    "#);
    insta::assert_snapshot!(failure!(sse in open(LETTERS) =>
        sse.expect_sequence([event("a"), in_any_order([event("c"), event("b")]), in_any_order([event("e"), event("b")])]).await
    ), @r#"
    the stream is not as expected
    expected: a sequence of 3 patterns
    but:      pattern 3 is not met
              ✓  1  event "a"
                     +0ms event a #1 | {"n":1}
              ✓  2  in any order
                   ✓ event "c"
                       +2s event c | two
                   ✓ event "b"
                       +2s event b | two
              ✗  3  in any order
                     event "e"
                   ✓ event "b"
                       +2s event b | three
                     got event d | null
                     it is none of those that are left:
                       event "e": the name is "d", not "e"
    received so far:
        HTTP 200 OK
        content-type: text/event-stream

        +0ms     opening ":\n\n"
        +0ms     event a #1 | {"n":1}
        +1s      comment : beat
        +2s      event b | two
        +2s      event c | two
        +2s      event b | three
        +2.5s    retry 5ms
        +3s      event d | null
    "#);
}

#[tokio::test]
async fn an_event_that_comes_too_early_or_too_late_is_told_so() {
    insta::assert_snapshot!(failure!(sse in open(LETTERS) =>
        sse.expect_sequence([event("a"), event("b").after(secs(3))]).await
    ), @r#"
    the stream is not as expected
    expected: a sequence of 2 patterns
    but:      pattern 2 is not met
              ✓  1  event "a"
                     +0ms event a #1 | {"n":1}
              ✗  2  event "b", 3s or more after the one before
                     got event b | two
                     it came 2s after the one before, not 3s or more
    received so far:
        HTTP 200 OK
        content-type: text/event-stream

        +0ms     opening ":\n\n"
        +0ms     event a #1 | {"n":1}
        +1s      comment : beat
        +2s      event b | two
    "#);
    insta::assert_snapshot!(failure!(sse in open(LETTERS) =>
        sse.expect_sequence([event("a"), any_number_of_events(), event("d").within(ms(2500))]).await
    ), @r#"
    the stream is not as expected
    expected: a sequence of 3 patterns
    but:      pattern 3 is not met
              ✓  1  event "a"
                     +0ms event a #1 | {"n":1}
              ✓  2  any number of events
                     3 of them
              ✗  3  event "d", within 2.5s
                     it did not come in time
    received so far:
        HTTP 200 OK
        content-type: text/event-stream

        +0ms     opening ":\n\n"
        +0ms     event a #1 | {"n":1}
        +1s      comment : beat
        +2s      event b | two
        +2s      event c | two
        +2s      event b | three
        +2.5s    retry 5ms
    "#);
    insta::assert_snapshot!(failure!(sse in open(LETTERS) =>
        sse.expect_sequence([event("a"), heartbeat().after(ms(1001))]).await
    ), @r#"
    the stream is not as expected
    expected: a sequence of 2 patterns
    but:      pattern 2 is not met
              ✓  1  event "a"
                     +0ms event a #1 | {"n":1}
              ✗  2  a heartbeat, 1.001s or more after the one before
                     got comment : beat
                     it came 1s after the one before, not 1.001s or more
    received so far:
        HTTP 200 OK
        content-type: text/event-stream

        +0ms     opening ":\n\n"
        +0ms     event a #1 | {"n":1}
        +1s      comment : beat
    "#);
    insta::assert_snapshot!(failure!(sse in open(LETTERS) =>
        sse.expect_sequence([any_number_of_events(), event("d"), end().after(secs(2))]).await
    ), @r#"
    the stream is not as expected
    expected: a sequence of 3 patterns
    but:      pattern 3 is not met
              ✓  1  any number of events
                     4 of them
              ✓  2  event "d"
                     +3s event d | null
              ✗  3  the end of the stream, 2s or more after the one before
                     the stream ended
                     it came 1s after the one before, not 2s or more
    received so far:
        HTTP 200 OK
        content-type: text/event-stream

        +0ms     opening ":\n\n"
        +0ms     event a #1 | {"n":1}
        +1s      comment : beat
        +2s      event b | two
        +2s      event c | two
        +2s      event b | three
        +2.5s    retry 5ms
        +3s      event d | null
        +4s      end
    "#);
}

#[tokio::test]
async fn each_event_of_a_group_has_a_time_of_its_own() {
    let group = |time| in_any_order([event("c"), event("b").within(time)]);
    assert_eq!(took([event("a"), group(secs(2))]).await, "a b c");
    insta::assert_snapshot!(failure!(sse in open(LETTERS) =>
        sse.expect_sequence([event("a"), group(ms(1999))]).await
    ), @r#"
    the stream is not as expected
    expected: a sequence of 2 patterns
    but:      pattern 2 is not met
              ✓  1  event "a"
                     +0ms event a #1 | {"n":1}
              ✗  2  in any order
                     event "c"
                     event "b", within 1.999s
                     got event b | two
                     it is none of those that are left:
                       event "c": the name is "b", not "c"
                       event "b", within 1.999s: it came 2s after the one before, not within 1.999s
    received so far:
        HTTP 200 OK
        content-type: text/event-stream

        +0ms     opening ":\n\n"
        +0ms     event a #1 | {"n":1}
        +1s      comment : beat
        +2s      event b | two
    "#);
}

#[tokio::test]
async fn what_does_not_come_is_told_with_what_came() {
    insta::assert_snapshot!(failure!(sse in open(LETTERS) =>
        sse.expect_sequence([any_event(), any_number_of_events(), event("e"), end()]).await
    ), @r#"
    the stream is not as expected
    expected: a sequence of 4 patterns
    but:      pattern 3 is not met
              ✓  1  any event
                     +0ms event a #1 | {"n":1}
              ✓  2  any number of events
                     4 of them
              ✗  3  event "e"
                     the stream ended
                 4  the end of the stream
    received so far:
        HTTP 200 OK
        content-type: text/event-stream

        +0ms     opening ":\n\n"
        +0ms     event a #1 | {"n":1}
        +1s      comment : beat
        +2s      event b | two
        +2s      event c | two
        +2s      event b | three
        +2.5s    retry 5ms
        +3s      event d | null
        +4s      end
    "#);
    insta::assert_snapshot!(failure!(sse in open(&[(0, "event: a\ndata\n\n"), (0, "...")]) =>
        sse.expect_sequence([event("a"), in_any_order([event("b"), event("c")])]).await
    ), @r#"
    the stream is not as expected
    expected: a sequence of 2 patterns
    but:      pattern 2 is not met
              ✓  1  event "a"
                     +0ms event a |
              ✗  2  in any order
                     event "b"
                     event "c"
                     nothing of the kind came within 60s of paused time (a service that does I/O or runs processes needs `.real_time()`)
    received so far:
        HTTP 200 OK
        content-type: text/event-stream

        +0ms     event a |
    "#);
    insta::assert_snapshot!(failure!(sse in open(&[(0, "event: a\ndata\n\n"), (5, "!")]) =>
        sse.expect_sequence([any_number_of_events(), end()]).await
    ), @r"
    the stream is not as expected
    expected: a sequence of 2 patterns
    but:      pattern 2 is not met
              ✓  1  any number of events
                     1 of them
              ✗  2  the end of the stream
                     the stream failed: the wire is cut
    received so far:
        HTTP 200 OK
        content-type: text/event-stream

        +0ms     event a |
        +5ms     error the wire is cut
    ");
    insta::assert_snapshot!(failure!(sse in open(&[(0, "data: cut")]) =>
        sse.expect_sequence([end()]).await
    ), @r"
    the stream is not as expected
    expected: a sequence of 1 pattern
    but:      pattern 1 is not met
              ✗  1  the end of the stream
                     the stream ended inside a block
    received so far:
        HTTP 200 OK
        content-type: text/event-stream

        +0ms     end inside a block | data: cut
    ");
}

const BEATS: Script = &[
    (0, "event: a\ndata\n\n"),
    (15_000, ": beat\n\n"),
    (15_000, ": beat\n\n"),
    (15_000, ": beat\n\n"),
    (15_000, ": beat\n\n"),
    (15_000, ": beat\n\n"),
    (50_000, "event: b\ndata\n\n"),
    (70_000, "event: c\ndata\n\n"),
];

#[tokio::test]
async fn heartbeats_have_their_time_as_events_have() {
    let mut sse = open(BEATS).await;
    let beats = [(); 5].map(|()| heartbeat().after(secs(15)).within(secs(15)));
    sse.expect_sequence([event("a")].into_iter().chain(beats))
        .await;
    sse.expect_event("b").await;
}

#[tokio::test]
async fn a_time_may_be_longer_than_the_bound() {
    for b in [
        event("b").within(secs(125)),
        event("b").after(secs(125)),
        event("b").after(secs(125)).within(secs(125)),
        in_any_order([event("b").within(secs(125))]),
        in_any_order([event("b").after(secs(125))]),
        in_any_order([event("b")]).after(secs(125)),
    ] {
        let mut sse = open(BEATS).await;
        sse.expect_sequence([event("a"), b]).await;
    }
    insta::assert_snapshot!(failure!(sse in open(BEATS) =>
        sse.expect_sequence([any_event(), event("b").within(secs(124))]).await
    ), @r#"
    the stream is not as expected
    expected: a sequence of 2 patterns
    but:      pattern 2 is not met
              ✓  1  any event
                     +0ms event a |
              ✗  2  event "b", within 124s
                     it did not come in time
    received so far:
        HTTP 200 OK
        content-type: text/event-stream

        +0ms     event a |
        +15s     comment : beat
        +30s     comment : beat
        +45s     comment : beat
        +60s     comment : beat
        +75s     comment : beat
    "#);
}

#[tokio::test]
async fn each_event_of_any_number_has_the_bound() {
    const SLOW: Script = &[
        (40_000, "data: 1\n\n"),
        (40_000, "data: 2\n\n"),
        (40_000, "data: 3\n\n"),
        (0, "..."),
    ];
    let mut sse = open(SLOW).await;
    sse.expect_sequence([any_number_of_events(), message().text("3")])
        .await;
    fails!(sse in open(SLOW) => sse.expect_sequence([any_number_of_events(), end()]).await, [
        "3 of them", "nothing of the kind came within 60s",
    ]);
}

#[tokio::test]
async fn a_heartbeat_that_was_taken_too_early_is_taken_later() {
    let script = &[
        (0, "data: 1\n\n: beat\n\n"),
        (1000, "data: 2\n\n"),
        (1000, ": beat\n\n"),
        (1000, "data: 3\n\n"),
    ];
    for beat in [heartbeat(), in_any_order([heartbeat()])] {
        let mut sse = open(script).await;
        let patterns = [any_number_of_events(), beat, message().text("3"), end()];
        sse.expect_sequence(patterns).await;
    }
}

#[tokio::test]
async fn any_number_of_events_can_be_in_time() {
    let in_time = |within| {
        [
            event("a"),
            any_number_of_events().within(within),
            event("d"),
        ]
    };
    assert_eq!(took(in_time(secs(2))).await, "a b c b d");
    insta::assert_snapshot!(failure!(sse in open(LETTERS) =>
        sse.expect_sequence(in_time(ms(1999))).await
    ), @r#"
    the stream is not as expected
    expected: a sequence of 3 patterns
    but:      pattern 3 is not met
              ✓  1  event "a"
                     +0ms event a #1 | {"n":1}
              ✓  2  any number of events, within 1.999s
                     0 of them
              ✗  3  event "d"
                     got event b | two
                     the name is "b", not "d"
                     pattern 2 does not take it: it came 2s after the one before, not within 1.999s
    received so far:
        HTTP 200 OK
        content-type: text/event-stream

        +0ms     opening ":\n\n"
        +0ms     event a #1 | {"n":1}
        +1s      comment : beat
        +2s      event b | two
    "#);
}

#[tokio::test]
async fn a_group_of_none_is_met_by_nothing() {
    assert_eq!(
        took([event("a"), in_any_order([]), event("b")]).await,
        "a b"
    );
    assert_eq!(took([in_any_order([])]).await, "");
    assert_eq!(
        took([event("a"), in_any_order([]), any_number_of_events(), end()]).await,
        "a b c b d"
    );
}

#[test]
fn what_can_not_be_met_is_told_at_once() {
    type Make = fn() -> Pattern;
    let wrong: [(Make, &str); 5] = [
        (|| heartbeat().text("beat"), "a heartbeat has no data"),
        (|| end().id("4"), "the end of the stream has no data"),
        (
            || in_any_order([end()]),
            "a group has a place for each event",
        ),
        (
            || in_any_order([any_number_of_events()]),
            "a group has a place for each event",
        ),
        (
            || in_any_order([in_any_order([any_event()])]),
            "a group has a place for each event",
        ),
    ];
    for (wrong, said) in wrong {
        let panic = std::panic::catch_unwind(wrong).unwrap_err();
        let message = panic.downcast_ref::<String>().unwrap();
        assert!(message.contains(said), "{message}");
    }
}

#[tokio::test]
async fn what_is_said_of_a_group_is_said_of_its_events() {
    let group = in_any_order([heartbeat(), event("b")]).text("two");
    assert_eq!(took([any_event(), group]).await, "a b");
}

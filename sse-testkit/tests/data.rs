//! What the data of events is compared with, and decoded as.
#![allow(clippy::unwrap_used, reason = "also outside of the test functions")]

use serde::Deserialize;
use serde_json::json;
use sse_testkit::json::{absent, any, any_number, any_string, containing, matching};

#[macro_use]
mod fails;
mod streams;

use self::streams::{Script, open};

const ORDER: Script = &[(
    0,
    "event: order\nid: 7\ndata: {\"id\":\"o-17\",\"total\":12.5,\"lines\":[{\"sku\":\"a\",\"n\":2},{\"sku\":\"b\",\"n\":1}],\"note\":null}\n\n",
)];

#[tokio::test]
async fn a_part_of_the_data_is_enough() {
    let mut sse = open(ORDER).await;
    let lines = containing([json!({"sku": "b"}), json!({"sku": any_string(), "n": 2})]);
    sse.expect_event("order")
        .json_partial(&json!({
            "id": matching("^o-[0-9]+$"),
            "total": any_number(),
            "lines": lines,
            "note": any(),
            "paid": absent(),
        }))
        .await;

    let mut sse = open(ORDER).await;
    sse.expect_event("order").json_partial(&json!({})).await;

    let mut sse = open(ORDER).await;
    sse.expect_event("order")
        .json(&json!({"id": any(), "total": any(), "lines": any(), "note": null}))
        .await;

    // Elements are compared in part, whatever they are in.
    let mut sse = open(ORDER).await;
    let lines = containing([json!({"sku": "b"})]);
    sse.expect_event("order")
        .json(&json!({"id": any(), "total": any(), "lines": lines, "note": null}))
        .await;
}

#[tokio::test]
async fn numbers_are_compared_by_their_value() {
    const NUMBERS: Script = &[(0, "data: {\"a\":5,\"b\":5.0,\"c\":9007199254740993}\n\n")];
    for wanted in [
        json!({"a": 5.0, "b": 5, "c": 9_007_199_254_740_993_u64}),
        json!({"a": 5, "b": 5.0, "c": any_number()}),
    ] {
        let mut sse = open(NUMBERS).await;
        sse.expect_message().json(&wanted).await;
    }
    let wanted = json!({"a": 5.5, "b": 6, "c": 9_007_199_254_740_992.0});
    fails!(sse in open(NUMBERS) => sse.expect_message().json(&wanted).await, [
        ".a    5.5", ".b    6", ".c    9007199254740992.0",
    ]);
}

#[tokio::test]
async fn data_that_has_other_parts_is_shown_part_by_part() {
    let wanted = json!({
        "id": matching("^p-"),
        "total": any_string(),
        "lines": [{"sku": "a"}, {"sku": "c"}],
        "paid": true,
    });
    insta::assert_snapshot!(failure!(sse in open(ORDER) =>
        sse.expect_event("order").json_partial(&wanted).await
    ), @r#"
    the stream is not as expected
    expected: event "order", JSON with {"id":a string matching "^p-","lines":[{"sku":"a"},{"sku":"c"}],"paid":true,"total":any string}
    but:      got event order #7 | {"id":"o-17","total":12.5,"lines":[{"sku":"a","n":2},{"sku":"b","n":1}],"note":null}
              the data differs:
              path           expected                 got
              .id            a string matching "^p-"  "o-17"
              .lines[1].sku  "c"                      "b"
              .paid          true                     nothing
              .total         any string               12.5
    received so far:
        HTTP 200 OK
        content-type: text/event-stream

        +0ms     event order #7 | {"id":"o-17","total":12.5,"lines":[{"sku":"a","n":2},{"sku":"b","n":1}],"note":null}
    "#);
    let wanted = json!({"lines": containing([json!({"sku": "d"})])});
    insta::assert_snapshot!(failure!(sse in open(ORDER) =>
        sse.expect_event("order").json_partial(&wanted).await
    ), @r#"
    the stream is not as expected
    expected: event "order", JSON with {"lines":an array containing [{"sku":"d"}]}
    but:      got event order #7 | {"id":"o-17","total":12.5,"lines":[{"sku":"a","n":2},{"sku":"b","n":1}],"note":null}
              the data differs:
              path       expected     got
              .lines[*]  {"sku":"d"}  none in [{"n":2,"sku":"a"},{"n":1,"sku":"b"}]
    received so far:
        HTTP 200 OK
        content-type: text/event-stream

        +0ms     event order #7 | {"id":"o-17","total":12.5,"lines":[{"sku":"a","n":2},{"sku":"b","n":1}],"note":null}
    "#);
    insta::assert_snapshot!(failure!(sse in open(&[(0, "data: [DONE]\n\n")]) =>
        sse.expect_message().json_partial(&json!({})).await
    ), @r"
    the stream is not as expected
    expected: an event without a name, JSON with {}
    but:      got event message | [DONE]
              the data is not JSON: expected value at line 1 column 2
    received so far:
        HTTP 200 OK
        content-type: text/event-stream

        +0ms     event message | [DONE]
    ");
}

#[tokio::test]
async fn a_regular_expression_that_is_none_is_told_at_once() {
    let panic = std::panic::catch_unwind(|| matching("(")).unwrap_err();
    let message = panic.downcast_ref::<String>().unwrap();
    assert!(message.contains("is no regular expression"), "{message}");
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum Update {
    Tick { n: u32 },
    TheEnd,
}

#[tokio::test]
async fn a_whole_stream_is_decoded() {
    const STREAM: Script = &[
        (0, ":\n\n"),
        (5, "event: tick\ndata: {\"n\":1}\n\n: beat\n\n"),
        (59_999, "event: tick\ndata: {\"n\":2}\n\n"),
        (59_999, "event: the-end\ndata: null\n\n"),
    ];
    let mut sse = open(STREAM).await;
    let updates = sse.decode_to_end::<Update>().await;
    let tick = |n| Update::Tick { n };
    assert_eq!(updates, [tick(1), tick(2), Update::TheEnd]);
}

#[derive(Debug, Deserialize, PartialEq)]
enum Measure {
    Größe(u32),
}

#[tokio::test]
async fn the_name_is_the_variant_to_the_letter() {
    let mut sse = open(&[(0, "event: Größe\ndata: 7\n\n")]).await;
    let event = sse.expect_event("Größe").await;
    assert_eq!(event.tagged::<Measure>(), Measure::Größe(7));
    fails!(sse in open(&[(0, "event: größe\ndata: 7\n\n")]) => sse.decode_to_end::<Measure>().await, [
        "event 1 is not a data::Measure: unknown variant `größe`",
    ]);
}

#[tokio::test]
async fn a_stream_that_does_not_decode_names_the_frame() {
    const ONE: &str = "event: tick\nid: 1\ndata: {\"n\":1}\n\n";
    insta::assert_snapshot!(failure!(sse in open(&[(0, ONE), (5, "event: tock\nid: 2\ndata: null\n\n")]) =>
        sse.decode_to_end::<Update>().await
    ), @r#"
    the stream is not as expected
    expected: events that are each a data::Update, and then the end of the stream
    but:      got event tock #2 | null
              event 2 is not a data::Update: unknown variant `tock`, expected `tick` or `the-end`
    received so far:
        HTTP 200 OK
        content-type: text/event-stream

        +0ms     event tick #1 | {"n":1}
        +5ms     event tock #2 | null
    "#);
    insta::assert_snapshot!(failure!(sse in open(&[(0, ONE), (5, "event: tick\ndata: {\"n\":-1}\n\n")]) =>
        sse.decode_to_end::<Update>().await
    ), @r#"
    the stream is not as expected
    expected: events that are each a data::Update, and then the end of the stream
    but:      got event tick | {"n":-1}
              event 2 is not a data::Update: invalid value: integer `-1`, expected u32
    received so far:
        HTTP 200 OK
        content-type: text/event-stream

        +0ms     event tick #1 | {"n":1}
        +5ms     event tick | {"n":-1}
    "#);
    insta::assert_snapshot!(failure!(sse in open(&[(0, "event: tick\ndata: {\n\n")]) =>
        sse.decode_to_end::<Update>().await
    ), @r"
    the stream is not as expected
    expected: events that are each a data::Update, and then the end of the stream
    but:      got event tick | {
              event 1 is not a data::Update: EOF while parsing an object at line 1 column 1
    received so far:
        HTTP 200 OK
        content-type: text/event-stream

        +0ms     event tick | {
    ");
    insta::assert_snapshot!(failure!(sse in open(&[(0, ONE), (0, "event: tick\n")]) =>
        sse.decode_to_end::<Update>().await
    ), @r#"
    the stream is not as expected
    expected: events that are each a data::Update, and then the end of the stream
    but:      the stream ended inside a block
    received so far:
        HTTP 200 OK
        content-type: text/event-stream

        +0ms     event tick #1 | {"n":1}
        +0ms     end inside a block | event: tick
                                    |
    "#);
    insta::assert_snapshot!(failure!(sse in open(&[(0, ONE), (5, "!")]) =>
        sse.decode_to_end::<Update>().await
    ), @r#"
    the stream is not as expected
    expected: events that are each a data::Update, and then the end of the stream
    but:      the stream failed: the wire is cut
    received so far:
        HTTP 200 OK
        content-type: text/event-stream

        +0ms     event tick #1 | {"n":1}
        +5ms     error the wire is cut
    "#);
    insta::assert_snapshot!(failure!(sse in open(&[(0, ONE), (5, "...")]) =>
        sse.decode_to_end::<Update>().await
    ), @r#"
    the stream is not as expected
    expected: events that are each a data::Update, and then the end of the stream
    but:      nothing of the kind came within 60s of paused time (a service that does I/O or runs processes needs `.real_time()`)
    received so far:
        HTTP 200 OK
        content-type: text/event-stream

        +0ms     event tick #1 | {"n":1}
    "#);
}

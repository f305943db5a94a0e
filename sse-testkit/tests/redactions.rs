//! What differs from run to run, written down once for a whole file.
#![allow(clippy::unwrap_used, reason = "also outside of the test functions")]

use std::sync::LazyLock;

use sse_testkit::Redactions;

mod streams;

use self::streams::{Script, open};

static REDACTIONS: LazyLock<Redactions> = LazyLock::new(|| {
    Redactions::new()
        .ids()
        .json("at", "[time]")
        .header("Content-Type", "[type]")
        .text("took [0-9]+", "took [n]")
});

const STREAM: Script = &[
    (5, "id: x9\ndata: {\"at\":1,\"by\":\"ann\"}\n\n"),
    (0, ": took 17 ms\n\n"),
    (0, "id: x8\ndata\n\n"),
];

#[tokio::test]
async fn all_transcripts_of_a_file_take_the_same() {
    for script in [STREAM, STREAM] {
        let mut sse = open(script).await;
        sse.collect_to_end().await;
        insta::allow_duplicates! {
            insta::assert_snapshot!(sse.transcript().redact_with(&REDACTIONS), @r#"
            HTTP 200 OK
            content-type: [type]

            +5ms     event message #[id-1] | {"at":"[time]","by":"ann"}
            +5ms     comment : took [n] ms
            +5ms     event message #[id-2] |
            +5ms     end
            "#);
        }
    }
}

#[tokio::test]
async fn what_was_cut_off_is_redacted_as_well() {
    let mut sse = open(&[
        (0, "id: x9\ndata: {\"at\":1}\ndata: {\"at\":2}\n"),
        (0, "id: x"),
    ])
    .await;
    sse.body_text().await;
    let transcript = sse.transcript().redact_with(&REDACTIONS);
    insta::assert_snapshot!(transcript.without_headers(), @r#"
    HTTP 200 OK

    +0ms     end inside a block | id: [id-1]
                                | data: {"at":"[time]"}
                                | data: {"at":"[time]"}
                                | id: [id-2]
    "#);
}

#[tokio::test]
async fn a_transcript_has_more_of_its_own() {
    let mut sse = open(STREAM).await;
    sse.collect_to_end().await;
    let transcript = sse
        .transcript()
        .redact_json("by", "[user]")
        .redact_json("at", "[mine]");
    let file = REDACTIONS.clone().without_times();
    let transcript = transcript
        .redact_with(&file)
        .redact_with(&Redactions::new().without_headers());
    insta::assert_snapshot!(transcript, @r#"
    HTTP 200 OK

    event message #[id-1] | {"at":"[mine]","by":"[user]"}
    comment : took [n] ms
    event message #[id-2] |
    end
    "#);
}

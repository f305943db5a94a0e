//! Streams that are meant to end.

use std::time::Duration;

use sse_testkit::contract::{self, Expectations, Outcome, Report, Target};

use super::script::{Script, serve};

async fn checked(once: &'static [u8], expectations: Expectations) -> Report {
    let url = serve(Script {
        once,
        endless: b"",
        closes: true,
    });
    let url = url.await;
    let expectations = expectations
        .produced_by(Target::post(&url, "x"))
        .observe(Duration::from_millis(100))
        .prompt(Duration::from_millis(100));
    contract::check(Target::get(url), expectations).await
}

fn outcome(report: &Report, id: &str) -> Outcome {
    report.finding(id).unwrap().outcome
}

#[tokio::test]
async fn a_length_is_a_failure_only_where_the_end_is_none() {
    let once = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 9\r\n\r\n\
                 data: x\n\n";
    let report = checked(once, Expectations::new()).await;
    assert_eq!(
        outcome(&report, "content-length"),
        Outcome::Fail,
        "{report}"
    );
    assert_eq!(outcome(&report, "end"), Outcome::Warn, "{report}");
    let report = checked(once, Expectations::new().ends()).await;
    assert_eq!(
        outcome(&report, "content-length"),
        Outcome::Warn,
        "{report}"
    );
    assert_eq!(outcome(&report, "end"), Outcome::Pass, "{report}");
}

#[tokio::test]
async fn a_comment_at_the_end_is_no_loss() {
    let once = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: x\n\n: bye";
    let report = checked(once, Expectations::new().ends()).await;
    assert_eq!(outcome(&report, "end"), Outcome::Pass, "{report}");
}

#[tokio::test]
async fn nothing_is_said_of_what_such_a_stream_is_too_short_for() {
    let once = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: x\n\n";
    let expectations = Expectations::new()
        .ends()
        .heartbeat(Duration::from_secs(20));
    let report = checked(once, expectations).await;
    for id in ["heartbeat", "empty-chunk"] {
        assert_eq!(outcome(&report, id), Outcome::NotApplicable, "{report}");
    }
}

//! What stands in the stream.

use std::time::Duration;

use sse_testkit::contract::{self, Expectations, Outcome, Report, Target};

use super::script::{Script, serve};

/// What is said of a stream with this text.
async fn checked(text: &[u8], closes: bool) -> Report {
    let head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";
    let url = serve(Script {
        once: Box::leak([head, text].concat().into_boxed_slice()),
        endless: b"",
        closes,
    });
    let expectations = Expectations::new().observe(Duration::from_millis(100));
    contract::check(Target::get(url.await), expectations).await
}

#[tokio::test]
async fn each_line_is_judged() {
    let cases: [(&[u8], &str, &str); 6] = [
        (b"retry: 5\n\n", "retry", "retry is 5ms"),
        (b"retry: 5s\n\n", "retry", "retry: \"5s\" is no number"),
        (
            b"id: a\ndata: 1\n\nid: a\ndata: 2\n\n",
            "ids",
            "two events have the id \"a\"",
        ),
        (b"datum: x\n\n", "format", "unknown fields: [\"datum\"]"),
        (b"event: x\n\n", "format", "event \"x\" has no data"),
        (
            b"event: ping\ndata: 1\n\n",
            "heartbeat",
            "a heartbeat is an event: \"ping\"",
        ),
    ];
    for (text, id, evidence) in cases {
        let report = checked(text, false).await;
        let finding = report.finding(id).unwrap();
        assert_eq!(finding.outcome, Outcome::Warn, "{report}");
        assert!(finding.evidence.starts_with(evidence), "{report}");
    }
}

#[tokio::test]
async fn what_no_client_can_read_is_a_failure() {
    let cases: [(&[u8], bool, &str, &str); 3] = [
        (b"id: a\0b\ndata: x\n\n", false, "ids", "has a NUL"),
        (b"data: \xe4\n\n", false, "format", "byte 6 of the body"),
        (
            b"data: x\n\n:\xe2\x82",
            true,
            "format",
            "byte 10 of the body",
        ),
    ];
    for (text, closes, id, evidence) in cases {
        let report = checked(text, closes).await;
        let finding = report.finding(id).unwrap();
        assert_eq!(finding.outcome, Outcome::Fail, "{report}");
        assert!(finding.evidence.contains(evidence), "{report}");
    }
    // A character may still be on its way.
    let report = checked(b"data: x\n\n:\xe2\x82", false).await;
    assert_eq!(
        report.finding("format").unwrap().outcome,
        Outcome::Pass,
        "{report}"
    );
}

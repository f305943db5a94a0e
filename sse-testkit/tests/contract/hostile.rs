//! Whatever a server sends, the suite ends in time and says what it saw.

use std::time::Duration;

use sse_testkit::contract::{self, Expectations, Outcome, Report, Target};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use super::script::{Script, serve};

const STREAM: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n";

async fn checked(script: Script) -> Report {
    let url = serve(script).await;
    let expectations = Expectations::new()
        .resumable()
        .both_protocols()
        .cors("https://app.example")
        .produced_by(Target::post(&url, "x"))
        .stopped(Target::get(&url))
        .stats(Target::get(&url), "/open")
        .limit(2, http::StatusCode::TOO_MANY_REQUESTS)
        .observe(Duration::from_millis(200))
        .prompt(Duration::from_millis(200))
        .answer(Duration::from_millis(300))
        .deadline(Duration::from_secs(20));
    let report = contract::check(Target::get(url), expectations).await;
    assert_eq!(report.findings.len(), 24, "{report}");
    for finding in &report.findings {
        assert!(!finding.evidence.contains("broke down"), "{report}");
    }
    assert!(!report.is_ok());
    report
}

#[track_caller]
fn fails(report: &Report, id: &str, evidence: &str) {
    let finding = report.finding(id).unwrap();
    assert_eq!(finding.outcome, Outcome::Fail, "{report}");
    assert!(finding.evidence.contains(evidence), "{report}");
}

/// What does not even begin like an answer is told once, and no other check speaks of it.
#[track_caller]
fn has_no_answer(report: &Report, evidence: &str) {
    fails(report, "status", evidence);
    let about_the_stream = report
        .findings
        .iter()
        .filter(|it| !matches!(it.id, "status" | "stop"));
    for finding in about_the_stream {
        assert_eq!(finding.outcome, Outcome::NotApplicable, "{report}");
    }
}

#[tokio::test]
async fn no_answer() {
    let report = checked(Script {
        once: b"",
        endless: b"",
        closes: false,
    });
    has_no_answer(&report.await, "no response head within 300ms");
}

#[tokio::test]
async fn a_connection_that_is_closed() {
    let report = checked(Script {
        once: b"",
        endless: b"",
        closes: true,
    });
    has_no_answer(&report.await, "no response: ");
}

#[tokio::test]
async fn garbage() {
    let report = checked(Script {
        once: b"\x15\x03\x01\0\x02\x02\x50 hello?\r\n\r\n",
        endless: b"",
        closes: true,
    });
    has_no_answer(&report.await, "no response: ");
}

#[tokio::test]
async fn a_head_without_end() {
    let report = checked(Script {
        once: b"HTTP/1.1 200 OK\r\n",
        endless: b"x-padding: 0123456789012345678901234567890123456789\r\n",
        closes: false,
    });
    has_no_answer(&report.await, "no response: ");
}

#[tokio::test]
async fn a_body_without_end_or_line_breaks() {
    let report = checked(Script {
        once: b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: ",
        endless: &[b'x'; 65536],
        closes: false,
    });
    let report = report.await;
    fails(&report, "event-live", "no event within 200ms");
    assert_eq!(report.finding("end").unwrap().outcome, Outcome::Pass);
}

#[tokio::test]
async fn nothing_but_blank_lines() {
    let report = checked(Script {
        once: b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n",
        endless: &[b'\n'; 4096],
        closes: false,
    });
    report.await;
}

#[tokio::test]
async fn gzip_that_nobody_asked_for() {
    let report = checked(Script {
        once: b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-encoding: gzip\r\n\
                \r\n\x1f\x8b\x08\0\0\0\0\0\0\xff\0\0\xff\xff",
        endless: b"",
        closes: false,
    });
    let report = report.await;
    fails(&report, "content-encoding", "although identity was asked");
    assert_eq!(
        report.finding("format").unwrap().outcome,
        Outcome::NotApplicable
    );
}

#[tokio::test]
async fn a_chunk_that_breaks_off() {
    let report = checked(Script {
        once: b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\
                transfer-encoding: chunked\r\n\r\nff\r\ndata: x\n\n",
        endless: b"",
        closes: true,
    });
    fails(&report.await, "end", "broke off after");
}

#[tokio::test]
async fn an_event_that_breaks_off() {
    let report = checked(Script {
        once: b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: x\n",
        endless: b"",
        closes: true,
    });
    fails(&report.await, "end", "inside an event, which is lost");
}

#[tokio::test]
async fn a_body_after_the_head_that_head_asked_for() {
    let report = checked(Script {
        once: b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: x\n\n",
        endless: b"",
        closes: false,
    });
    fails(&report.await, "head", "9 bytes came after the head");
}

#[tokio::test]
async fn a_redirect_is_not_followed_but_told() {
    let report = checked(Script {
        once: b"HTTP/1.1 301 Moved\r\nlocation: /there\r\ncontent-length: 0\r\n\r\n",
        endless: b"",
        closes: true,
    });
    has_no_answer(&report.await, "301 Moved Permanently to /there");
}

#[tokio::test]
async fn what_moves_the_cursor_of_a_terminal_is_escaped() {
    let report = checked(Script {
        once: b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n\x1b[2J\x07: x\n",
        endless: b"",
        closes: false,
    });
    let report = report.await.to_string();
    assert!(report.contains("[2J"), "{report}");
    assert!(!report.contains(['\x1b', '\x07']), "{report}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_an_error_and_no_finding() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let report = contract::check(Target::get(url), Expectations::new()).await;
    assert!(
        report
            .error
            .as_ref()
            .unwrap()
            .contains("can't connect to 127.0.0.1")
    );
    assert!(report.findings.is_empty());
    assert!(!report.is_ok());
}

#[tokio::test]
async fn a_target_that_can_not_be_sent_is_an_error() {
    let wrong = [
        Target::get("nonsense"),
        Target::get("ftp://example.org/"),
        Target::get("http://x/").header("a b", "c"),
        Target::get("http://x/").header("a", "b\n"),
    ];
    for target in wrong {
        let report = contract::check(target.clone(), Expectations::new()).await;
        assert!(report.error.is_some(), "{target:?}");
        let expectations = Expectations::new().stopped(target);
        let report = contract::check(Target::get("http://127.0.0.1:1/"), expectations).await;
        assert!(!report.error.unwrap().contains("connect"));
    }
}

#[tokio::test]
#[should_panic(expected = "the contract is not kept\n\nnothing could be checked: ")]
async fn assert_ok_panics_with_the_report() {
    contract::check(Target::get("nonsense"), Expectations::new())
        .await
        .assert_ok();
}

#[tokio::test]
async fn a_run_ends_at_its_deadline() {
    let url = serve(Script {
        once: b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n:\n\n",
        endless: b"",
        closes: false,
    });
    let expectations = Expectations::new()
        .observe(Duration::from_secs(600))
        .deadline(Duration::from_millis(500));
    let report = contract::check(Target::get(url.await), expectations).await;
    fails(&report, "end", "it was not done when 500ms were over");
    // That needs no time.
    let limit = report.finding("limit").unwrap();
    assert_eq!(limit.outcome, Outcome::NotApplicable, "{report}");
    assert!(report.elapsed < Duration::from_secs(5), "{report}");
}

#[tokio::test(start_paused = true)]
async fn a_paused_clock_is_resumed() {
    let url = serve(Script {
        once: STREAM.as_bytes(),
        endless: b"",
        closes: false,
    });
    let expectations = Expectations::new().answer(Duration::from_millis(100));
    let started = std::time::Instant::now();
    let report = contract::check(Target::get(url.await), expectations).await;
    fails(&report, "status", "no response head within 100ms");
    assert!(started.elapsed() >= Duration::from_millis(100));
}

#[tokio::test(flavor = "multi_thread")]
async fn several_threads_work_as_well() {
    let report = checked(Script {
        once: STREAM.as_bytes(),
        endless: b"\r\n",
        closes: false,
    });
    report.await;
}

/// Two bytes each, and some hundred in memory.
#[tokio::test]
async fn a_flood_of_comments_or_events_is_not_kept() {
    for flood in [b":\n".repeat(4096), b"data\n\n".repeat(2048)] {
        let url = serve(Script {
            once: b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n",
            endless: Box::leak(flood.into_boxed_slice()),
            closes: false,
        });
        let expectations = Expectations::new().observe(Duration::from_secs(60));
        let report = contract::check(Target::get(url.await), expectations).await;
        let end = report.finding("end").unwrap();
        assert!(end.evidence.starts_with("more than enough"), "{report}");
        let format = report.finding("format").unwrap();
        let bytes = format.evidence.split(' ').next().unwrap();
        assert!(bytes.parse::<u32>().unwrap() < 2 << 20, "{report}");
        assert!(report.elapsed < Duration::from_secs(20), "{report}");
    }
}

#[tokio::test]
async fn what_is_told_of_megabytes_can_be_read() {
    let once = [STREAM.as_bytes(), b"\r\n", &[b'x'; 1 << 20], b"\n\n"].concat();
    let report = checked(Script {
        once: Box::leak(once.into_boxed_slice()),
        endless: b"",
        closes: false,
    });
    let report = report.await;
    let format = report.finding("format").unwrap();
    assert!(format.evidence.starts_with("unknown fields"), "{report}");
    for finding in &report.findings {
        assert!(finding.evidence.chars().count() <= 401, "{}", finding.id);
    }
}

#[tokio::test]
async fn a_hint_before_the_head_is_no_body() {
    let report = checked(Script {
        once: b"HTTP/1.1 103 Early Hints\r\nlink: </style.css>\r\n\r\n\
                HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n",
        endless: b"",
        closes: false,
    });
    let report = report.await;
    let head = report.finding("head").unwrap();
    assert_eq!(head.outcome, Outcome::Pass, "{report}");
}

/// Over HTTP/2, it makes a response malformed.
#[tokio::test]
async fn a_connection_header_over_http2() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            tokio::spawn(either_protocol(tcp));
        }
    });
    let expectations = Expectations::new().observe(Duration::from_millis(100));
    let report = contract::check(Target::get(url), expectations).await;
    fails(&report, "protocols", "over h2c: ");
    fails(&report, "protocols", "stream error");
}

/// Speaks just enough of HTTP/2 for one response.
async fn either_protocol(mut tcp: TcpStream) -> std::io::Result<()> {
    let mut request = [0; 4096];
    let size = tcp.read(&mut request).await?;
    if request[..size].starts_with(b"PRI * HTTP/2.0") {
        let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
        tcp.write_all(&settings).await?;
        let mut block = vec![0x88]; // :status: 200
        for (name, value) in [
            ("content-type", "text/event-stream"),
            ("connection", "keep-alive"),
        ] {
            block.extend([0, u8::try_from(name.len()).unwrap()]);
            block.extend(name.as_bytes());
            block.push(u8::try_from(value.len()).unwrap());
            block.extend(value.as_bytes());
        }
        let length = u8::try_from(block.len()).unwrap();
        let head = [0, 0, length, 1, 4, 0, 0, 0, 1];
        tcp.write_all(&[&head, &block[..]].concat()).await?;
    } else {
        let head = format!("{STREAM}connection: keep-alive\r\n\r\n:\n\n");
        tcp.write_all(head.as_bytes()).await?;
    }
    while tcp.read(&mut request).await? > 0 {}
    Ok(())
}

/// Where packets are thrown away, nothing says that nobody is there.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_server_that_takes_no_connection_is_not_one_that_is_silent() {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    // The queue is full with those that nobody accepts.
    let mut waiting = Vec::new();
    let connecting =
        |address| tokio::time::timeout(Duration::from_millis(200), TcpStream::connect(address));
    while let Ok(connected) = connecting(address).await {
        waiting.push(connected.unwrap());
    }
    let expectations = Expectations::new().answer(Duration::from_millis(300));
    let target = Target::get(format!("http://{address}/"));
    let report = contract::check(target, expectations).await;
    assert_eq!(
        report.error,
        Some(format!("can't connect to {address}: nothing answers"))
    );
}

#[tokio::test]
async fn times_that_never_come_are_none_to_stumble_over() {
    let url = serve(Script {
        once: b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n:\n\n",
        endless: b"",
        closes: true,
    });
    let ever = Duration::MAX;
    let expectations = Expectations::new()
        .heartbeat(ever)
        .prompt(ever)
        .observe(ever);
    let expectations = expectations.answer(ever).opening(ever).deadline(ever);
    let report = contract::check(Target::get(url.await), expectations).await;
    assert_eq!(
        report.finding("end").unwrap().outcome,
        Outcome::Warn,
        "{report}"
    );
}

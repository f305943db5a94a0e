//! The program itself, over real sockets.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    reason = "a test that can't go on should say where"
)]

mod program;

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sse_testkit::Reconnect;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    time::timeout,
};

use self::program::{PATIENCE, Server, program};

#[tokio::test]
async fn what_is_sent_over_a_socket_is_what_is_sent_in_process() {
    insta::assert_snapshot!("what_is_sent_over_a_socket", prices_of("serve").await);
}

#[tokio::test]
async fn under_axums_server_the_same_is_sent() {
    insta::assert_snapshot!("what_is_sent_over_a_socket", prices_of("axum").await);
}

async fn prices_of(server: &str) -> String {
    let server = Server::start(&["--tick-ms", "50", "--server", server]).await;
    let mut sse = sse_testkit::connect(server.url("/stocks")).await;
    sse.collect(10).await;
    let transcript = sse
        .transcript()
        .without_times()
        .redact_ids()
        .redact_json("price", "[price]")
        .redact_json("change", "[change]")
        .redact_json("changePercent", "[changePercent]")
        .redact_json("tick", "[tick]")
        .redact_json("timestamp", "[timestamp]");
    transcript.to_string()
}

#[tokio::test]
async fn http_2_without_tls_is_served_too() {
    let server = Server::start(&[]).await;
    let mut sse = sse_testkit::connect(server.url("/sse/live")).http2().await;
    sse.expect_any_event().await;
}

#[tokio::test]
async fn the_command_line_is_followed() {
    let args = [
        "--heartbeat",
        "0.2",
        "--max-connections",
        "1",
        "--tick-ms",
        "60000",
    ];
    let server = Server::start(&args).await;
    let mut sse = sse_testkit::connect(server.url("/sse/notifications")).await;
    sse.expect_heartbeat().await;
    let mut refused = sse_testkit::connect(server.url("/sse/time")).await;
    refused.expect_status(429);
    assert_eq!(
        refused.body_json::<Value>().await["maxConnections"],
        json!(1)
    );
}

#[tokio::test]
async fn prometheus_reads_what_streams_there_are_and_were() {
    let server = Server::start(&["--tick-ms", "50"]).await;
    let mut open = sse_testkit::connect(server.url("/stocks")).await;
    open.collect(5).await;
    let mut ended = sse_testkit::connect(server.url("/sse/ai/stream?prompt=hi")).await;
    let answer = ended.collect_to_end().await;

    let mut page = sse_testkit::connect(server.url("/metrics")).await;
    page.expect_status(200)
        .expect_header("content-type", "text/plain; version=0.0.4; charset=utf-8");
    let page = page.body_text().await;
    let number = |name: &str| -> f64 {
        let line = page.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|line| line.trim().parse().ok())
            .unwrap_or_else(|| panic!("no {name} in\n{page}"))
    };
    assert_eq!(number("sse_connections_active"), 1.0);
    assert_eq!(number("sse_connections_opened_total"), 2.0);
    assert_eq!(
        number("sse_connections_closed_total{reason=\"ended\"}"),
        1.0
    );
    assert_eq!(number("sse_connection_duration_seconds_count"), 1.0);
    assert!(number("sse_connection_duration_seconds_bucket{le=\"10\"}") >= 1.0);
    let events = 5 + u32::try_from(answer.len()).unwrap();
    assert!(number("sse_events_sent_total") >= f64::from(events));
    assert!(number("sse_bytes_sent_total") >= 100.0);
    assert!(page.contains("# HELP sse_connections_active "));
    assert_eq!(number("sse_hub_subscribers"), 1.0);
    let topics = "stocks, the answer, and the answers to its prompt";
    assert_eq!(number("sse_hub_topics"), 3.0, "{topics}");
    assert!(number("sse_hub_published_total") >= f64::from(events));
    assert!(number("sse_hub_delivered_total") >= 5.0);
    assert!(number("sse_replayed_events_total") >= 5.0);
    assert!(number("sse_hub_history_bytes") >= 1000.0);
}

#[tokio::test]
async fn a_connection_that_was_cut_is_picked_up_with_every_price() {
    let server = Server::start(&["--tick-ms", "20", "--history", "5000"]).await;
    let mut sse = sse_testkit::connect(server.url("/stocks")).await;
    let mut events = Vec::new();
    for _ in 0..3 {
        events.extend(sse.collect(12).await);
        sse.close();
        assert_eq!(sse.reconnect().await, Reconnect::Open);
    }
    events.extend(sse.collect(12).await);
    let mut ticks = BTreeMap::<String, Vec<u64>>::new();
    for event in &events {
        let price: Value = event.json();
        let symbol = price["symbol"].as_str().unwrap().to_owned();
        let tick = price["tick"].as_u64().unwrap();
        ticks.entry(symbol).or_default().push(tick);
    }
    assert_eq!(ticks.len(), 5);
    for (symbol, ticks) in ticks {
        assert!(ticks.len() >= 9, "{symbol}: {ticks:?}");
        let is_next = |pair: &[u64]| pair[0] + 1 == pair[1];
        assert!(ticks.windows(2).all(is_next), "{symbol}: {ticks:?}");
    }
}

#[tokio::test]
async fn after_a_restart_a_client_is_told_that_it_may_have_missed_something() {
    let server = Server::start(&[]).await;
    let mut sse = sse_testkit::connect(server.url("/stocks")).await;
    let last = sse.collect(5).await.pop().unwrap().id.unwrap();
    drop(server);
    let server = Server::start(&[]).await;
    let mut sse = sse_testkit::connect(server.url("/stocks"))
        .last_event_id(last)
        .await;
    let gap: Value = sse.expect_event("gap").await.json();
    assert_eq!(gap, json!({ "reason": "foreign", "missed": null }));
    sse.expect_event("stockUpdate").await;
}

#[tokio::test]
async fn the_log_tells_of_streams_in_a_line_each() {
    let mut server = Server::start(&[]).await;
    let mut log = BufReader::new(server.child.stderr.take().unwrap()).lines();
    let mut sse = sse_testkit::connect(server.url("/stocks")).await;
    sse.expect_any_event().await;
    sse.close();
    let closed = timeout(PATIENCE, async {
        loop {
            let line = log.next_line().await.unwrap().unwrap();
            if line.contains("closed") {
                return line;
            }
        }
    });
    let closed = closed.await.unwrap();
    for part in [
        "DEBUG",
        "/stocks",
        "an event stream was closed",
        "client_gone",
        "heartbeats=0",
    ] {
        assert!(closed.contains(part), "{part} in {closed}");
    }
    assert!(
        !closed.contains('\u{1b}'),
        "no colours where no terminal is"
    );
}

#[tokio::test]
async fn sigterm_ends_it_though_streams_are_open() {
    ends_on("TERM", "serve").await;
}

#[tokio::test]
async fn sigterm_ends_it_under_axums_server_too() {
    ends_on("TERM", "axum").await;
}

#[tokio::test]
async fn ctrl_c_ends_it_though_streams_are_open() {
    ends_on("INT", "serve").await;
}

async fn ends_on(signal: &str, server: &str) {
    let server = Server::start(&["--server", server]).await;
    let mut streams = Vec::new();
    for path in [
        "/stocks",
        "/sse/live",
        "/sse/notifications",
        "/orders/none/stream",
    ] {
        streams.push(sse_testkit::connect(server.url(path)).await);
    }
    let mut answer = sse_testkit::connect(server.url("/sse/ai/stream?prompt=hi")).await;
    server.signal(signal).await;
    for sse in &mut streams {
        let events = sse.collect_to_end().await;
        assert_eq!(events.last().unwrap().event, "bye");
    }
    let rest = answer.collect_to_end().await;
    assert_eq!(
        rest.last().unwrap().event,
        "done",
        "a finite stream ends by itself"
    );
    drop((streams, answer));
    assert_eq!(server.exit_status().await.code(), Some(0));
}

#[tokio::test]
async fn a_client_that_sends_half_a_request_does_not_keep_it_up() {
    let server = Server::start(&[]).await;
    let mut half = TcpStream::connect(&server.address).await.unwrap();
    let request = b"POST /api/notifications HTTP/1.1\r\nhost: x\r\n\
        content-type: application/json\r\ncontent-length: 99\r\n\r\n{";
    half.write_all(request).await.unwrap();
    // Once another is answered, this one has surely arrived as well.
    sse_testkit::connect(server.url("/sse/stats"))
        .await
        .expect_status(200);
    server.signal("TERM").await;
    assert_eq!(server.exit_status().await.code(), Some(0));
}

#[tokio::test]
async fn an_address_in_use_is_told_with_exit_code_1() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (code, stderr) = fail(&["--addr", &address]).await;
    assert_eq!(code, Some(1));
    assert!(
        stderr.contains(&format!("can't listen on {address}")),
        "{stderr}"
    );
}

#[tokio::test]
async fn what_the_command_line_can_not_mean_is_told_with_exit_code_2() {
    for args in [
        ["--heartbeat", "soon"],
        ["--heartbeat", "-1"],
        ["--heartbeat", "NaN"],
        ["--max-connections", "0"],
        ["--max-connections", "many"],
        ["--tick-ms", "0"],
        ["--token-ms", "fast"],
        ["--history", "0"],
        ["--server", "nginx"],
        ["--colour", "blue"],
    ] {
        let (code, stderr) = fail(&args).await;
        assert_eq!(code, Some(2), "{args:?}");
        assert!(stderr.contains(args[0]), "{args:?}: {stderr}");
    }
}

#[tokio::test]
async fn a_hub_that_can_not_be_connected_is_told_with_exit_code_1() {
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = nobody.local_addr().unwrap();
    drop(nobody);
    let redis = format!("redis://user:s3cr3t@{address}");
    let nats = format!("nats://user:s3cr3t@{address}");
    for url in ["kafka://x", &redis, &nats] {
        let (code, stderr) = fail(&["--addr", "127.0.0.1:0", "--hub", url]).await;
        assert_eq!(code, Some(1), "{url}");
        assert!(stderr.contains("can't connect the hub: "), "{stderr}");
        assert!(!stderr.contains("s3cr3t"), "{stderr}");
    }
}

async fn fail(args: &[&str]) -> (Option<i32>, String) {
    let mut child = program(args).spawn().unwrap();
    let mut stderr = child.stderr.take().unwrap();
    let mut said = String::new();
    timeout(PATIENCE, stderr.read_to_string(&mut said))
        .await
        .unwrap()
        .unwrap();
    let status = timeout(PATIENCE, child.wait()).await.unwrap().unwrap();
    (status.code(), said)
}

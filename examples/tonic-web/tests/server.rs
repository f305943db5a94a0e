//! The program itself, over real sockets.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    reason = "a test that can't go on should say where"
)]

#[path = "../../axum/tests/clients/browser.rs"]
mod browser;

use std::{
    process::{ExitStatus, Stdio},
    time::Duration,
};

use example_tonic_web::proto::{WatchRequest, prices_client::PricesClient};
use serde_json::{Value, json};
use sse_testkit::{
    RequestBuilder,
    grpc_web::{self, Code, GrpcWebRequest},
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    process::{Child, Command},
    time::timeout,
};
use tonic::transport::{Channel, Endpoint};

use self::browser::Browser;

const PROGRAM: &str = env!("CARGO_BIN_EXE_example-tonic-web");

/// Longer than anything here takes, even on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(30);

struct Server {
    child: Child,
    address: String,
}

impl Server {
    async fn start(args: &[&str]) -> Self {
        let mut child = program(&["--addr", "127.0.0.1:0"])
            .args(args)
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        timeout(PATIENCE, stdout.read_line(&mut line))
            .await
            .unwrap()
            .unwrap();
        let address = line
            .strip_prefix("listening on http://")
            .and_then(|line| line.strip_suffix('\n'))
            .unwrap_or_else(|| panic!("said {line:?}"));
        Self {
            child,
            address: address.to_owned(),
        }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn sse(&self) -> RequestBuilder {
        sse_testkit::connect(self.url("/sse/prices?symbols=ACME"))
    }

    fn grpc_web(&self) -> GrpcWebRequest {
        grpc_web::connect(self.url("/prices.v1.Prices/Watch")).message(&acme())
    }

    async fn grpc(&self) -> PricesClient<Channel> {
        let endpoint = Endpoint::new(self.url("")).unwrap();
        PricesClient::new(endpoint.connect().await.unwrap())
    }

    /// Asks it to end, with the signal of this name.
    async fn signal(&self, name: &str) {
        let id = self.child.id().unwrap().to_string();
        let status = Command::new("kill").args(["-s", name, &id]).status().await;
        assert!(status.unwrap().success());
    }

    async fn exit_status(mut self) -> ExitStatus {
        timeout(PATIENCE, self.child.wait()).await.unwrap().unwrap()
    }
}

fn program(args: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

fn acme() -> WatchRequest {
    WatchRequest {
        symbols: vec!["ACME".to_owned()],
        ..WatchRequest::default()
    }
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
    let mut sse = server.sse().await;
    sse.expect_event("price").await;
    sse.expect_heartbeat().await;
    let mut refused = server.sse().http2().await;
    refused.expect_status(429);
    assert_eq!(
        refused.body_json::<Value>().await["maxConnections"],
        json!(1)
    );
    server.grpc_web().await.expect_message().await;
}

#[tokio::test]
async fn both_halves_of_the_page_show_the_prices() {
    /// Symbol, price and change of each row.
    const ROWS: &str = "
        const text = (row, part) => row.querySelector(part).innerText;
        const rows = document.querySelectorAll(`${arguments[0]} tbody tr`);
        return [...rows].map((row) => ['th', '.price', '.change'].map((part) => text(row, part)));
    ";

    let Some(browser) = Browser::start().await else {
        return;
    };
    // One price of each symbol: what is shown stays as it is.
    let server = Server::start(&["--tick-ms", "60000"]).await;
    browser.open(&server.url("/")).await;
    for half in ["#events", "#messages"] {
        browser
            .until(&format!(
                "document.querySelectorAll('{half} tbody tr').length === 4 && \
                 document.querySelector('{half} [data-part=state]').innerText === 'open'"
            ))
            .await;
        let rows = browser.run(ROWS, vec![json!(half)]).await;
        let rows: Vec<[String; 3]> = serde_json::from_value(rows).unwrap();
        // A price moves with each millisecond, but what it was when the market opened is the same.
        let opened = rows.iter().map(|[symbol, price, change]| {
            let number = |text: &str| text.parse::<f64>().unwrap();
            let (_, change) = change.split_once(' ').unwrap();
            (&**symbol, format!("{:.2}", number(price) - number(change)))
        });
        let expected = [
            ("ACME", "101.25"),
            ("GLOBEX", "254.80"),
            ("HOOLI", "187.90"),
            ("INIT", "42.15"),
        ];
        let expected = expected.map(|(symbol, price)| (symbol, price.to_owned()));
        assert_eq!(opened.collect::<Vec<_>>(), expected, "{half}");
        assert!(rows.iter().any(|[_, _, change]| change != "\u{25a0} 0.00"));
        assert_eq!(
            browser.text(&format!("{half} [data-part=messages]")).await,
            "4"
        );
    }
    browser.close().await;
}

#[tokio::test]
async fn both_halves_of_the_page_tell_of_a_failure() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let server = Server::start(&["--tick-ms", "10"]).await;
    browser.open(&server.url("/")).await;
    browser
        .until("document.querySelector('#events tbody tr')")
        .await;
    browser.click("#fail").await;
    for half in ["#events", "#messages"] {
        browser
            .until(&format!(
                "document.querySelector('{half} [data-part=state]').innerText === 'failed'"
            ))
            .await;
    }
    // The same status, as the event `error` and as trailers.
    let event = browser.text("#events [data-part=end]").await;
    let data = event.strip_prefix("event: error\ndata: ").unwrap();
    let status: Value = serde_json::from_str(data).unwrap();
    let trailers = format!(
        "grpc-status: {}\ngrpc-message: {}",
        status["code"],
        status["message"].as_str().unwrap()
    );
    assert_eq!(browser.text("#messages [data-part=end]").await, trailers);
    browser.close().await;
}

#[tokio::test]
async fn sigterm_ends_it_though_streams_are_open_on_all_ways() {
    ends_on("TERM").await;
}

#[tokio::test]
async fn ctrl_c_ends_it_though_streams_are_open_on_all_ways() {
    ends_on("INT").await;
}

async fn ends_on(signal: &str) {
    // A price a minute: nothing ends because it had something to send.
    let server = Server::start(&["--tick-ms", "60000"]).await;
    let mut events = [server.sse().await, server.sse().http2().await];
    let mut web = [
        server.grpc_web().await,
        server.grpc_web().text().await,
        server.grpc_web().http2().await,
    ];
    let mut native = server
        .grpc()
        .await
        .watch(acme())
        .await
        .unwrap()
        .into_inner();
    for sse in &mut events {
        sse.expect_event("price").await;
    }
    for grpc in &mut web {
        grpc.expect_message().await;
    }
    assert!(native.message().await.unwrap().is_some());

    server.signal(signal).await;
    for sse in &mut events {
        let rest = sse.collect_to_end().await;
        assert_eq!(rest.last().unwrap().event, "bye");
    }
    for grpc in &mut web {
        grpc.expect_grpc_status(Code::UNAVAILABLE)
            .message("the server is shutting down")
            .await;
    }
    let status = native.message().await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::Unavailable);
    assert_eq!(status.message(), "the server is shutting down");
    assert_eq!(server.exit_status().await.code(), Some(0));
}

#[tokio::test]
async fn a_client_that_sends_half_a_request_does_not_keep_it_up() {
    let server = Server::start(&[]).await;
    let mut half = TcpStream::connect(&server.address).await.unwrap();
    let request = b"POST /prices.v1.Prices/Watch HTTP/1.1\r\nhost: x\r\n\
        content-type: application/grpc-web+proto\r\ncontent-length: 99\r\n\r\n\0";
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
        ["--tick-ms", "9"],
        ["--tick-ms", "60001"],
        ["--colour", "blue"],
    ] {
        let (code, stderr) = fail(&args).await;
        assert_eq!(code, Some(2), "{args:?}");
        assert!(stderr.contains(args[0]), "{args:?}: {stderr}");
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

//! A server that runs out of files: in a process of its own, since the limit counts for all of it.

use std::{
    io::{BufRead, BufReader, Read},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, routing::get};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use sse_layer::{KeepAlive, SseLayer};

use super::{Alive, eventually, listener, ours, raw::Raw};

const FEW: u64 = 40;
const MANY: usize = 80;

/// Says to the process that it is the server.
const IS_SERVER: &str = "SSE_TEST_SERVE_WITH_FEW_FILES";
const LISTENS: &str = "listens on ";

#[test]
#[ignore = "the server of the test below"]
fn server_with_few_files() {
    if std::env::var_os(IS_SERVER).is_none() {
        return;
    }
    let all = getrlimit(Resource::Nofile);
    let few = Rlimit {
        current: Some(FEW),
        ..all
    };
    setrlimit(Resource::Nofile, few).unwrap();
    tracing_subscriber::fmt().with_ansi(false).init();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    // It ends with the test, however that ends.
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    runtime.block_on(async {
        let (listener, addr) = listener().await;
        let app = Router::new()
            .route("/page", get(async || "page"))
            .route("/stream", get(async || ours(&Alive::default())))
            .layer(
                SseLayer::new().keep_alive(KeepAlive::new().interval(Duration::from_millis(50))),
            );
        println!("{LISTENS}{addr}");
        sse_layer::serve(listener, app).await.unwrap();
    });
}

struct Server {
    process: Child,
    said: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn start() -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "files::server_with_few_files",
                "--ignored",
                "--nocapture",
            ])
            .env(IS_SERVER, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let said: Arc<Mutex<Vec<String>>> = Arc::default();
        let (lines, out) = (Arc::clone(&said), process.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines() {
                lines.lock().unwrap().push(line.unwrap());
            }
        });
        Self { process, said }
    }

    fn said(&self, part: &str) -> Option<String> {
        let said = self.said.lock().unwrap();
        let line = said.iter().find(|line| line.contains(part));
        line.map(|line| line[line.find(part).unwrap() + part.len()..].to_owned())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test]
async fn a_server_without_a_file_to_spare_says_so_and_goes_on_when_it_has_some() {
    let server = Server::start();
    eventually("the server", || server.said(LISTENS).is_some()).await;
    let addr: SocketAddr = server.said(LISTENS).unwrap().parse().unwrap();
    let mut stream = Raw::connect(addr).await;
    stream.open("/stream").await;

    let mut many = Vec::new();
    for _ in 0..MANY {
        many.push(Raw::connect(addr).await);
    }
    eventually("that it is said", || {
        let said = server.said("connections can't be accepted");
        said.is_some_and(|rest| rest.contains("Too many open files"))
    })
    .await;
    // Whoever is in is served on.
    many[0].get("/page").await;
    assert_eq!(many[0].page().await.1, "page");
    for _ in 0..5 {
        stream.until(":\n\n\r\n").await;
    }
    let last = many.last_mut().unwrap();
    last.get("/page").await;
    let answer = tokio::time::timeout(Duration::from_millis(200), last.0.readable()).await;
    assert!(answer.is_err(), "there was a file after all");

    let mut last = many.pop().unwrap();
    drop(many);
    assert_eq!(last.page().await.1, "page");
    let mut next = Raw::connect(addr).await;
    next.get("/page").await;
    assert_eq!(next.page().await.1, "page");
    stream.until(":\n\n\r\n").await;
}

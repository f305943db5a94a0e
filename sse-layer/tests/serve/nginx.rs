//! Behind nginx, as many a server of streams is.

use std::{
    fs,
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Extension, Router, routing::get};
use futures_util::{StreamExt, stream};
use rustix::process::{Pid, Signal, kill_process};
use sse_layer::{Event, KeepAlive, Sse, SseLayer, serve::PeerAddr};
use sse_testkit::connect;
use tokio::sync::mpsc;

use super::{Alive, BOUND, eventually, ours, start};

/// Where the tests are to do without it.
const SKIP: &str = "SSE_SKIP_NGINX";

struct Nginx {
    process: Child,
    folder: PathBuf,
    url: String,
}

impl Nginx {
    /// One worker in front of the server, with one connection that it keeps.
    async fn start(upstream: SocketAddr) -> Self {
        for _ in 0..5 {
            // Free just now, which nobody can promise for the moment after.
            let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let addr = port.local_addr().unwrap();
            drop(port);
            let mut nginx = Self::try_start(upstream, addr);
            let begun = std::time::Instant::now();
            while begun.elapsed() < BOUND && nginx.process.try_wait().unwrap().is_none() {
                // It listens before it forks its worker, and has the port only if it is alive.
                if nginx.folder.join("pid").exists() && std::net::TcpStream::connect(addr).is_ok() {
                    return nginx;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        panic!("nginx did not start");
    }

    fn try_start(upstream: SocketAddr, addr: SocketAddr) -> Self {
        let name = format!("sse-layer-nginx-{}-{}", std::process::id(), addr.port());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).unwrap();
        let temp: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .iter()
            .map(|name| format!("{name}_temp_path {name};\n"))
            .collect();
        let config = format!(
            "daemon off;\nworker_processes 1;\npid pid;\nerror_log error.log;\n\
             events {{ worker_connections 64; }}\n\
             http {{\naccess_log off;\n{temp}\
             upstream app {{ server {upstream}; keepalive 1; }}\n\
             server {{\nlisten {addr};\nlocation / {{\nproxy_pass http://app;\n\
             proxy_http_version 1.1;\nproxy_set_header Connection \"\";\n}}\n}}\n}}\n"
        );
        fs::write(folder.join("nginx.conf"), config).unwrap();
        let process = Command::new("nginx")
            .arg("-p")
            .arg(&folder)
            .args(["-c", "nginx.conf", "-e", "error.log"])
            .env("PATH", format!("{}:/usr/sbin", std::env::var("PATH").unwrap_or_default()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| {
                let _ = fs::remove_dir_all(&folder);
                panic!(
                    "nginx can't be started ({error}): install it (Debian: nginx-light), or set {SKIP} \
                     to do without this test"
                )
            });
        let url = format!("http://{addr}");
        Self {
            process,
            folder,
            url,
        }
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // The master takes its worker along, which it doesn't if it is killed outright.
        let _ = kill_process(Pid::from_child(&self.process), Signal::TERM);
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

#[tokio::test]
async fn behind_nginx_events_and_heartbeats_arrive_and_one_connection_carries_it_all() {
    if std::env::var_os(SKIP).is_some() {
        eprintln!("skipped, since {SKIP} is set");
        return;
    }
    let peers: Arc<Mutex<Vec<PeerAddr>>> = Arc::default();
    let (seen, seen_too) = (Arc::clone(&peers), Arc::clone(&peers));
    let (events, rest) = mpsc::unbounded_channel::<Event>();
    let rest = Arc::new(Mutex::new(Some(rest)));
    let alive = Alive::default();
    let held = alive.clone();
    let app = Router::new()
        .route(
            "/page",
            get(async move |Extension(peer): Extension<PeerAddr>| {
                seen.lock().unwrap().push(peer);
                "page"
            }),
        )
        .route(
            "/stream",
            get(async move |Extension(peer): Extension<PeerAddr>| {
                seen_too.lock().unwrap().push(peer);
                let mut rest = rest.lock().unwrap().take().unwrap();
                let rest = stream::poll_fn(move |cx| rest.poll_recv(cx));
                Sse::new(stream::iter([Event::text("first")]).chain(rest))
            }),
        )
        .route("/silence", get(async move || ours(&held)))
        .layer(SseLayer::new().keep_alive(KeepAlive::new().interval(Duration::from_millis(200))));
    let (addr, _server) = start(app, |server| server).await;
    let nginx = Nginx::start(addr).await;
    let url = &nginx.url;

    let page = || async {
        let mut page = connect(format!("{url}/page")).timeout(BOUND).await;
        page.expect_status(200);
        assert_eq!(page.body_text().await, "page");
    };
    page().await;
    let mut sse = connect(format!("{url}/stream")).timeout(BOUND).await;
    sse.expect_status(200)
        .expect_header("content-type", "text/event-stream");
    sse.expect_message().text("first").await;
    for n in 0..5 {
        // The stream is still open: nothing but its arrival ends the wait.
        events.send(Event::text("tick").with_id(n)).unwrap();
        sse.expect_message().text("tick").id(n.to_string()).await;
        sse.expect_heartbeat().await;
    }
    drop(events);
    sse.expect_end().await;
    page().await;
    let peers = peers.lock().unwrap().clone();
    assert_eq!(peers.len(), 3);
    assert!(peers[0].addr().is_some());
    assert!(peers.iter().all(|peer| *peer == peers[0]), "{peers:?}");

    // Whoever leaves nginx leaves the server too.
    let mut sse = connect(format!("{url}/silence")).timeout(BOUND).await;
    sse.expect_message().text("first").await;
    assert_eq!(alive.count(), 1);
    drop(sse);
    eventually("the stream's end", || alive.count() == 0).await;
}

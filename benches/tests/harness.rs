//! The harness end to end: each mode in a tiny form, and that it fails where a server lies.

mod liar;

use std::{
    fs,
    io::{self, Write},
    net::{SocketAddr, TcpStream},
    ops::ControlFlow,
    process::Command,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use liar::{chunk, head};
use sse_benches::servers::NAMES;

const IDLE: &str = env!("CARGO_BIN_EXE_idle");
const FANOUT: &str = env!("CARGO_BIN_EXE_fanout");
const STREAM: &str = env!("CARGO_BIN_EXE_stream");
const CHURN: &str = env!("CARGO_BIN_EXE_churn");
const H2: &str = env!("CARGO_BIN_EXE_h2");
const GROW: &str = env!("CARGO_BIN_EXE_grow");
const TLS: &str = env!("CARGO_BIN_EXE_tls");

/// What a program said, and whether it says that all went well.
fn run(program: &str, arguments: &str) -> (bool, String) {
    let output = Command::new(program)
        .args(arguments.split_whitespace())
        .output()
        .expect("the program runs");
    let said = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8(said).expect("text"),
    )
}

#[track_caller]
fn succeeds(program: &str, arguments: &str) -> String {
    let (well, said) = run(program, arguments);
    assert!(well, "{program} {arguments}\n{said}");
    said
}

#[track_caller]
fn fails(program: &str, arguments: &str, because: &str) {
    let (well, said) = run(program, arguments);
    assert!(!well, "{program} {arguments} should fail\n{said}");
    assert!(said.contains(because), "{because:?} is not in\n{said}");
}

/// Each server over HTTP/1.1, all at a time.
fn with_each_server(program: &'static str, arguments: &'static str) {
    let over_h1 = NAMES.iter().filter(|(name, _)| !name.ends_with("-h2"));
    let all = over_h1.map(|(name, _)| {
        let arguments = format!("{arguments} --servers {name}");
        thread::spawn(move || {
            let said = succeeds(program, &arguments);
            assert!(said.contains(name), "{said}");
        })
    });
    for one in all.collect::<Vec<_>>() {
        one.join().expect("it went well");
    }
}

#[test]
fn idle_runs_with_each_server() {
    with_each_server(IDLE, "--connections 20 --hold 4 --heartbeat-secs 1");
}

#[test]
fn idle_runs_in_shards() {
    let said = succeeds(
        IDLE,
        "--connections 41 --shards 2 --hold 4 --heartbeat-secs 1",
    );
    assert!(said.contains("2 servers on one port"), "{said}");
}

#[test]
fn idle_runs_without_heartbeats() {
    let said = succeeds(IDLE, "--connections 5 --hold 1 --heartbeat-secs 0");
    assert!(!said.contains("CPU a heartbeat"), "{said}");
}

#[test]
fn fanout_runs_with_each_server() {
    with_each_server(FANOUT, "--connections 20 --publishes 10");
}

#[test]
fn fanout_runs_at_a_rate_with_each_server() {
    with_each_server(FANOUT, "--connections 20 --publishes 10 --rate 50");
}

#[test]
fn stream_runs_with_each_server() {
    with_each_server(STREAM, "--events 2000");
}

#[test]
fn churn_runs_with_each_server() {
    with_each_server(CHURN, "--rate 50 --secs 1 --rounds 2 --stay-millis 100");
}

#[test]
fn grow_runs_with_each_server() {
    with_each_server(GROW, "--sizes 5,10 --publishes 5");
}

#[test]
fn tls_runs_with_and_without_take_over() {
    let said = succeeds(TLS, "--connections 40");
    for row in ["taken over by sse_layer::serve", "left with hyper"] {
        assert!(said.contains(row), "{said}");
    }
}

#[test]
fn streams_over_http_2_run_with_each_server() {
    for (name, _) in NAMES.iter().filter(|(name, _)| name.ends_with("-h2")) {
        let arguments = "--connections 2 --streams 10 --hold 4 --heartbeat-secs 1";
        succeeds(H2, &format!("{arguments} --servers {name}"));
    }
}

#[test]
fn servers_take_turns_and_are_reported_as_table_json_page_and_picture() {
    let folder = std::env::temp_dir().join(format!("sse-harness-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let file = |name: &str| folder.join(name).display().to_string();
    let [first, second] = ["sse-layer", "hyper"];
    let said = succeeds(
        STREAM,
        &format!(
            "--events 500 --runs 2 --servers {first},{second} --json {} --html {} --svg {}",
            file("r.json"),
            file("r.html"),
            file("r.svg"),
        ),
    );
    assert!(said.contains("medians of 2 runs"), "{said}");

    let json = fs::read_to_string(file("r.json")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let runs = json["runs"].as_array().unwrap();
    let turns: Vec<_> = runs
        .iter()
        .map(|run| {
            (
                run["server"].as_str().unwrap(),
                run["run"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(turns, [(first, 1), (second, 1), (first, 2), (second, 2)]);
    for run in runs {
        assert!(run["values"]["events_per_second"].as_f64().unwrap() > 0.0);
    }

    let page = fs::read_to_string(file("r.html")).unwrap();
    assert!(page.contains("<svg") && !page.contains("https:"), "{page}");
    let picture = fs::read_to_string(file("r.svg")).unwrap();
    assert!(picture.starts_with("<svg") && picture.contains("prefers-color-scheme"));
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn more_connections_than_files_are_refused_with_what_to_do() {
    fails(IDLE, "--connections 1000000000", "ulimit -Hn");
    fails(IDLE, "--connections 1000000000", "--shards");
}

#[test]
fn a_hold_that_proves_nothing_is_refused() {
    fails(
        IDLE,
        "--hold 10 --heartbeat-secs 5",
        "--hold 10 is too short",
    );
}

#[test]
fn a_server_that_is_named_twice_is_refused() {
    fails(
        STREAM,
        "--servers hyper,hyper",
        "--servers names hyper twice",
    );
}

#[test]
fn a_rate_of_nothing_is_refused() {
    fails(CHURN, "--rate 0", "a number above 0");
    fails(FANOUT, "--rate nan", "a number above 0");
}

#[test]
fn a_reference_that_is_not_measured_is_refused() {
    fails(
        STREAM,
        "--events 10 --reference nobody",
        "not among --servers",
    );
}

/// A server whose event streams do as `body` does.
fn streams(body: impl Fn(&mut TcpStream) -> io::Result<()> + Clone + Send + 'static) -> SocketAddr {
    liar::serve(move |_, _, stream| {
        head(stream)?;
        body(stream)?;
        Ok(ControlFlow::Break(()))
    })
}

fn beat(stream: &mut TcpStream) -> io::Result<()> {
    loop {
        thread::sleep(Duration::from_secs(1));
        chunk(stream, ":\n\n")?;
    }
}

fn idle(url: SocketAddr) -> String {
    format!("--connections 3 --hold 4 --heartbeat-secs 1 --url http://{url}/")
}

#[test]
fn an_honest_server_by_its_url_passes() {
    succeeds(IDLE, &idle(streams(beat)));
}

#[test]
fn a_server_that_stalls_is_told() {
    let silent = streams(|_| {
        thread::sleep(Duration::from_secs(3600));
        Ok(())
    });
    fails(
        IDLE,
        &idle(silent),
        "stalled: a stream was silent for more than 3 s (3 times)",
    );
}

#[test]
fn a_heartbeat_that_is_left_out_is_told() {
    let slow = streams(|stream| {
        thread::sleep(Duration::from_millis(3200));
        beat(stream)
    });
    // The first one comes after more than four seconds, and then they go on.
    let arguments = format!("--connections 2 --hold 6 --heartbeat-secs 1 --url http://{slow}/");
    fails(IDLE, &arguments, "a missing heartbeat");
}

#[test]
fn a_server_that_closes_early_is_told() {
    let early = streams(|stream| {
        thread::sleep(Duration::from_millis(500));
        stream.write_all(b"3\r\n:")
    });
    fails(IDLE, &idle(early), "closed in the middle of the response");
}

#[test]
fn a_server_that_ends_a_quiet_stream_is_told() {
    let ends = streams(|stream| {
        thread::sleep(Duration::from_millis(500));
        stream.write_all(b"0\r\n\r\n")
    });
    fails(IDLE, &idle(ends), "ended a stream that should stay");
}

#[test]
fn a_server_that_answers_500_is_told() {
    let error = liar::serve(|_, _, stream| {
        stream.write_all(b"HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n")?;
        Ok(ControlFlow::Break(()))
    });
    fails(
        IDLE,
        &idle(error),
        "answered with status 500 instead of 200 (3 times)",
    );
}

#[test]
fn a_server_that_answers_a_page_is_told() {
    let page = liar::serve(|_, _, stream| {
        stream.write_all(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 0\r\n\r\n",
        )?;
        Ok(ControlFlow::Break(()))
    });
    fails(IDLE, &idle(page), "answered as \"text/html\"");
}

#[test]
fn a_server_that_is_not_there_is_told() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    fails(IDLE, &idle(address), "could not connect");
}

/// A server that delivers each event to each client so many times as `copies` says of the client's and
/// the event's number, both counted from 1, and answers publishing with `status`.
fn fan(
    copies: impl Fn(usize, usize) -> usize + Clone + Send + 'static,
    status: &'static str,
) -> String {
    let live: Arc<Mutex<(Vec<TcpStream>, usize)>> = Arc::default();
    let address = liar::serve(move |path, body, stream| {
        let mut live = live.lock().unwrap_or_else(PoisonError::into_inner);
        let (clients, published) = &mut *live;
        if path == "/live" {
            clients.push(stream.try_clone()?);
            head(stream)?;
            return Ok(ControlFlow::Continue(()));
        }
        *published += 1;
        for (client, stream) in clients.iter_mut().enumerate() {
            for _ in 0..copies(client + 1, *published) {
                // Those of an earlier measurement have gone.
                let _ = chunk(stream, &format!("data: {body}\n\n"));
            }
        }
        stream.write_all(format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n").as_bytes())?;
        Ok(ControlFlow::Continue(()))
    });
    format!(
        "--connections 3 --publishes 5 --deadline-secs 2 --url http://{address}/live \
         --publish-url http://{address}/publish"
    )
}

#[test]
fn a_server_that_delivers_all_passes() {
    let said = succeeds(FANOUT, &fan(|_, _| 1, "200 OK"));
    assert!(said.contains("latency p99"), "{said}");
}

#[test]
fn growth_of_anyones_server_is_measured() {
    let fan = fan(|_, _| 1, "200 OK").replace("--connections 3", "--sizes 2,3");
    let said = succeeds(GROW, &fan);
    assert!(said.contains("last / first"), "{said}");
}

#[test]
fn a_delivery_that_is_dropped_is_told() {
    let drops = fan(
        |client, event| usize::from((client, event) != (2, 6)),
        "200 OK",
    );
    fails(
        FANOUT,
        &drops,
        "stalled: 1 of 3 connections did not get all events up to 6 within 2 s, the first of them number 6",
    );
}

#[test]
fn a_delivery_that_is_dropped_while_others_follow_is_told() {
    let drops = fan(
        |client, event| usize::from((client, event) != (2, 6)),
        "200 OK",
    );
    fails(
        FANOUT,
        &format!("{drops} --rate 50"),
        "lost: an event never came, the next one did",
    );
}

#[test]
fn a_delivery_that_is_doubled_is_told() {
    let doubles = fan(
        |client, event| 1 + usize::from((client, event) == (3, 8)),
        "200 OK",
    );
    fails(
        FANOUT,
        &doubles,
        "doubled: an event came twice on one connection",
    );
}

#[test]
fn publishing_that_is_refused_is_told() {
    fails(
        FANOUT,
        &fan(|_, _| 1, "503 No"),
        "publishing was answered with status 503",
    );
}

#[test]
fn anyones_fan_out_needs_to_know_where_to_publish() {
    fails(FANOUT, "--url http://127.0.0.1:1/", "--publish-url");
}

/// A stream of these numbers.
fn numbers(numbers: &'static [u64]) -> String {
    let address = streams(move |stream| {
        for number in numbers {
            chunk(stream, &format!("data: {{\"sequence\":{number}}}\n\n"))?;
        }
        stream.write_all(b"0\r\n\r\n")
    });
    format!("--events 4 --deadline-secs 2 --url http://{address}/")
}

#[test]
fn a_stream_that_is_whole_passes() {
    succeeds(STREAM, &numbers(&[7, 8, 9, 10]));
}

#[test]
fn a_stream_that_is_too_short_is_told() {
    fails(STREAM, &numbers(&[0, 1, 2]), "3 events came instead of 4");
}

#[test]
fn a_stream_with_a_hole_is_told() {
    fails(
        STREAM,
        &numbers(&[0, 1, 4, 5]),
        "lost: an event never came, the next one did (2 times)",
    );
}

#[test]
fn a_stream_that_goes_back_is_told() {
    fails(STREAM, &numbers(&[0, 1, 1, 2]), "doubled or disordered");
}

#[test]
fn a_stream_that_stops_is_told() {
    let stops = streams(|stream| {
        chunk(stream, "data: x\n\n")?;
        thread::sleep(Duration::from_secs(3600));
        Ok(())
    });
    fails(
        STREAM,
        &format!("--events 4 --deadline-secs 1 --url http://{stops}/"),
        "stalled: nothing came for 1 s after 1 events",
    );
}

//! Nodes on an engine, each part in a tiny form, with the real servers.

#![cfg(target_os = "linux")]

use std::process::{Command, Output};

use serde_json::Value;

const NODES: &str = env!("CARGO_BIN_EXE_nodes");

/// As for all tests with real engines.
fn skips(kind: &str) -> bool {
    let skip = format!("SSE_SKIP_{}", kind.to_uppercase());
    let skips = std::env::var_os(&skip).is_some();
    if skips {
        eprintln!("skipped, since {skip} is set");
    }
    skips
}

fn run(arguments: &str) -> Output {
    Command::new(NODES)
        .args(arguments.split_whitespace())
        .output()
        .expect("the program runs")
}

/// What came out, as JSON, and as text.
#[track_caller]
fn measure(part: &str, kind: &str, arguments: &str) -> (Value, String) {
    let name = format!("sse-nodes-{part}-{kind}-{}.json", std::process::id());
    let file = std::env::temp_dir().join(name);
    let output = run(&format!(
        "--json {} {part} {kind} {arguments}",
        file.display()
    ));
    let said = String::from_utf8([output.stdout, output.stderr].concat()).expect("text");
    assert!(output.status.success(), "{said}");
    let json = std::fs::read_to_string(&file).expect("a report");
    std::fs::remove_file(file).expect("a file");
    (serde_json::from_str(&json).expect("JSON"), said)
}

/// The figures of each run, by server and connections.
fn values(report: &Value) -> Vec<(&str, u64, &Value)> {
    let runs = report["runs"].as_array().expect("runs");
    let values = runs.iter().map(|run| {
        let server = run["server"].as_str().expect("a name");
        (
            server,
            run["connections"].as_u64().expect("a number"),
            &run["values"],
        )
    });
    values.collect()
}

fn events_reach_all(kind: &str, plain: &str, with_history: &str) {
    if skips(kind) {
        return;
    }
    let (report, said) = measure(
        "deliver",
        kind,
        "--subscribers 6 --rate 50 --rate-secs 0.5 --full-secs 0.5 --in-flight 64 --runs 2",
    );
    let ways = [plain, with_history, "1 node", "3 nodes"];
    let values = values(&report);
    let measured: Vec<&str> = values.iter().map(|(way, ..)| *way).collect();
    assert_eq!(measured, [ways, ways].concat(), "they take turns");
    for (way, subscribers, values) in values {
        assert_eq!(subscribers, 6);
        for figure in [
            "p50_ns",
            "p99_ns",
            "events_per_second",
            "engine_cpu_event_ns",
        ] {
            assert!(
                values[figure].as_f64() > Some(0.0),
                "{way}: {figure} of {values}"
            );
        }
        let nodes = values["node_cpu_delivery_ns"].is_number();
        assert_eq!(nodes, way.contains("node"), "{way}: {values}");
        assert_eq!(
            (&values["lost"], &values["doubled"]),
            (&0.0.into(), &0.0.into())
        );
    }
    assert!(
        said.contains(&format!("Times {plain}, in the same turn")),
        "{said}"
    );
}

fn what_was_missed_is_read(kind: &str, plain: &str) {
    if skips(kind) {
        return;
    }
    let (report, said) = measure("resume", kind, "--events 600 --clients 1,5 --runs 1");
    for caption in ["1 connection\n", "5 connections\n"] {
        assert!(said.contains(caption), "{said}");
    }
    let measured = values(&report);
    let kinds: Vec<_> = measured
        .iter()
        .map(|(reader, clients, _)| (*reader, *clients))
        .collect();
    let (same, differ) = ("node, the same id", "node, ids that differ");
    assert_eq!(
        kinds,
        [(plain, 1), (same, 1), (plain, 5), (same, 5), (differ, 5)]
    );
    for (reader, clients, values) in measured {
        let events = values["events_per_second"].as_f64().expect("a rate")
            * values["elapsed_ms"].as_f64().expect("a time")
            / 1000.0;
        // Each of the five whose ids differ has missed one more than the one before it.
        let more = if reader == differ { 1 + 2 + 3 + 4 } else { 0 };
        assert_eq!(events.round() as u64, clients * 600 + more, "{reader}");
    }
}

fn topics_are_counted(kind: &str) {
    if skips(kind) {
        return;
    }
    let (report, _) = measure("topics", kind, "--topics 0,20,50");
    let measured = values(&report);
    let sizes: Vec<u64> = measured.iter().map(|(_, topics, _)| *topics).collect();
    assert_eq!(sizes, [0, 20, 50]);
    let connections = |at: usize| measured[at].2["connections"].as_f64();
    assert!(connections(0) >= Some(1.0), "{report}");
    assert_eq!(connections(0), connections(2), "none more for more topics");
    assert!(
        measured[2].2["node_rss_active"].as_f64() > Some(0.0),
        "{report}"
    );
    assert!(measured[0].2["node_rss_topic"].is_null(), "there are none");
}

#[test]
fn events_reach_all_through_redis() {
    events_reach_all("redis", "PUBLISH", "XADD, PUBLISH");
}

#[test]
fn events_reach_all_through_nats() {
    events_reach_all("nats", "core NATS", "JetStream");
}

#[test]
fn what_was_missed_is_read_from_redis() {
    what_was_missed_is_read("redis", "XRANGE");
}

#[test]
fn what_was_missed_is_read_from_nats() {
    what_was_missed_is_read("nats", "ordered consumer");
}

#[test]
fn topics_of_a_node_on_redis_are_counted() {
    topics_are_counted("redis");
}

#[test]
fn topics_of_a_node_on_nats_are_counted() {
    topics_are_counted("nats");
}

#[test]
fn an_engine_that_is_not_installed_is_told_with_what_to_install() {
    let output = Command::new(NODES)
        .args(["topics", "redis"])
        .env("PATH", "/nowhere")
        .output()
        .expect("the program runs");
    let said = String::from_utf8(output.stderr).expect("text");
    assert!(!output.status.success());
    assert!(said.contains("apt-get install redis-server"), "{said}");
}

//! What clients see of a command's output, by real commands.

#![allow(clippy::unwrap_used, reason = "a test fails where it panics")]

mod common;

use std::time::Duration;

use example_hyper::{App, Bounds, Config, Running};
use insta::assert_snapshot;
use serde_json::json;
use sse_testkit::{EventStream, Reconnect};

use self::common::{follow, shell};

fn start(script: &str) -> (App, Running) {
    App::start(Config {
        command: shell(script),
        ..Config::default()
    })
    .unwrap()
}

#[tokio::test]
async fn the_output_comes_line_by_line_and_then_the_exit_status() {
    let (app, _running) = start("printf 'one\\n\\n  three\\nno line break'; exit 3");
    let mut logs = follow(&app).await;
    logs.collect_to_end().await;
    assert_snapshot!(logs.transcript().without_times());
}

#[tokio::test]
async fn a_line_comes_while_the_command_still_runs() {
    let (app, _running) = start("echo one; sleep 1000");
    let mut logs = follow(&app).await;
    logs.expect_event("stdout").text("one").id("1").await;
    logs.close();
}

#[tokio::test]
async fn standard_error_has_a_name_of_its_own_in_the_same_numbering() {
    let (app, _running) = start("echo out; echo err >&2");
    let mut logs = follow(&app).await;
    let mut events = logs.collect_to_end().await;
    let exit = events.pop().unwrap();
    assert_eq!(exit.event, "exit");
    // Which of two pipes is read first is nobody's promise.
    events.sort_by(|one, other| other.event.cmp(&one.event));
    let named: Vec<_> = events
        .iter()
        .map(|event| (event.event.as_str(), event.data.as_str()))
        .collect();
    assert_eq!(named, [("stdout", "out"), ("stderr", "err")]);
    let mut ids: Vec<_> = events
        .iter()
        .map(|event| event.last_event_id.as_str())
        .collect();
    ids.sort_unstable();
    assert_eq!(ids, ["1", "2"]);
}

#[tokio::test]
async fn a_late_client_gets_what_it_missed() {
    let (app, _running) = start("echo one; echo two; sleep 1000");
    let mut early = follow(&app).await;
    early.expect_event("stdout").text("one").await;
    early.expect_event("stdout").text("two").await;

    let mut late = follow(&app).await;
    late.expect_event("stdout").text("one").id("1").await;
    late.expect_event("stdout").text("two").id("2").await;
}

#[tokio::test]
async fn a_client_that_comes_back_goes_on_after_the_last_id() {
    let (app, _running) = start("echo one; echo two; echo three; sleep 1000");
    let mut logs = follow(&app).await;
    logs.expect_event("stdout").text("one").await;
    assert!(matches!(logs.reconnect().await, Reconnect::Open));
    logs.expect_event("stdout").text("two").id("2").await;

    let mut logs = follow(&app).last_event_id("2").await;
    logs.expect_event("stdout").text("three").id("3").await;
}

#[tokio::test]
async fn a_client_that_has_seen_the_exit_is_told_to_stop() {
    let (app, _running) = start("echo one");
    let mut logs = follow(&app).await;
    logs.expect_event("stdout").text("one").await;
    logs.expect_event("exit")
        .json(&json!({"code": 0, "signal": null}))
        .id("2")
        .await;
    logs.expect_end().await;
    assert!(matches!(logs.reconnect().await, Reconnect::Stopped));
}

#[tokio::test]
async fn a_client_that_has_not_seen_the_exit_still_gets_it() {
    let (app, _running) = start("echo one");
    follow(&app).await.collect_to_end().await;
    let mut logs = follow(&app).last_event_id("1").await;
    logs.expect_event("exit").id("2").await;
    logs.expect_end().await;
}

#[tokio::test]
async fn lines_that_are_no_longer_kept_are_told() {
    let (app, _running) = App::start(Config {
        command: shell("i=0; while [ $i -lt 100 ]; do i=$((i+1)); echo line $i; done"),
        kept: Bounds {
            lines: 3,
            ..Bounds::default()
        },
        ..Config::default()
    })
    .unwrap();
    follow(&app).await.collect_to_end().await;

    let mut late = follow(&app).await;
    late.collect_to_end().await;
    assert_snapshot!("late", late.transcript().without_headers().without_times());

    let mut resumed = follow(&app).last_event_id("95").await;
    resumed
        .expect_event("gap")
        .json(&json!({"reason": "evicted", "missed": 2}))
        .id("97")
        .await;
    resumed.expect_event("stdout").text("line 98").await;

    // The gap's id is where the stream goes on: it is told once.
    let mut once = follow(&app).last_event_id("97").await;
    once.expect_event("stdout").text("line 98").await;
}

#[tokio::test]
async fn an_id_that_is_none_of_this_run_is_a_gap_of_unknown_size() {
    let (app, _running) = start("echo one; sleep 1000");
    for id in ["1000000", "-1", "not a number", "18446744073709551616"] {
        let mut logs = follow(&app).last_event_id(id).await;
        logs.expect_event("gap")
            .json(&json!({"reason": "unknown id", "missed": null}))
            .id("0")
            .await;
        logs.expect_event("stdout").text("one").id("1").await;
    }
}

#[tokio::test]
async fn what_is_not_utf_8_and_endless_lines_are_passed_on_as_far_as_they_can_be() {
    let (app, _running) =
        start("printf 'a\\377b\\r\\n'; head -c 1000000 /dev/zero | tr '\\0' x; echo; echo after");
    let mut logs = follow(&app).await;
    logs.expect_event("stdout").text("a\u{fffd}b").await;
    logs.expect_event("stdout")
        .data_with(|line| line.len() < 70_000 && line.ends_with("x [934464 bytes cut]"))
        .await;
    logs.expect_event("stdout").text("after").await;
    logs.expect_event("exit").await;
    logs.expect_end().await;
}

#[tokio::test]
async fn a_command_that_a_signal_ends_says_so() {
    let (app, _running) = start("kill -9 $$");
    let mut logs = follow(&app).await;
    logs.expect_event("exit")
        .json(&json!({"code": null, "signal": 9}))
        .id("1")
        .await;
    logs.expect_end().await;
}

#[tokio::test]
async fn stopping_ends_the_command_and_what_it_started_even_if_they_will_not() {
    let (app, running) = start("trap '' TERM; sleep 1000 & echo $!; echo $$; wait; wait");
    let mut logs = follow(&app).await;
    let started = logs.collect(2).await;
    running.stop().await;
    logs.expect_event("exit")
        .json(&json!({"code": null, "signal": 9}))
        .within(Duration::from_secs(5))
        .await;
    for process in started {
        common::expect_gone(&process.data).await;
    }
}

#[tokio::test]
async fn a_command_that_has_closed_its_output_still_runs_and_can_be_stopped() {
    let (app, running) = start("echo $$; exec sleep 1000 >&- 2>&-");
    let mut logs = follow(&app).await;
    let started = logs.expect_event("stdout").await;
    running.stop().await;
    logs.expect_event("exit")
        .json(&json!({"code": null, "signal": 15}))
        .await;
    common::expect_gone(&started.data).await;
}

#[tokio::test]
async fn a_command_whose_handle_is_dropped_is_stopped() {
    let (app, running) = start("echo $$; sleep 1000");
    let mut logs = follow(&app).await;
    let started = logs.expect_event("stdout").await;
    drop(running);
    logs.expect_event("exit").await;
    common::expect_gone(&started.data).await;
}

#[tokio::test]
async fn a_command_that_cannot_be_run_is_an_error_that_names_it() {
    let error = App::start(Config {
        command: example_hyper::Command::new(["/no/such/command"]).unwrap(),
        ..Config::default()
    })
    .unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("can't run /no/such/command: "),
        "{error}"
    );
}

#[tokio::test]
async fn a_slow_reader_of_a_talkative_command_is_told_what_it_missed_and_holds_nothing_up() {
    let (app, _running) = App::start(Config {
        command: shell("i=0; while [ $i -lt 20000 ]; do i=$((i+1)); echo $i; done"),
        kept: Bounds {
            lines: 100,
            ..Bounds::default()
        },
        ..Config::default()
    })
    .unwrap();
    let mut slow = follow(&app).await;
    let mut quick = follow(&app).await;
    expect_no_hole(&mut quick).await;
    // It reads only now that the command has long ended.
    expect_no_hole(&mut slow).await;
}

/// Every line came, or was counted in a gap.
async fn expect_no_hole(logs: &mut EventStream) {
    let mut line = 0;
    for event in logs.collect_to_end().await {
        match &*event.event {
            "stdout" => {
                line += 1;
                assert_eq!(event.data, line.to_string());
            }
            "gap" => {
                line += event.json::<serde_json::Value>()["missed"]
                    .as_u64()
                    .unwrap();
            }
            "exit" => assert_eq!(line, 20_000),
            other => panic!("{other}"),
        }
    }
    assert_eq!(line, 20_000);
}

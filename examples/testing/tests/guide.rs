//! The guide shows what is in this folder, and its commands print what it says they print.
#![allow(clippy::unwrap_used, reason = "a test fails where it panics")]

mod place;

use std::fs;
use std::path::Path;

use axum::http::Request;
use regex_lite::Regex;
use serde_json::json;

use self::place::Place;

const GUIDE: &str = include_str!("../README.md");

/// A piece of the guide between two fences.
struct Block {
    language: &'static str,
    text: &'static str,
}

fn blocks() -> impl Iterator<Item = Block> {
    let fences = GUIDE.split("\n```").skip(1).step_by(2);
    fences.map(|block| {
        let (language, text) = block.split_once('\n').unwrap();
        Block { language, text }
    })
}

fn blocks_in(language: &str) -> impl Iterator<Item = &'static str> {
    blocks()
        .filter(move |block| block.language == language)
        .map(|block| block.text)
}

#[test]
fn each_piece_of_code_is_in_a_file_of_this_folder() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = [
        "src/log.rs",
        "tests/log.rs",
        "tests/server.rs",
        "ci/contract",
        "ci/workflow.yml",
    ];
    let files = files.map(|file| fs::read_to_string(folder.join(file)).unwrap());
    for Block { language, text } in blocks() {
        // The other tests look at those.
        if ["console", "text", "toml"].contains(&language) {
            continue;
        }
        assert!(["rust", "sh", "yaml"].contains(&language), "{language:?}");
        let lines = format!("\n{}\n", text.trim_end());
        let found = files.iter().any(|file| file.contains(&lines));
        assert!(found, "no file has this:\n{text}");
    }
}

#[test]
fn the_dependencies_of_the_guide_are_those_of_this_folder() {
    let folder = include_str!("../Cargo.toml");
    let workspace = include_str!("../../../Cargo.toml");
    let shown = blocks_in("toml").next().unwrap();
    for line in shown.trim_end().lines().skip(1) {
        let (name, what) = line.split_once(" = ").unwrap();
        let version = what.split('"').nth(1).unwrap();
        let common = line_of(workspace, name);
        assert!(common.contains(&format!("\"{version}.")), "{common}");
        let features = what.split_once("features = ").map_or("", |(_, list)| list);
        let own = folder.lines().filter(|line| line.starts_with(name));
        let own = own.collect::<String>();
        for feature in features.split('"').skip(1).step_by(2) {
            assert!(own.contains(&format!("\"{feature}\"")), "{own}: {feature}");
        }
        assert!(!own.is_empty(), "{name}");
    }
}

fn line_of<'a>(manifest: &'a str, dependency: &str) -> &'a str {
    let start = format!("{dependency} = ");
    let line = manifest.lines().find(|line| line.starts_with(&start));
    line.unwrap_or_else(|| panic!("{dependency} is in no manifest"))
}

#[tokio::test]
async fn an_expectation_that_is_not_met_reads_as_in_the_guide() {
    let failing = tokio::spawn(async {
        let app = log_stream::app();
        let request = Request::post("/log").body("compiling".to_owned()).unwrap();
        let written = sse_testkit::request(app.clone(), request).await;
        written.expect_status(204);
        let mut log = sse_testkit::get(app, "/log").await;
        let expected = json!({ "text": "linking" });
        log.expect_event("line").json_partial(&expected).await;
    });
    let panic = failing.await.unwrap_err().into_panic();
    let message = panic.downcast::<String>().unwrap();
    assert_like(&message, blocks_in("text").next().unwrap());
}

#[test]
fn each_command_of_the_guide_prints_what_the_guide_shows() {
    let mut place = Place::new("guide");
    let consoles: String = blocks_in("console").collect();
    for command in consoles.split("$ ").skip(1) {
        let (command, shown) = command.split_once('\n').unwrap();
        assert_like(&place.run(command), shown);
    }
}

#[test]
fn the_script_for_ci_passes() {
    let place = Place::new("script");
    let server = env!("CARGO_BIN_EXE_example-testing");
    let output = place.script("ci/contract", server, "10s");
    assert!(output.contains(" 0 failed, 0 warned, "), "{output}");
    assert!(output.ends_with("exit status: 0\n"), "{output}");
}

#[test]
fn the_script_for_ci_fails_where_the_server_does_not_start() {
    let place = Place::new("no-server");
    let output = place.script("ci/contract", "false", "100ms");
    assert!(output.contains("nothing accepts connections"), "{output}");
    assert!(output.ends_with("exit status: 2\n"), "{output}");
}

/// Compares but for times, ports and places in the code. A line `...` stands for any lines.
fn assert_like(printed: &str, shown: &str) {
    let varies = Regex::new(r"\S+\.rs:\d+|127\.0\.0\.1:\d+|\d{10,}|\d+\.\d+|\d+ ms").unwrap();
    let printed = varies.replace_all(printed.trim_end(), "#");
    let shown = varies.replace_all(shown.trim_end(), "#");
    let parts = shown.split("\n...\n").map(regex_lite::escape);
    let pattern = parts.collect::<Vec<_>>().join("\n(.*\n)*");
    let like = Regex::new(&format!("^{pattern}$")).unwrap();
    assert!(
        like.is_match(&printed),
        "printed:\n{printed}\n\nshown:\n{shown}"
    );
}

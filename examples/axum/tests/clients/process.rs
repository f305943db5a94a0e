//! Clients that are programs of their own, and say what they saw as lines of JSON.

use std::{path::PathBuf, process::Stdio};

use serde::de::DeserializeOwned;
use tokio::{process::Command, time::timeout};

use crate::PATIENCE;

/// Where `.ci/test` installs the packages of a language.
pub(crate) fn installed(language: &str) -> PathBuf {
    let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let target = target.parent().unwrap();
    target.join("clients").join(language)
}

/// A script of this folder.
pub(crate) fn script(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients")).join(name)
}

/// Fails unless the packages of a language are there.
pub(crate) fn assert_installed(language: &str, skip: &str) {
    assert!(
        installed(language).join("installed").exists(),
        "the clients' packages are missing: run `examples/axum/tests/clients/install {language}`, \
         as .ci/test does, or set {skip} to do without these tests"
    );
}

/// Runs a client to its end.
pub(crate) async fn lines<T>(mut client: Command, missing: &str) -> Vec<T>
where
    T: DeserializeOwned,
{
    let client = client
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap_or_else(|error| panic!("{missing} ({error})"));
    let output = timeout(PATIENCE, client.wait_with_output()).await;
    let output = output.expect("a client should come to its end").unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {stderr}", output.status);
    let stdout = String::from_utf8(output.stdout).unwrap();
    // Not `lines()`, which would split at what is data in Unicode.
    let lines = stdout.split_terminator('\n');
    lines
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

//! Servers that we did not write, each as its own documentation has it.
//!
//! What is wrong with them is in the snapshots, and in the table of CONTRACT.md.

mod actix;
mod axum;
mod feed;
mod node;
mod table;
mod warp;

use std::time::Duration;

use sse_testkit::contract::{self, Expectations, Outcome, Target};

/// How often peers are told to send heartbeats. More often would hide that a stream does not open
/// by itself.
const HEARTBEAT: Duration = Duration::from_secs(2);

/// A line a check, with what was seen where it did not pass.
async fn outcomes(base: &str) -> String {
    let at = |path: &str| format!("{base}{path}");
    let expectations = Expectations::new()
        .heartbeat(Duration::from_millis(2500))
        .produced_by(Target::post(at("/publish"), "hello"))
        .stats(Target::get(at("/stats")), "/open")
        .observe(Duration::from_secs(1));
    let report = contract::check(Target::get(at("/events")), expectations).await;
    assert_eq!(report.error, None);
    let mut text = String::new();
    for finding in &report.findings {
        text.push_str(&format!("{} {}", finding.id, finding.outcome));
        if finding.outcome != Outcome::Pass {
            text.push_str(&format!(": {}", without_chance(&finding.evidence)));
        }
        text.push('\n');
    }
    text
}

/// Times and random ids differ from run to run.
fn without_chance(evidence: &str) -> String {
    let words = evidence.split(' ').map(|word| {
        let unit = word.trim_start_matches(|it: char| it.is_ascii_digit() || it == '.');
        let is_time = unit.len() < word.len() && matches!(unit, "s" | "ms" | "s," | "ms,");
        let is_uuid = word.matches('-').count() == 4 && word.len() > 32;
        match (is_time, is_uuid) {
            (true, _) => "[time]",
            (_, true) => "[id]",
            _ => word,
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

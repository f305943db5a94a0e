//! The table in CONTRACT.md, which is what the snapshots say.

const PEERS: [(&str, &str); 4] = [
    (
        "axum",
        include_str!("snapshots/contract__peers__axum__axum.snap"),
    ),
    (
        "actix-web-lab",
        include_str!("snapshots/contract__peers__actix__actix-web-lab.snap"),
    ),
    (
        "warp",
        include_str!("snapshots/contract__peers__warp__warp.snap"),
    ),
    (
        "better-sse",
        include_str!("snapshots/contract__peers__node__better-sse.snap"),
    ),
];

/// Id and outcome of each check.
fn outcomes(snapshot: &str) -> Vec<(&str, &str)> {
    let (_, text) = snapshot
        .trim_start_matches("---")
        .split_once("---\n")
        .unwrap();
    let lines = text.lines().filter_map(|line| line.split_once(' '));
    lines
        .map(|(id, outcome)| (id, outcome.split(':').next().unwrap()))
        .collect()
}

fn table() -> String {
    let mut table = "| check |".to_owned();
    for (peer, _) in PEERS {
        table.push_str(&format!(" {peer} |"));
    }
    table.push_str(&format!("\n|---|{}\n", "---|".repeat(PEERS.len())));
    let columns = PEERS.map(|(_, snapshot)| outcomes(snapshot));
    for (row, (id, _)) in columns[0].iter().enumerate() {
        table.push_str(&format!("| {id} |"));
        for column in &columns {
            assert_eq!(column[row].0, *id);
            table.push_str(&format!(" {} |", column[row].1));
        }
        table.push('\n');
    }
    table
}

#[test]
fn the_documented_table_is_what_was_seen() {
    let table = table();
    let documented = include_str!("../../../CONTRACT.md");
    assert!(
        documented.contains(&table),
        "CONTRACT.md should have\n\n{table}"
    );
}

//! A table of what differs: where, what was expected and what came.

use serde_json::Value;

use super::compare::shown;
use crate::recorder::equal;

pub(super) struct Difference {
    path: String,
    expected: String,
    got: String,
}

/// Wide enough for what people compare at a glance.
const MAX_WIDTH: usize = 48;

/// What differs everywhere is not understood row by row.
const MAX_ROWS: usize = 20;

const NOTHING: &str = "nothing";

impl Difference {
    pub(super) fn new(path: &str, expected: Option<&Value>, got: Option<&Value>) -> Self {
        let mut expected = expected.map_or_else(|| NOTHING.to_owned(), shown);
        let mut got = got.map_or_else(|| NOTHING.to_owned(), Value::to_string);
        // Long values that begin alike are shown from a little before they differ.
        let same = expected
            .chars()
            .zip(got.chars())
            .take_while(|(a, b)| a == b);
        let alike = same.count().saturating_sub(MAX_WIDTH / 3);
        if alike > 0 && expected.chars().count().max(got.chars().count()) > MAX_WIDTH {
            for text in [&mut expected, &mut got] {
                *text = format!("...{}", text.chars().skip(alike).collect::<String>());
            }
        }
        Self {
            path: path.to_owned(),
            expected: short(&expected),
            got: short(&got),
        }
    }

    /// An element that none of these is.
    pub(super) fn among(path: &str, expected: &Value, got: &[Value]) -> Self {
        let got = Value::from(got).to_string();
        Self {
            path: format!("{path}[*]"),
            expected: short(&shown(expected)),
            got: short(&format!("none in {got}")),
        }
    }
}

/// Compares text; what is more than a few words line by line.
pub(crate) fn compare_text(came: &str, wanted: &str) -> Result<(), String> {
    let is_short = |text: &str| text.len() <= MAX_WIDTH && !text.contains('\n');
    if came == wanted || (is_short(came) && is_short(wanted)) {
        return equal("the data", came, wanted);
    }
    let lines = |text: &str| text.split('\n').map(Value::from).collect::<Vec<_>>();
    let (came, wanted) = (lines(came), lines(wanted));
    let differences = (0..came.len().max(wanted.len())).filter_map(|index| {
        let (came, wanted) = (came.get(index), wanted.get(index));
        let line = (index + 1).to_string();
        (came != wanted).then(|| Difference::new(&line, wanted, came))
    });
    Err(table("line", &differences.collect::<Vec<_>>()))
}

pub(super) fn table(place: &str, differences: &[Difference]) -> String {
    let rows = differences.iter().take(MAX_ROWS);
    let rows = rows.map(|it| [path(&it.path), &it.expected, &it.got]);
    let rows: Vec<_> = std::iter::once([place, "expected", "got"])
        .chain(rows)
        .collect();
    let width = |column: usize| {
        let widths = rows.iter().map(|row| row[column].chars().count());
        widths.max().unwrap_or_default()
    };
    let (first, second) = (width(0), width(1));
    let mut text = "the data differs:".to_owned();
    for [path, expected, got] in &rows {
        text.push_str(&format!("\n{path:first$}  {expected:second$}  {got}"));
    }
    if differences.len() > MAX_ROWS {
        text.push_str(&format!("\nand {} more", differences.len() - MAX_ROWS));
    }
    text
}

/// The whole is the dot that `jq` calls it.
fn path(path: &str) -> &str {
    if path.is_empty() { "." } else { path }
}

fn short(text: &str) -> String {
    match text.chars().count() > MAX_WIDTH {
        true => text
            .chars()
            .take(MAX_WIDTH - 3)
            .chain("...".chars())
            .collect(),
        false => text.to_owned(),
    }
}

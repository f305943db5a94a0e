//! Tables in Markdown, for terminals and READMEs.

use super::{Figure, Report, Row, Run, Summary, figure::group, ratios};

/// The whole report.
pub(super) fn write(report: &Report) -> String {
    let mut text = format!("# {}\n\n", report.title);
    text += &format!("{}\n\n    {}\n\n", report.machine, report.command);
    for table in tables(report) {
        text += &markdown(&table);
        text.push('\n');
    }
    for note in &report.notes {
        text += &format!("- {note}\n");
    }
    if !report.is_sound() {
        text += "\n## What went wrong\n\n";
        for line in troubles(report) {
            text += &format!("- {line}\n");
        }
    }
    text
}

/// A table, its caption, its head and its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) caption: String,
    pub(super) head: Vec<String>,
    pub(super) lines: Vec<Vec<String>>,
}

/// With one size, the figures go down and the servers across; with several, each server has a table in
/// which the sizes go down, unless they are to be apart.
pub(super) fn tables(report: &Report) -> Vec<Table> {
    let rows = report.rows();
    let figures: Vec<&Figure> = report.measured().collect();
    let mut sizes: Vec<usize> = rows.iter().map(|row| row.connections).collect();
    sizes.dedup();
    if sizes.len() > 1 && !report.sizes_apart {
        return by_size(&rows, &figures);
    }
    sizes.sort_unstable();
    sizes.dedup();
    let of_sizes = sizes.into_iter().flat_map(|size| {
        let rows = rows.iter().filter(|row| row.connections == size).cloned();
        of_one_size(report, &rows.collect::<Vec<_>>(), &figures)
    });
    of_sizes.collect()
}

fn of_one_size(report: &Report, rows: &[Row<'_>], figures: &[&Figure]) -> Vec<Table> {
    let mut tables = vec![Table {
        caption: caption(rows),
        head: head("", rows),
        lines: figures
            .iter()
            .map(|figure| {
                let cells = rows.iter().map(|row| cell(figure, row.summary(figure.key)));
                [figure.title()].into_iter().chain(cells).collect()
            })
            .collect(),
    }];
    if let Some(reference) = &report.reference {
        let compared = figures.iter().filter(|figure| figure.compared);
        tables.push(Table {
            caption: format!("Times {reference}, in the same turn"),
            head: head("", rows),
            lines: compared
                .map(|figure| {
                    let cells = rows.iter().map(|row| {
                        let ratio =
                            ratios(&of_size(report, row), row.server, reference, figure.key);
                        spread(ratio, |value| format!("{value:.2}"))
                    });
                    [figure.label.to_owned()].into_iter().chain(cells).collect()
                })
                .collect(),
        });
    }
    tables
}

/// The runs with as many connections as this row's.
fn of_size(report: &Report, row: &Row<'_>) -> Vec<Run> {
    let runs = report.runs.iter();
    runs.filter(|run| run.connections == row.connections)
        .cloned()
        .collect()
}

/// What went wrong, a line each.
pub(super) fn troubles(report: &Report) -> Vec<String> {
    let mut lines = Vec::new();
    for run in &report.runs {
        for trouble in &run.troubles {
            lines.push(format!(
                "{}, {} connections, run {}: {trouble}",
                run.server, run.connections, run.run
            ));
        }
    }
    lines
}

fn caption(rows: &[Row<'_>]) -> String {
    let runs = rows.iter().map(|row| row.runs.len()).max().unwrap_or(0);
    let connections = rows.first().map_or(0, |row| row.connections);
    let connections = match connections {
        1 => "1 connection".to_owned(),
        connections => format!("{} connections", group(&connections.to_string())),
    };
    match runs {
        1 => connections,
        runs => format!("{connections}; medians of {runs} runs (least–greatest)"),
    }
}

fn head(first: &str, rows: &[Row<'_>]) -> Vec<String> {
    let servers = rows.iter().map(|row| row.server.to_owned());
    [first.to_owned()].into_iter().chain(servers).collect()
}

fn by_size(rows: &[Row<'_>], figures: &[&Figure]) -> Vec<Table> {
    let mut servers: Vec<&str> = rows.iter().map(|row| row.server).collect();
    let mut seen = Vec::new();
    servers.retain(|server| {
        let new = !seen.contains(server);
        seen.push(*server);
        new
    });
    let tables = servers.into_iter().map(|server| {
        let of_server: Vec<&Row<'_>> = rows.iter().filter(|row| row.server == server).collect();
        let titles = figures.iter().map(|figure| figure.title());
        let mut lines: Vec<Vec<String>> = of_server
            .iter()
            .map(|row| {
                let cells = figures
                    .iter()
                    .map(|figure| cell(figure, row.summary(figure.key)));
                [group(&row.connections.to_string())]
                    .into_iter()
                    .chain(cells)
                    .collect()
            })
            .collect();
        if let [first, .., last] = of_server.as_slice() {
            let ratios = figures.iter().map(|figure| {
                let (first, last) = (first.summary(figure.key)?, last.summary(figure.key)?);
                (figure.compared && first.median != 0.0).then(|| last.median / first.median)
            });
            let ratios = ratios.map(|ratio| ratio.map_or(String::new(), |r| format!("{r:.2}")));
            if figures.iter().any(|figure| figure.compared) {
                lines.push(
                    ["last / first".to_owned()]
                        .into_iter()
                        .chain(ratios)
                        .collect(),
                );
            }
        }
        let runs = of_server.iter().map(|row| row.runs.len()).max();
        Table {
            caption: match runs {
                Some(runs) if runs > 1 => {
                    format!("{server}; medians of {runs} runs (least–greatest)")
                }
                _ => server.to_owned(),
            },
            head: ["connections".to_owned()]
                .into_iter()
                .chain(titles)
                .collect(),
            lines,
        }
    });
    tables.collect()
}

fn cell(figure: &Figure, summary: Option<Summary>) -> String {
    spread(summary, |value| figure.unit.show(value))
}

fn spread(summary: Option<Summary>, show: impl Fn(f64) -> String) -> String {
    let Some(summary) = summary else {
        return "–".to_owned();
    };
    let median = show(summary.median);
    let (min, max) = (show(summary.min), show(summary.max));
    if summary.count == 1 || (min == median && max == median) {
        median
    } else {
        format!("{median} ({min}–{max})")
    }
}

fn markdown(table: &Table) -> String {
    let columns = table.head.len();
    let mut widths = vec![0; columns];
    for line in [&table.head].into_iter().chain(&table.lines) {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let row = |cells: &[String]| {
        let mut line = String::from("|");
        for (i, (cell, width)) in cells.iter().zip(&widths).enumerate() {
            let width = *width;
            line += &if i == 0 {
                format!(" {cell:<width$} |")
            } else {
                format!(" {cell:>width$} |")
            };
        }
        line + "\n"
    };
    let mut text = format!("{}\n\n", table.caption) + &row(&table.head);
    text.push('|');
    for (i, width) in widths.iter().enumerate() {
        let dashes = "-".repeat(width + 1);
        text += &if i == 0 {
            format!("{dashes}-|")
        } else {
            format!("{dashes}:|")
        };
    }
    text.push('\n');
    for line in &table.lines {
        text += &row(line);
    }
    text
}

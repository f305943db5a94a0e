/// A picture of some figures.
#[derive(Clone, Debug, PartialEq)]
pub struct Chart {
    /// What it shows.
    pub title: String,
    /// The unit of what is measured.
    pub unit: String,
    /// How it is drawn.
    pub shape: Shape,
}

/// How a chart is drawn.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// Lying bars, in groups.
    Bars {
        /// The bars within a group.
        series: Vec<String>,
        /// The groups.
        groups: Vec<(String, Vec<Option<Bar>>)>,
    },
    /// Lines from the left to the right.
    Lines {
        /// What the horizontal axis is.
        across: String,
        /// The places on it that are marked, each with its name.
        marks: Vec<(f64, String)>,
        /// The lines.
        lines: Vec<Line>,
        /// What the vertical axis is.
        scale: Scale,
    },
}

/// What equal steps upwards are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Equal differences, from 0 on.
    Linear,
    /// Equal ratios: for what is a hundred times as much at one end.
    Logarithmic,
}

/// A bar, in the unit that is shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bar {
    /// Its length.
    pub median: f64,
    /// The least of what was measured.
    pub min: f64,
    /// The greatest.
    pub max: f64,
}

/// A line, in the unit that is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Its name.
    pub name: String,
    /// Its points, from the left to the right.
    pub points: Vec<(f64, f64)>,
}

impl Chart {
    /// Whether there is anything to draw.
    pub fn shows_something(&self) -> bool {
        match &self.shape {
            Shape::Bars { groups, .. } => groups
                .iter()
                .any(|(_, bars)| bars.iter().any(Option::is_some)),
            Shape::Lines { lines, .. } => lines.iter().any(|line| !line.points.is_empty()),
        }
    }

    /// Bars of some figures for each server.
    pub fn bars(
        title: &str,
        report_runs: &[super::Run],
        figures: &[(&str, super::Figure)],
    ) -> Self {
        let series = figures.iter().map(|(name, _)| (*name).to_owned());
        let groups = super::rows(report_runs).into_iter().map(|row| {
            let bars = figures.iter().map(|(_, figure)| {
                let summary = row.summary(figure.key)?;
                Some(Bar {
                    median: figure.unit.scaled(summary.median),
                    min: figure.unit.scaled(summary.min),
                    max: figure.unit.scaled(summary.max),
                })
            });
            (row.server.to_owned(), bars.collect())
        });
        Self {
            title: title.to_owned(),
            unit: figures
                .first()
                .map_or("", |(_, figure)| figure.unit.symbol())
                .to_owned(),
            shape: Shape::Bars {
                series: series.collect(),
                groups: groups.collect(),
            },
        }
    }

    /// A figure over the number of connections, a line a server.
    pub fn growth(title: &str, report_runs: &[super::Run], figure: super::Figure) -> Self {
        let mut lines: Vec<Line> = Vec::new();
        let mut sizes: Vec<usize> = Vec::new();
        for row in super::rows(report_runs) {
            let Some(summary) = row.summary(figure.key) else {
                continue;
            };
            sizes.push(row.connections);
            let point = (row.connections as f64, figure.unit.scaled(summary.median));
            match lines.iter_mut().find(|line| line.name == row.server) {
                Some(line) => line.points.push(point),
                None => lines.push(Line {
                    name: row.server.to_owned(),
                    points: vec![point],
                }),
            }
        }
        sizes.sort_unstable();
        sizes.dedup();
        let marks = sizes
            .into_iter()
            .map(|size| (size as f64, super::figure::group(&size.to_string())));
        Self {
            title: title.to_owned(),
            unit: figure.unit.symbol().to_owned(),
            shape: Shape::Lines {
                across: "connections".to_owned(),
                marks: marks.collect(),
                lines,
                scale: Scale::Linear,
            },
        }
    }

    /// Latencies by percentile, a line a server: each point is the median of the runs.
    pub fn latencies(title: &str, report_runs: &[super::Run]) -> Self {
        let mut marks: Vec<(f64, String)> = Vec::new();
        let mut lines = Vec::new();
        for row in super::rows(report_runs) {
            let percentiles = row.runs.first().map_or(&[][..], |run| &run.latencies);
            let points = percentiles
                .iter()
                .enumerate()
                .filter_map(|(i, (percentile, _))| {
                    if marks.len() == i {
                        let name = if *percentile >= 100.0 {
                            "max".to_owned()
                        } else {
                            format!("p{percentile}")
                        };
                        marks.push((i as f64, name));
                    }
                    let latencies = row.runs.iter().filter_map(|run| run.latencies.get(i));
                    let median = super::Summary::of(latencies.map(|(_, latency)| *latency))?.median;
                    Some((i as f64, median))
                });
            lines.push(Line {
                points: points.collect(),
                name: row.server.to_owned(),
            });
        }
        Self {
            title: title.to_owned(),
            unit: "ms".to_owned(),
            shape: Shape::Lines {
                across: "percentile of all deliveries".to_owned(),
                marks,
                lines,
                scale: Scale::Logarithmic,
            },
        }
    }
}

//! What came out: as a table, as JSON, as a page with charts.
//!
//! A [`Run`] is one measurement of one server. A [`Report`] has all of them, and tells medians with the
//! least and the greatest; ratios are of values of the same turn, since the machine is not the same a
//! minute later.

mod chart;
mod command;
mod figure;
mod html;
mod output;
mod summary;
mod svg;
mod table;
mod troubles;

use std::collections::BTreeMap;

use serde::Serialize;

pub use self::{
    chart::{Bar, Chart, Line, Scale, Shape},
    figure::{Figure, Unit},
    output::Output,
    summary::{Summary, ratios},
    troubles::{Trouble, Troubles},
};
use crate::measure::Machine;

/// All that a mode has to say.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// What was measured.
    pub title: String,
    /// How, and what to know when reading the figures.
    pub notes: Vec<String>,
    /// The command that does it again.
    pub command: String,
    /// On what.
    pub machine: Machine,
    /// The figures' names in [`Run::values`] and for readers.
    pub figures: Vec<Figure>,
    /// Each measurement, in the order in which they were made.
    pub runs: Vec<Run>,
    /// The server to which ratios are told.
    pub reference: Option<String>,
    /// Whether runs with different numbers of connections are compared each with its own kind only.
    #[serde(skip)]
    pub sizes_apart: bool,
    /// Pictures.
    #[serde(skip)]
    pub charts: Vec<Chart>,
}

/// One measurement of one server.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Run {
    /// The server's name.
    pub server: String,
    /// Which of its measurements, from 1 on.
    pub run: u32,
    /// How many connections it was to have.
    pub connections: usize,
    /// Figures by their keys; what could not be measured is not in it.
    pub values: BTreeMap<&'static str, f64>,
    /// Percentiles of the latency, each with milliseconds.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub latencies: Vec<(f64, f64)>,
    /// What went wrong.
    pub troubles: Troubles,
}

/// All runs of one server with the same number of connections.
#[derive(Clone, Debug)]
pub(crate) struct Row<'a> {
    pub(crate) server: &'a str,
    pub(crate) connections: usize,
    pub(crate) runs: Vec<&'a Run>,
}

impl Report {
    /// What came out of this program here.
    pub(crate) fn new(title: impl Into<String>, figures: &[Figure], runs: Vec<Run>) -> Self {
        Self {
            title: title.into(),
            notes: Vec::new(),
            command: command::command_line(),
            machine: Machine::this(),
            figures: figures.to_vec(),
            runs,
            reference: None,
            sizes_apart: false,
            charts: Vec::new(),
        }
    }

    /// With what to know when reading it.
    pub(crate) fn notes(self, notes: Vec<String>) -> Self {
        Self { notes, ..self }
    }

    /// With those pictures that show something.
    pub(crate) fn charts(mut self, charts: impl IntoIterator<Item = Chart>) -> Self {
        let charts = charts.into_iter().filter(Chart::shows_something);
        self.charts.extend(charts);
        self
    }

    /// With ratios to this server.
    pub(crate) fn reference(self, reference: Option<String>) -> Self {
        Self { reference, ..self }
    }

    /// With tables of their own for each number of connections.
    pub(crate) fn sizes_apart(self) -> Self {
        Self {
            sizes_apart: true,
            ..self
        }
    }

    /// Whether nothing went wrong in any run.
    pub fn is_sound(&self) -> bool {
        self.runs.iter().all(|run| run.troubles.is_empty())
    }

    pub(crate) fn rows(&self) -> Vec<Row<'_>> {
        rows(&self.runs)
    }

    /// Figures that were measured at least once.
    pub(crate) fn measured(&self) -> impl Iterator<Item = &Figure> {
        self.figures.iter().filter(|figure| {
            self.runs
                .iter()
                .any(|run| run.values.contains_key(figure.key))
        })
    }
}

impl Run {
    /// A run without figures yet.
    pub fn new(server: &str, run: u32, connections: usize) -> Self {
        Self {
            server: server.to_owned(),
            run,
            connections,
            ..Self::default()
        }
    }

    /// Sets a figure; one that is no number was not measured.
    pub fn set(&mut self, key: &'static str, value: f64) {
        if value.is_finite() {
            self.values.insert(key, value);
        }
    }
}

impl Row<'_> {
    pub(crate) fn summary(&self, key: &str) -> Option<Summary> {
        Summary::of(
            self.runs
                .iter()
                .filter_map(|run| run.values.get(key).copied()),
        )
    }
}

/// Runs by server and connections, in the order in which they first came.
pub(crate) fn rows(runs: &[Run]) -> Vec<Row<'_>> {
    let mut rows: Vec<Row<'_>> = Vec::new();
    for run in runs {
        let of_run =
            |row: &&mut Row<'_>| row.server == run.server && row.connections == run.connections;
        match rows.iter_mut().find(of_run) {
            Some(row) => row.runs.push(run),
            None => rows.push(Row {
                server: &run.server,
                connections: run.connections,
                runs: vec![run],
            }),
        }
    }
    rows
}

//! The ways in which a server is loaded, one a file: each starts a server (or takes anyone's), puts
//! load on it, measures, and says what went wrong.
//!
//! [`Subjects`] are the servers, [`Running`] is one of them while it runs, a [`Run`] is what came out.
//! Runs of several servers take turns, so that what the machine does meanwhile meets all of them.

pub mod churn;
mod clients;
mod deliveries;
pub mod fanout;
pub mod grow;
pub mod h2;
pub mod idle;
mod moment;
pub mod nodes;
mod progress;
pub mod stream;
mod subject;

use std::process::ExitCode;

use clap::Parser;

pub use self::{
    clients::attend_if_asked,
    subject::{Running, Subject, Subjects},
};
use crate::report::{Output, Report, Run};

/// A mode: its arguments, and how it is run.
pub trait Mode: Parser {
    /// Loads the servers and reports.
    ///
    /// # Errors
    ///
    /// A message, where nothing could be measured. What went wrong with single connections is in the
    /// report.
    fn measure(&self) -> Result<Report, String>;

    /// Where the report goes.
    fn output(&self) -> &Output;
}

/// The whole of a mode's program.
pub fn main<M: Mode>() -> ExitCode {
    crate::servers::serve_if_asked();
    crate::servers::serve_node_if_asked();
    attend_if_asked();
    let mode = M::parse();
    let written = mode.measure().and_then(|report| {
        mode.output().write(&report)?;
        Ok(report.is_sound())
    });
    match written {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs `measure` once for each subject, then for each a second time, and so on.
fn take_turns(
    subjects: &Subjects,
    mut measure: impl FnMut(&Subject, u32) -> Result<Vec<Run>, String>,
) -> Result<Vec<Run>, String> {
    let mut runs = Vec::new();
    for number in 1..=subjects.runs() {
        for subject in &subjects.list()? {
            runs.extend(measure(subject, number)?);
        }
    }
    Ok(runs)
}

fn at_least_one(number: &str) -> Result<usize, String> {
    match number.parse() {
        Ok(0) => Err("at least 1".to_owned()),
        Ok(number) => Ok(number),
        Err(_) => Err("a number".to_owned()),
    }
}

fn more_than_nothing(number: &str) -> Result<f64, String> {
    match number.parse() {
        Ok(number) if number > 0.0 && f64::is_finite(number) => Ok(number),
        _ => Err("a number above 0".to_owned()),
    }
}

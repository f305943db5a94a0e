use std::{fs, io::Write, path::PathBuf};

use clap::Args;

use super::{Report, html, svg, table};

/// Where a report goes beside the standard output.
#[derive(Args, Clone, Debug, Default)]
pub struct Output {
    /// Writes all runs and the machine as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Writes a page with charts, one file that needs no other
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Writes the first chart as a picture
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

impl Output {
    /// The table to the standard output, the rest where it was asked for.
    ///
    /// # Errors
    ///
    /// If a file can't be written.
    pub fn write(&self, report: &Report) -> Result<(), String> {
        let text = table::write(report);
        let mut out = std::io::stdout().lock();
        out.write_all(text.as_bytes())
            .and_then(|()| out.flush())
            .map_err(|error| format!("the table could not be written: {error}"))?;
        if let Some(path) = &self.json {
            let json = serde_json::to_string_pretty(report).map_err(|error| error.to_string())?;
            write(path, &(json + "\n"))?;
        }
        if let Some(path) = &self.html {
            write(path, &html::page(report))?;
        }
        if let (Some(path), Some(chart)) = (&self.svg, report.charts.first()) {
            write(path, &svg::picture(chart, &report.machine.to_string()))?;
        }
        Ok(())
    }
}

fn write(path: &PathBuf, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

//! The line that tells what is awaited.

use std::io;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use sse_testkit::contract::Progress;

use crate::color::can_control;

/// A line on the terminal, as long as it lives; nothing where standard error is none that can clear it.
pub(super) struct Waiting(ProgressBar);

impl Waiting {
    pub(super) fn begin() -> Self {
        let line = match can_control(&io::stderr()) {
            true => ProgressBar::new_spinner(),
            false => ProgressBar::hidden(),
        };
        line.set_style(style("waiting for an answer, {elapsed}"));
        line.enable_steady_tick(Duration::from_millis(250));
        Self(line)
    }

    pub(super) fn tell(&self, progress: Progress<'_>) {
        match progress {
            Progress::Observing { about, checks, .. } => {
                self.0.set_length(checks as u64);
                self.0.set_message(format!("{:.0}s", about.as_secs_f64()));
                let checked = "{pos}/{len} checks, {elapsed} of about {msg}";
                self.0.set_style(style(checked));
            }
            Progress::Done(_) => self.0.inc(1),
            _ => {}
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}

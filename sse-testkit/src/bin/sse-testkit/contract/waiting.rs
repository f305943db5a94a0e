//! The line that tells what is awaited.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use sse_testkit::contract::Progress;

/// A line on the terminal, as long as it lives; nothing where standard error is none.
pub(super) struct Waiting {
    line: ProgressBar,
    /// How long a stream is looked at.
    about: Duration,
}

impl Waiting {
    pub(super) fn begin() -> Self {
        let line = ProgressBar::new_spinner().with_style(style("{spinner} {wide_msg}"));
        line.set_message("waiting for an answer");
        line.enable_steady_tick(Duration::from_millis(100));
        Self {
            line,
            about: Duration::ZERO,
        }
    }

    pub(super) fn tell(&mut self, progress: Progress<'_>) {
        match progress {
            Progress::Observing { about, checks, .. } => {
                self.about = about;
                self.line.set_length(checks as u64);
                self.line
                    .set_style(style("{spinner} {pos}/{len} checks, {elapsed}, {wide_msg}"));
                self.line
                    .set_message(format!("a stream is looked at for about {about:.0?}"));
            }
            Progress::Done(finding) => {
                self.line.inc(1);
                // Most checks are done long before the stream was looked at.
                if self.line.elapsed() > self.about {
                    self.line.set_message(finding.id);
                }
            }
            _ => {}
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.line.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template);
    style.unwrap_or_else(|_| ProgressStyle::default_spinner())
}

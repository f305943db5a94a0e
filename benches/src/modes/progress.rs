use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How far long work is, on standard error, and only where that is a terminal.
#[derive(Debug)]
pub(super) struct Progress(ProgressBar);

impl Progress {
    /// A bar that goes to `end`.
    pub(super) fn new(what: &str, end: usize) -> Self {
        let bar = ProgressBar::with_draw_target(Some(end as u64), ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{msg:40} {wide_bar} {pos}/{len} {elapsed}")
        {
            bar.set_style(style);
        }
        bar.set_message(what.to_owned());
        Self(bar)
    }

    /// A bar that goes on by itself for as long as `time` lasts.
    pub(super) fn seconds(what: &str, time: Duration) -> Self {
        Self::new(what, usize::try_from(time.as_secs()).unwrap_or(usize::MAX))
    }

    pub(super) fn at(&self, position: usize) {
        self.0.set_position(position as u64);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

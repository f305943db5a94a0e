//! The line that tells what is awaited.

use std::fmt;
use std::io::{self, Write as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sse_testkit::contract::Progress;
use tokio::task::JoinHandle;
use tokio::time::{Instant, interval};

use crate::color::can_control;

/// A line on the terminal, as long as it lives; nothing where standard error is none that can clear it.
pub(super) struct Waiting {
    line: Arc<Mutex<Line>>,
    ticking: Option<JoinHandle<()>>,
}

struct Line {
    since: Instant,
    /// How many checks there are, and how long a stream is looked at.
    begun: Option<(usize, Duration)>,
    done: usize,
}

impl Waiting {
    pub(super) fn begin() -> Self {
        let line = Arc::new(Mutex::new(Line {
            since: Instant::now(),
            begun: None,
            done: 0,
        }));
        let ticking = can_control(&io::stderr()).then(|| {
            let line = Arc::clone(&line);
            tokio::spawn(async move {
                let mut ticks = interval(Duration::from_millis(250));
                loop {
                    ticks.tick().await;
                    write(format_args!("{}", lock(&line)));
                }
            })
        });
        Self { line, ticking }
    }

    pub(super) fn tell(&self, progress: Progress<'_>) {
        let mut line = lock(&self.line);
        match progress {
            Progress::Observing { about, checks, .. } => line.begun = Some((checks, about)),
            Progress::Done(_) => line.done += 1,
            _ => {}
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(ticking) = &self.ticking {
            ticking.abort();
            write(format_args!(""));
        }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let elapsed = self.since.elapsed().as_secs();
        match self.begun {
            None => write!(f, "waiting for an answer, {elapsed} s"),
            Some((checks, about)) => {
                let (done, about) = (self.done, about.as_secs_f64());
                write!(
                    f,
                    "{done}/{checks} checks, {elapsed} s of about {about:.0} s"
                )
            }
        }
    }
}

fn lock(line: &Mutex<Line>) -> MutexGuard<'_, Line> {
    line.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Clears the line and writes it again, cut off where the terminal ends. The cursor goes back to
/// its beginning: what the terminal itself writes there, such as `^C`, is cleared with it.
fn write(text: fmt::Arguments<'_>) {
    let mut out = io::stderr().lock();
    // There is nobody to tell that this can't be written.
    let _ = write!(out, "\r\x1b[2K\x1b[?7l{text}\x1b[?7h\r");
    let _ = out.flush();
}

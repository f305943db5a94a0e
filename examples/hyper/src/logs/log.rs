//! The lines that were written, as far as they are kept.

use std::{
    collections::VecDeque,
    fmt,
    process::ExitStatus,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde::Serialize;
use sse_layer::{EncodeError, Event, Frame};
use tokio::sync::watch;

/// How much of the output is kept.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// The number of lines.
    pub lines: usize,
    /// The bytes that they take as events.
    pub bytes: usize,
}

impl Default for Bounds {
    /// 10,000 lines and 4 MiB, whichever is less.
    fn default() -> Self {
        Self {
            lines: 10_000,
            bytes: 4 * 1024 * 1024,
        }
    }
}

/// Where a line was written to.
#[derive(Clone, Copy, Debug)]
pub(super) enum Output {
    Stdout,
    Stderr,
}

impl Output {
    /// The name of its events.
    const fn name(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }
}

/// A process's output: numbered from 1, encoded once, and the newest of it kept.
#[derive(Clone)]
pub(crate) struct Log {
    shared: Arc<Shared>,
}

struct Shared {
    bounds: Bounds,
    state: Mutex<State>,
    changed: watch::Sender<()>,
}

#[derive(Default)]
struct State {
    kept: VecDeque<Frame>,
    bytes: usize,
    /// The number of the newest line, which is how many there were.
    last: u64,
    exit: Option<Frame>,
}

/// What a follower reads at once.
#[derive(Default)]
pub(super) struct Batch {
    /// How many lines behind its position are no longer kept.
    pub(super) missed: u64,
    pub(super) frames: Vec<Frame>,
    /// The position behind all this.
    pub(super) last: u64,
    pub(super) is_over: bool,
}

/// Where a client that comes with an id goes on.
#[derive(Debug, PartialEq)]
pub(super) enum Position {
    After(u64),
    /// The id is none of this log's.
    Unknown,
    /// It has seen the end.
    Over,
}

/// The numbers of a log.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Counts {
    lines: u64,
    kept_lines: usize,
    kept_bytes: usize,
    is_over: bool,
}

/// A follower holds the lock for no longer than it takes to clone so many frames.
const BATCH: usize = 64;

impl Log {
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self {
            shared: Arc::new(Shared {
                bounds,
                state: Mutex::default(),
                changed: watch::Sender::new(()),
            }),
        }
    }

    /// Adds a line, and lets the oldest go that are too many.
    pub(super) fn push(&self, output: Output, line: String) {
        let mut state = self.state();
        let number = state.last + 1;
        let event = Event::text(line).event(output.name()).with_id(number);
        let Some(frame) = frame(event.to_frame()) else {
            return;
        };
        state.last = number;
        state.bytes += frame.as_bytes().len();
        state.kept.push_back(frame);
        let Bounds { lines, bytes } = self.shared.bounds;
        while state.kept.len() > lines || state.bytes > bytes {
            let Some(oldest) = state.kept.pop_front() else {
                break;
            };
            state.bytes -= oldest.as_bytes().len();
        }
        drop(state);
        self.shared.changed.send_replace(());
    }

    /// Adds the end, which is numbered as if it were a line.
    pub(super) fn end(&self, status: ExitStatus) {
        #[derive(Serialize)]
        struct Exit {
            code: Option<i32>,
            signal: Option<i32>,
        }
        let mut state = self.state();
        let exit = Exit {
            code: status.code(),
            signal: signal_of(status),
        };
        let event = Event::json(exit).event("exit").with_id(state.last + 1);
        state.exit = frame(event.to_frame());
        drop(state);
        self.shared.changed.send_replace(());
    }

    /// Tells when something was added.
    pub(super) fn changes(&self) -> watch::Receiver<()> {
        self.shared.changed.subscribe()
    }

    /// What comes behind line `after`, as much as is good to take at once.
    pub(super) fn read(&self, after: u64) -> Batch {
        let state = self.state();
        let before = state.evicted();
        let from = after.max(before);
        let skip = usize::try_from(from - before).unwrap_or(usize::MAX);
        let mut frames: Vec<_> = state.kept.iter().skip(skip).take(BATCH).cloned().collect();
        let last = from + frames.len() as u64;
        let exit = state.exit.clone().filter(|_| last == state.last);
        let is_over = exit.is_some();
        frames.extend(exit);
        Batch {
            missed: from - after,
            frames,
            last,
            is_over,
        }
    }

    /// The number of the newest line that is no longer kept.
    pub(super) fn evicted(&self) -> u64 {
        self.state().evicted()
    }

    /// What an id says, if it is one of this log's.
    pub(super) fn position(&self, id: Option<u64>) -> Position {
        let state = self.state();
        match id {
            Some(number) if number <= state.last => Position::After(number),
            Some(number) if state.exit.is_some() && number == state.last + 1 => Position::Over,
            _ => Position::Unknown,
        }
    }

    pub(crate) fn counts(&self) -> Counts {
        let state = self.state();
        Counts {
            lines: state.last,
            kept_lines: state.kept.len(),
            kept_bytes: state.bytes,
            is_over: state.exit.is_some(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics half-way through a change.
        self.shared
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn evicted(&self) -> u64 {
        self.last - self.kept.len() as u64
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Log").field(&self.counts()).finish()
    }
}

/// Names and ids here are fixed words and numbers, so that this is never wanting.
fn frame(frame: Result<Frame, EncodeError>) -> Option<Frame> {
    frame
        .inspect_err(|error| tracing::error!(%error, "a line can't be sent"))
        .ok()
}

#[cfg(unix)]
fn signal_of(status: ExitStatus) -> Option<i32> {
    std::os::unix::process::ExitStatusExt::signal(&status)
}

#[cfg(not(unix))]
fn signal_of(_: ExitStatus) -> Option<i32> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(lines: usize, bytes: usize, pushed: u64) -> Log {
        let log = Log::new(Bounds { lines, bytes });
        for number in 1..=pushed {
            log.push(Output::Stdout, format!("line {number}"));
        }
        log
    }

    fn ids(batch: &Batch) -> Vec<String> {
        let id = |frame: &Frame| {
            let text = String::from_utf8(frame.as_bytes().to_vec()).unwrap();
            text.lines().next().unwrap().to_owned()
        };
        batch.frames.iter().map(id).collect()
    }

    #[test]
    fn the_newest_lines_are_kept_and_the_number_of_the_others_is_known() {
        let log = log(3, usize::MAX, 10);
        let batch = log.read(0);
        assert_eq!((batch.missed, batch.last), (7, 10));
        assert_eq!(ids(&batch), ["id: 8", "id: 9", "id: 10"]);
        assert_eq!(log.read(7).missed, 0);
        assert_eq!(ids(&log.read(9)), ["id: 10"]);
    }

    #[test]
    fn bytes_are_bounded_as_lines_are_even_by_a_line_that_is_larger() {
        let one = "id: 1\nevent: stdout\ndata: line 1\n\n".len();
        let log = log(100, 2 * one, 9);
        assert_eq!(log.counts().kept_bytes, 2 * one);
        log.push(Output::Stderr, "x".repeat(2 * one));
        assert_eq!((log.counts().kept_bytes, log.evicted()), (0, 10));
        assert_eq!(log.read(9).missed, 1);
    }

    #[test]
    fn long_logs_are_read_in_parts_and_the_end_comes_last() {
        let log = log(1000, usize::MAX, BATCH as u64 + 1);
        log.end(ExitStatus::default());
        let first = log.read(0);
        assert_eq!((first.frames.len(), first.is_over), (BATCH, false));
        let second = log.read(first.last);
        assert_eq!((second.frames.len(), second.is_over), (2, true));
    }

    #[test]
    fn ids_are_known_up_to_the_newest_and_the_end() {
        let log = log(2, usize::MAX, 5);
        assert_eq!(log.position(Some(0)), Position::After(0));
        assert_eq!(log.position(Some(5)), Position::After(5));
        assert_eq!(log.position(Some(6)), Position::Unknown);
        assert_eq!(log.position(None), Position::Unknown);
        log.end(ExitStatus::default());
        assert_eq!(log.position(Some(5)), Position::After(5));
        assert_eq!(log.position(Some(6)), Position::Over);
        assert_eq!(log.position(Some(7)), Position::Unknown);
    }
}

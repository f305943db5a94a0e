//! Why a text is no recording.

use std::{fmt, io};

/// A recording that can't be read, and the line that is to blame.
#[derive(Debug)]
pub struct RecordingError {
    reason: String,
    line: Option<usize>,
    source: Option<io::Error>,
}

impl RecordingError {
    /// The line, counted from 1; nothing if the file itself can't be read.
    pub fn line(&self) -> Option<usize> {
        self.line
    }

    pub(super) fn at(line: usize, reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            line: Some(line),
            source: None,
        }
    }

    pub(super) fn file(path: &std::path::Path, source: io::Error) -> Self {
        Self {
            reason: format!("can't read {}", path.display()),
            line: None,
            source: Some(source),
        }
    }
}

impl fmt::Display for RecordingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: {}", self.reason),
            None => f.write_str(&self.reason),
        }
    }
}

impl std::error::Error for RecordingError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|it| it as _)
    }
}

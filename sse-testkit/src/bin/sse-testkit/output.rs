//! The standard output.

use std::fmt;
use std::io::{self, Write as _};

/// Writes a line that a reader sees at once.
pub(crate) fn say(line: impl fmt::Display) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

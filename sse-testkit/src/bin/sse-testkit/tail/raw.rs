//! The bytes as they come.

use std::io::{self, Write as _};

use sse_testkit::{Seen, Sighting};

use super::{Show, note};

/// Bodies go to the standard output, and what else happens to the standard error.
#[derive(Debug)]
pub(super) struct Raw;

impl Show for Raw {
    fn show(&mut self, sighting: Sighting) -> io::Result<()> {
        match &sighting.seen {
            Seen::Chunk(bytes) => {
                let mut out = io::stdout().lock();
                out.write_all(bytes)?;
                out.flush()
            }
            seen => {
                note(seen);
                Ok(())
            }
        }
    }
}

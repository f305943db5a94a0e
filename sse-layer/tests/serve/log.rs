//! What is logged on a test's thread.

use std::{
    cell::RefCell,
    io,
    sync::{Arc, Mutex, OnceLock},
};

use tracing_subscriber::fmt::MakeWriter;

/// All that is logged on this thread while it lives. A runtime of one thread is what it is for.
pub(crate) struct Log(Lines);

type Lines = Arc<Mutex<Vec<u8>>>;

thread_local! {
    static LINES: RefCell<Option<Lines>> = const { RefCell::new(None) };
}

impl Log {
    pub(crate) fn listen() -> Self {
        static SUBSCRIBED: OnceLock<()> = OnceLock::new();
        SUBSCRIBED.get_or_init(|| {
            tracing_subscriber::fmt()
                .with_max_level(tracing::Level::DEBUG)
                .with_ansi(false)
                .with_writer(ByThread)
                .init();
        });
        let lines = Lines::default();
        LINES.set(Some(Arc::clone(&lines)));
        Self(lines)
    }

    /// The lines with this in them.
    pub(crate) fn with(&self, part: &str) -> Vec<String> {
        let lines = self.0.lock().unwrap();
        String::from_utf8_lossy(&lines)
            .lines()
            .filter(|line| line.contains(part))
            .map(str::to_owned)
            .collect()
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        LINES.set(None);
    }
}

struct ByThread;

impl MakeWriter<'_> for ByThread {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        Self
    }
}

impl io::Write for ByThread {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LINES.with_borrow(|lines| {
            if let Some(lines) = lines {
                lines.lock().unwrap().extend_from_slice(bytes);
            }
        });
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

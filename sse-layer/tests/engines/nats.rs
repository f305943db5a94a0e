//! NATS with JetStream.

use std::{
    fs,
    ops::{Deref, DerefMut},
};

use super::Engine;

/// Where the tests are to do without it.
const SKIP: &str = "SSE_SKIP_NATS";

/// A `nats-server`, with its data on disk.
pub(crate) struct Nats {
    engine: Engine,
    config: String,
    has_jetstream: bool,
}

impl Nats {
    /// One that listens, or `None` where the tests are to do without it.
    pub(crate) fn start() -> Option<Self> {
        Self::start_with("")
    }

    /// One with more configuration, as in its file: `authorization { token: "s3cr3t" }`.
    pub(crate) fn start_with(config: &str) -> Option<Self> {
        Self::start_as(config, true)
    }

    /// One without JetStream.
    pub(crate) fn start_plain() -> Option<Self> {
        Self::start_as("", false)
    }

    fn start_as(config: &str, has_jetstream: bool) -> Option<Self> {
        if std::env::var_os(SKIP).is_some() {
            eprintln!("skipped, since {SKIP} is set");
            return None;
        }
        let missing =
            "install it (Debian: nats-server), or set SSE_SKIP_NATS to do without these tests";
        let mut nats = Self {
            engine: Engine::new("nats-server", missing),
            config: config.to_owned(),
            has_jetstream,
        };
        nats.run();
        Some(nats)
    }

    /// Runs it again after it was killed or stopped, with what is in its folder.
    pub(crate) fn run(&mut self) {
        let (addr, config) = (self.engine.addr(), &self.config);
        let jetstream = if self.has_jetstream {
            "jetstream { store_dir: \"data\" }"
        } else {
            ""
        };
        let config = format!("listen: \"{addr}\"\nmax_payload: 8MB\n{jetstream}\n{config}\n");
        fs::write(self.engine.folder().join("nats.conf"), config).unwrap();
        self.engine.run(["-c", "nats.conf"]);
    }

    /// Throws away what it has on disk.
    pub(crate) fn lose_data(&mut self) {
        let _ = fs::remove_dir_all(self.engine.folder().join("data"));
    }

    pub(crate) fn url(&self) -> String {
        format!("nats://{}", self.engine.addr())
    }
}

impl Deref for Nats {
    type Target = Engine;

    fn deref(&self) -> &Engine {
        &self.engine
    }
}

impl DerefMut for Nats {
    fn deref_mut(&mut self) -> &mut Engine {
        &mut self.engine
    }
}

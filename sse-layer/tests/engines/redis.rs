//! Redis.

use std::{
    fs,
    ops::{Deref, DerefMut},
    process::Command,
};

use super::Engine;

/// Where the tests are to do without it.
const SKIP: &str = "SSE_SKIP_REDIS";

/// A `redis-server`, with its data on disk.
pub(crate) struct Redis {
    engine: Engine,
    config: Vec<String>,
}

impl Redis {
    /// One that listens, or `None` where the tests are to do without it.
    pub(crate) fn start() -> Option<Self> {
        Self::start_with(&[])
    }

    /// One with more configuration, as on its command line: `["--maxmemory", "1mb"]`.
    pub(crate) fn start_with(config: &[&str]) -> Option<Self> {
        if std::env::var_os(SKIP).is_some() {
            eprintln!("skipped, since {SKIP} is set");
            return None;
        }
        let missing =
            "install it (Debian: redis-server), or set SSE_SKIP_REDIS to do without these tests";
        let mut redis = Self {
            engine: Engine::new("redis-server", missing),
            config: config.iter().map(ToString::to_string).collect(),
        };
        redis.run();
        Some(redis)
    }

    /// Runs it again after it was killed or stopped, with what is in its folder.
    pub(crate) fn run(&mut self) {
        let port = self.engine.addr().port().to_string();
        let mut args = vec!["--bind", "127.0.0.1", "--port", &port, "--save", ""];
        args.extend(["--appendonly", "yes", "--appendfsync", "always"]);
        args.extend(self.config.iter().map(String::as_str));
        let args: Vec<_> = args.into_iter().map(String::from).collect();
        self.engine.run(args);
    }

    /// Throws away what it has on disk.
    pub(crate) fn lose_data(&mut self) {
        let _ = fs::remove_dir_all(self.engine.folder().join("appendonlydir"));
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://{}", self.engine.addr())
    }

    /// Runs `redis-cli` against it, and answers what it prints.
    pub(crate) fn cli(&self, args: &[&str]) -> String {
        let addr = self.engine.addr();
        let output = Command::new("redis-cli")
            .args(["-h", &addr.ip().to_string(), "-p", &addr.port().to_string()])
            .args(args)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout)
            .unwrap()
            .trim_end()
            .to_owned()
    }
}

impl Deref for Redis {
    type Target = Engine;

    fn deref(&self) -> &Engine {
        &self.engine
    }
}

impl DerefMut for Redis {
    fn deref_mut(&mut self) -> &mut Engine {
        &mut self.engine
    }
}

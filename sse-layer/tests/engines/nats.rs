//! NATS with JetStream.

use std::{
    fs,
    ops::{Deref, DerefMut},
};

use super::{Engine, free_port};

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
        if is_skipped() {
            return None;
        }
        let mut nats = Self::new(config.to_owned(), has_jetstream);
        nats.run();
        Some(nats)
    }

    fn new(config: String, has_jetstream: bool) -> Self {
        let missing =
            "install it (Debian: nats-server), or set SSE_SKIP_NATS to do without these tests";
        Self {
            engine: Engine::new("nats-server", missing),
            config,
            has_jetstream,
        }
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

/// Some servers that are one JetStream.
pub(crate) struct Cluster {
    servers: Vec<Nats>,
}

impl Cluster {
    /// So many servers, all of which listen, or `None` where the tests are to do without them. They
    /// take some seconds more until they have elected who leads.
    pub(crate) fn start(count: usize) -> Option<Self> {
        Self::start_with(count, |_| String::new())
    }

    /// Such servers, each with more configuration.
    pub(crate) fn start_with(count: usize, more: impl Fn(usize) -> String) -> Option<Self> {
        if is_skipped() {
            return None;
        }
        let routes: Vec<_> = (0..count).map(|_| free_port()).collect();
        let urls: Vec<_> = routes.iter().map(|at| format!("\"nats://{at}\"")).collect();
        let urls = urls.join(", ");
        let config = |(at, route)| {
            format!(
                "server_name: {}\ncluster {{ name: servers, listen: \"{route}\", routes: [{urls}] }}\n{}",
                Self::name(at),
                more(at)
            )
        };
        let mut servers: Vec<_> = (routes.iter().enumerate())
            .map(|server| Nats::new(config(server), true))
            .collect();
        for server in &mut servers {
            server.run();
        }
        Some(Self { servers })
    }

    /// What a server calls itself.
    pub(crate) fn name(at: usize) -> String {
        format!("server-{at}")
    }

    /// Which server calls itself so.
    pub(crate) fn named(&self, name: &str) -> usize {
        let named = (0..self.servers.len()).find(|at| Self::name(*at) == name);
        named.expect("a server of this name")
    }

    /// All of them.
    pub(crate) fn url(&self) -> String {
        let servers = self.servers.iter();
        let hosts: Vec<_> = servers.map(|server| server.addr().to_string()).collect();
        format!("nats://{}", hosts.join(","))
    }
}

impl Deref for Cluster {
    type Target = [Nats];

    fn deref(&self) -> &[Nats] {
        &self.servers
    }
}

impl DerefMut for Cluster {
    fn deref_mut(&mut self) -> &mut [Nats] {
        &mut self.servers
    }
}

fn is_skipped() -> bool {
    let is_skipped = std::env::var_os(SKIP).is_some();
    if is_skipped {
        eprintln!("skipped, since {SKIP} is set");
    }
    is_skipped
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

//! Redis.

use std::{
    fs,
    ops::{Deref, DerefMut},
    process::Command,
    time::Instant,
};

use super::{BOUND, Engine, free_port};

/// Where the tests are to do without it.
const SKIP: &str = "SSE_SKIP_REDIS";

/// A `redis-server`, with its data on disk.
pub(crate) struct Redis {
    engine: Engine,
    config: Vec<String>,
    tls: bool,
}

impl Redis {
    /// One that listens, or `None` where the tests are to do without it.
    pub(crate) fn start() -> Option<Self> {
        Self::start_with(&[])
    }

    /// One with more configuration, as on its command line: `["--maxmemory", "1mb"]`.
    pub(crate) fn start_with(config: &[&str]) -> Option<Self> {
        let mut redis = Self::new(config)?;
        redis.run();
        Some(redis)
    }

    /// One for `rediss://localhost`, all in PEM: the authority's certificate, its own, and its key.
    pub(crate) fn start_tls(ca: &str, certificate: &str, key: &str) -> Option<Self> {
        let mut redis = Self::new(&[])?;
        redis.tls = true;
        for (name, pem) in [("ca.pem", ca), ("cert.pem", certificate), ("key.pem", key)] {
            fs::write(redis.engine.folder().join(name), pem).unwrap();
        }
        let port = redis.engine.addr().port().to_string();
        redis.config = [
            "--port",
            "0",
            "--tls-port",
            &port,
            "--tls-auth-clients",
            "no",
        ]
        .into_iter()
        .chain([
            "--tls-ca-cert-file",
            "ca.pem",
            "--tls-cert-file",
            "cert.pem",
        ])
        .chain(["--tls-key-file", "key.pem"])
        .map(str::to_owned)
        .collect();
        redis.run();
        Some(redis)
    }

    /// A sentinel that watches this server under the name `mymaster`, and makes its replica the
    /// master once it has been gone for 500 ms.
    pub(crate) fn start_sentinel(&self) -> Option<Self> {
        let mut sentinel = Self::new(&[])?;
        let watched = self.engine.addr();
        let addr = sentinel.engine.addr();
        let config = format!(
            "bind 127.0.0.1\nport {}\nsentinel monitor mymaster {} {} 1\n\
             sentinel down-after-milliseconds mymaster 500\n\
             sentinel failover-timeout mymaster 2000\n",
            addr.port(),
            watched.ip(),
            watched.port(),
        );
        fs::write(sentinel.engine.folder().join("sentinel.conf"), config).unwrap();
        sentinel.engine.run(["sentinel.conf", "--sentinel"]);
        Some(sentinel)
    }

    /// A server of a cluster, which has no slots yet and knows no other one.
    pub(crate) fn start_in_cluster() -> Option<Self> {
        let bus = free_port().port().to_string();
        Self::start_with(&["--cluster-enabled", "yes", "--cluster-port", &bus])
    }

    /// Makes another server of a cluster known to this one.
    pub(crate) fn meet(&self, other: &Self) {
        let addr = other.engine.addr();
        let (host, port) = (addr.ip().to_string(), addr.port().to_string());
        let bus = other.config.last().unwrap();
        self.cli(&["CLUSTER", "MEET", &host, &port, bus]);
    }

    /// Asks until the answer is one that is waited for.
    pub(crate) fn cli_until(&self, args: &[&str], holds: impl Fn(&str) -> bool) -> String {
        let begun = Instant::now();
        loop {
            let answer = self.cli(args);
            if holds(&answer) {
                return answer;
            }
            assert!(begun.elapsed() < BOUND, "{args:?}: {answer}");
        }
    }

    fn new(config: &[&str]) -> Option<Self> {
        if std::env::var_os(SKIP).is_some() {
            eprintln!("skipped, since {SKIP} is set");
            return None;
        }
        let missing =
            "install it (Debian: redis-server), or set SSE_SKIP_REDIS to do without these tests";
        Some(Self {
            engine: Engine::new("redis-server", missing),
            config: config.iter().map(ToString::to_string).collect(),
            tls: false,
        })
    }

    /// Runs it again after it was killed or stopped, with what is in its folder.
    pub(crate) fn run(&mut self) {
        let port = self.engine.addr().port().to_string();
        let mut args = vec!["--bind", "127.0.0.1", "--port", &port, "--save", ""];
        args.extend(["--appendonly", "yes", "--appendfsync", "always"]);
        args.extend(self.config.iter().map(String::as_str));
        let args: Vec<_> = args.into_iter().map(String::from).collect();
        self.engine.run(args);
        // It listens before it has read its data.
        while self.cli(&["PING"]).starts_with("LOADING") {}
    }

    /// Throws away what it has on disk.
    pub(crate) fn lose_data(&mut self) {
        let _ = fs::remove_dir_all(self.engine.folder().join("appendonlydir"));
    }

    pub(crate) fn url(&self) -> String {
        if self.tls {
            return format!("rediss://localhost:{}", self.engine.addr().port());
        }
        format!("redis://{}", self.engine.addr())
    }

    /// With a user and a password: `rediss://user:password@localhost:1234`.
    pub(crate) fn url_for(&self, login: &str) -> String {
        self.url().replace("://", &format!("://{login}@"))
    }

    /// Runs `redis-cli` against it, and answers what it prints.
    pub(crate) fn cli(&self, args: &[&str]) -> String {
        let addr = self.engine.addr();
        let mut command = Command::new("redis-cli");
        command.args(["-h", &addr.ip().to_string(), "-p", &addr.port().to_string()]);
        if self.tls {
            let ca = self.engine.folder().join("ca.pem");
            command
                .args(["-h", "localhost", "--tls", "--cacert"])
                .arg(ca);
        }
        let output = command.args(args).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout)
            .unwrap()
            .trim_end()
            .to_owned()
    }

    /// Runs a command of bash in the server's folder, in which `redis-cli` is for this server, and
    /// answers what it prints.
    pub(crate) fn shell(&self, command: &str) -> String {
        let addr = self.engine.addr();
        let (host, port) = (addr.ip(), addr.port());
        let cli = format!("redis-cli() {{ command redis-cli -h {host} -p {port} \"$@\"; }}");
        let output = Command::new("bash")
            .args(["-euc", &format!("{cli}\n{command}")])
            .current_dir(self.engine.folder())
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

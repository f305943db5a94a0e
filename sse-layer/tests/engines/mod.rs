//! Real engines, started by a test on a free port with their data in a folder of their own, and
//! stopped by it.
//!
//! This is a part of the tests of several packages, not all of which use all of it.
#![allow(
    dead_code,
    unused_imports,
    reason = "each test crate uses its own part of it"
)]

pub(crate) mod nats;
pub(crate) mod proxy;
pub(crate) mod redis;

use std::{
    ffi::OsStr,
    fs::{self, File},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};

pub(crate) use self::{
    nats::{Cluster, Nats},
    proxy::Proxy,
    redis::Redis,
};

/// How long an engine may take to listen.
const BOUND: Duration = Duration::from_secs(30);

/// A server's process, its port and its folder.
pub(crate) struct Engine {
    program: &'static str,
    missing: &'static str,
    child: Option<Child>,
    addr: SocketAddr,
    folder: PathBuf,
}

impl Engine {
    /// An engine that does not run yet: the program, and what to do where it is missing.
    fn new(program: &'static str, missing: &'static str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("sse-layer-{program}-{}-{count}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).unwrap();
        Self {
            program,
            missing,
            child: None,
            addr: free_port(),
            folder,
        }
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Where its data and its log are.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Runs it until it listens.
    fn run<A>(&mut self, args: impl IntoIterator<Item = A>)
    where
        A: AsRef<OsStr>,
    {
        let path = std::env::var("PATH").unwrap_or_default();
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.folder.join("log"))
            .unwrap();
        let child = Command::new(self.program)
            .args(args)
            .current_dir(&self.folder)
            .env("PATH", format!("{path}:/usr/sbin"))
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| {
                panic!(
                    "{} can't be started ({error}): {}",
                    self.program, self.missing
                )
            });
        self.child = Some(child);
        let begun = Instant::now();
        while TcpStream::connect(self.addr).is_err() {
            let ended = self.child.as_mut().unwrap().try_wait().unwrap();
            let log = || fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            assert!(ended.is_none(), "{} ended: {}", self.program, log());
            assert!(begun.elapsed() < BOUND, "{}: {}", self.program, log());
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Ends it as `kill -9` does.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Ends it as the system does when it shuts down.
    pub(crate) fn stop(&mut self) {
        self.signal(Signal::TERM);
        if let Some(mut child) = self.child.take() {
            let _ = child.wait();
        }
    }

    /// It keeps its connections and answers nothing.
    pub(crate) fn freeze(&self) {
        self.signal(Signal::STOP);
        // Until then it may still answer.
        if let Some(child) = &self.child {
            waitpid(Some(Pid::from_child(child)), WaitOptions::UNTRACED).unwrap();
        }
    }

    /// It goes on.
    pub(crate) fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        if let Some(child) = &self.child {
            kill_process(Pid::from_child(child), signal).unwrap();
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.kill();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A port that was free just now, and that no other test of this process is given: one whose server
/// is killed gets it back. It is below those that the system gives to whoever asks for any.
pub(crate) fn free_port() -> SocketAddr {
    static TAKEN: AtomicU32 = AtomicU32::new(0);
    const PORTS: u32 = 12_000;
    let first = std::process::id().wrapping_mul(61) % PORTS;
    for _ in 0..PORTS {
        let next = TAKEN.fetch_add(1, Ordering::Relaxed);
        let port = 20_000 + (first + next) % PORTS;
        let addr = SocketAddr::from(([127, 0, 0, 1], u16::try_from(port).unwrap()));
        if TcpListener::bind(addr).is_ok() {
            return addr;
        }
    }
    panic!("no port is free");
}

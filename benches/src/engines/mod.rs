//! The engines that nodes share, each started on a free port with its data in a folder of its own, and
//! ended with the one who started it.

mod counts;

use std::{
    fmt,
    fs::{self, File},
    io,
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use clap::ValueEnum;

pub use self::counts::Counts;
use crate::measure::Process;

/// How long an engine may take until it listens.
const START: Duration = Duration::from_secs(20);

/// Which engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// Streams and publish/subscribe of Redis, without persistence
    Redis,
    /// NATS with JetStream, streams on disk
    Nats,
}

/// An engine's process.
#[derive(Debug)]
pub struct Engine {
    kind: Kind,
    address: SocketAddr,
    monitor: SocketAddr,
    process: Process,
    child: Child,
    folder: PathBuf,
}

impl Kind {
    const fn program(self) -> &'static str {
        match self {
            Self::Redis => "redis-server",
            Self::Nats => "nats-server",
        }
    }

    fn arguments(self, address: SocketAddr, monitor: SocketAddr) -> Vec<String> {
        let port = address.port().to_string();
        let arguments: &[&str] = match self {
            // As it is unless configured, but for snapshots, which would come at some moment.
            Self::Redis => &["--bind", "127.0.0.1", "--port", &port, "--save", ""],
            Self::Nats => {
                let monitor = monitor.port().to_string();
                return [
                    "-a",
                    "127.0.0.1",
                    "-p",
                    &port,
                    "-m",
                    &monitor,
                    "-js",
                    "-sd",
                    "data",
                ]
                .map(str::to_owned)
                .into();
            }
        };
        arguments
            .iter()
            .map(|argument| (*argument).to_owned())
            .collect()
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Redis => "Redis",
            Self::Nats => "NATS",
        })
    }
}

impl Engine {
    /// Starts it and waits until it listens.
    ///
    /// # Errors
    ///
    /// A message, which says what to install where the program is missing.
    pub fn start(kind: Kind) -> Result<Self, String> {
        let failed = |error: io::Error| format!("{}: {error}", kind.program());
        let (address, monitor) = (free_port().map_err(failed)?, free_port().map_err(failed)?);
        let folder = new_folder(kind).map_err(failed)?;
        let child = match spawn(kind.program(), &kind.arguments(address, monitor), &folder) {
            Ok(child) => child,
            Err(error) => {
                let _ = fs::remove_dir_all(&folder);
                return Err(error);
            }
        };
        // From here on it is ended whatever goes wrong.
        let mut ending = Ending(Some((child, folder)));
        let begun = Instant::now();
        while TcpStream::connect(address).is_err()
            || kind == Kind::Nats && TcpStream::connect(monitor).is_err()
        {
            let Some((child, folder)) = &mut ending.0 else {
                break;
            };
            let ended = child.try_wait().map_err(failed)?;
            if ended.is_some() || begun.elapsed() > START {
                let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
                return Err(format!("{} does not listen: {log}", kind.program()));
            }
            thread::sleep(Duration::from_millis(5));
        }
        let pid = ending.0.as_ref().map_or(0, |(child, _)| child.id());
        let process = Process::new(pid)?;
        match ending.0.take() {
            Some((child, folder)) => Ok(Self {
                kind,
                address,
                monitor,
                process,
                child,
                folder,
            }),
            None => Err(format!("{} is gone", kind.program())),
        }
    }

    /// As hubs and clients take it.
    pub fn url(&self) -> String {
        match self.kind {
            Kind::Redis => format!("redis://{}", self.address),
            Kind::Nats => format!("nats://{}", self.address),
        }
    }

    /// Its process.
    pub const fn process(&self) -> Process {
        self.process
    }

    /// What it says that it has and has done.
    ///
    /// # Errors
    ///
    /// A message, if it does not answer.
    pub fn counts(&self) -> Result<Counts, String> {
        match self.kind {
            Kind::Redis => Counts::of_redis(&self.url()),
            Kind::Nats => Counts::of_nats(self.monitor),
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        end(&mut self.child, &self.folder);
    }
}

/// A process that has yet to become an engine.
struct Ending(Option<(Child, PathBuf)>);

impl Drop for Ending {
    fn drop(&mut self) {
        if let Some((child, folder)) = &mut self.0 {
            end(child, folder);
        }
    }
}

fn end(child: &mut Child, folder: &Path) {
    let _ = child.kill();
    let _ = child.wait();
    let _ = fs::remove_dir_all(folder);
}

fn spawn(program: &'static str, arguments: &[String], folder: &Path) -> Result<Child, String> {
    let failed = |error: io::Error| format!("{program}: {error}");
    let log = File::create(folder.join("log")).map_err(failed)?;
    let path = std::env::var("PATH").unwrap_or_default();
    Command::new(program)
        .args(arguments)
        .current_dir(folder)
        // Where Debian has nats-server, and not all users look.
        .env("PATH", format!("{path}:/usr/sbin"))
        .stdin(Stdio::null())
        .stdout(log.try_clone().map_err(failed)?)
        .stderr(log)
        .spawn()
        .map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => {
                format!(
                    "{program} is not installed: on Debian and Ubuntu, `apt-get install {program}`"
                )
            }
            _ => failed(error),
        })
}

fn new_folder(kind: Kind) -> io::Result<PathBuf> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!(
        "sse-benches-{}-{}-{count}",
        kind.program(),
        std::process::id()
    );
    let folder = std::env::temp_dir().join(name);
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// One that was free just now, which nobody can promise for the moment after.
fn free_port() -> io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")?.local_addr()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_missing_is_told_with_what_to_install() {
        let error = spawn("no-such-server", &[], &std::env::temp_dir()).unwrap_err();
        assert!(error.contains("apt-get install no-such-server"), "{error}");
    }
}

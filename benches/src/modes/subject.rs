use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use clap::Args;

use crate::{
    load::Target,
    measure::{Memory, Process},
    servers,
};

/// The first of those that are measured where none is named.
const DEFAULT_SERVER: &str = "hyper";

/// A heartbeat that no run lives to see.
const NEVER_SECS: u64 = 1_000_000;

/// How long a server may take until it listens.
const START: Duration = Duration::from_secs(20);

/// A server that has done nothing for as long has started.
const QUIET: Duration = Duration::from_millis(200);

/// How long a server may take to notice that all have left.
const LEAVE: Duration = Duration::from_secs(10);

/// Which servers are measured, and how often.
#[derive(Args, Clone, Debug)]
pub struct Subjects {
    /// Servers that come with this program, separated by commas; they take turns [default: plain hyper]
    #[arg(long, value_delimiter = ',', value_parser = parse_name)]
    servers: Vec<String>,
    /// Anyone's server instead: the URL of an event stream
    #[arg(long, conflicts_with = "servers", value_parser = str::parse::<Target>)]
    url: Option<Target>,
    /// The process behind --url, for its memory and its time on a core
    #[arg(long, requires = "url")]
    pid: Option<u32>,
    /// How many times each server is measured
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// The server to which ratios are told [default: the first]
    #[arg(long)]
    reference: Option<String>,
    /// A server sends a heartbeat after so many seconds of silence; 0: none are expected
    #[arg(long, default_value_t = 5)]
    heartbeat_secs: u64,
}

/// One of them, not running.
#[derive(Clone, Debug)]
pub enum Subject {
    /// One that comes with this program.
    Ours {
        /// Its name in [`servers::NAMES`].
        name: String,
        /// After how much silence it sends a heartbeat.
        heartbeat_secs: u64,
    },
    /// Anyone's, which runs already.
    Theirs {
        /// Where.
        target: Target,
        /// The process, if it is on this machine and known.
        process: Option<Process>,
    },
}

/// A server that runs, in one process or in several on one port.
#[derive(Debug)]
pub struct Running {
    name: String,
    target: Target,
    processes: Vec<Process>,
    children: Vec<Child>,
    theirs: bool,
}

impl Subjects {
    /// With `name` where no server is named.
    pub(super) fn or_server(mut self, name: &str) -> Self {
        if self.servers.is_empty() {
            self.servers.push(name.to_owned());
        }
        self
    }

    /// All of them.
    ///
    /// # Errors
    ///
    /// If a server was named twice, or a process that can't be measured.
    pub fn list(&self) -> Result<Vec<Subject>, String> {
        if let Some(target) = &self.url {
            return Ok(vec![Subject::Theirs {
                target: target.clone(),
                process: self.pid.map(Process::new).transpose()?,
            }]);
        }
        let names = self.names();
        if let Some(twice) = (1..names.len()).find(|i| names[..*i].contains(&names[*i])) {
            return Err(format!("--servers names {} twice", names[twice]));
        }
        let ours = names.into_iter().map(|name| Subject::Ours {
            name: name.to_owned(),
            heartbeat_secs: self.heartbeat_secs,
        });
        Ok(ours.collect())
    }

    /// How many times each is measured.
    pub const fn runs(&self) -> u32 {
        self.runs
    }

    /// How many servers take turns.
    pub fn count(&self) -> usize {
        if self.url.is_some() {
            1
        } else {
            self.names().len()
        }
    }

    /// The heartbeat to expect.
    pub const fn heartbeat(&self) -> Option<Duration> {
        match self.heartbeat_secs {
            0 => None,
            seconds => Some(Duration::from_secs(seconds)),
        }
    }

    fn names(&self) -> Vec<&str> {
        if self.servers.is_empty() {
            vec![DEFAULT_SERVER]
        } else {
            self.servers.iter().map(String::as_str).collect()
        }
    }

    /// To which ratios are told.
    ///
    /// # Errors
    ///
    /// If it is not measured.
    pub fn reference(&self) -> Result<Option<String>, String> {
        match &self.reference {
            Some(name) if self.url.is_none() && !self.names().contains(&name.as_str()) => {
                Err(format!(
                    "--reference {name}: it is not among --servers {}",
                    self.names().join(",")
                ))
            }
            Some(name) => Ok(Some(name.clone())),
            None if self.count() > 1 => Ok(self.names().first().map(|name| (*name).to_owned())),
            None => Ok(None),
        }
    }
}

impl Subject {
    /// The name in reports.
    pub fn name(&self) -> String {
        match self {
            Self::Ours { name, .. } => name.clone(),
            Self::Theirs { target, .. } => format!("{}{}", target.host, target.path),
        }
    }

    /// Starts it, in `shards` processes.
    ///
    /// # Errors
    ///
    /// If it doesn't start.
    pub fn start(&self, shards: usize) -> Result<Running, String> {
        match self {
            Self::Theirs { target, process } => Ok(Running {
                name: self.name(),
                target: target.clone(),
                processes: process.iter().copied().collect(),
                children: Vec::new(),
                theirs: true,
            }),
            Self::Ours {
                name,
                heartbeat_secs,
            } => {
                let mut running = Running {
                    name: name.clone(),
                    target: Target {
                        address: ([127, 0, 0, 1], 0).into(),
                        host: String::new(),
                        path: "/".to_owned(),
                    },
                    processes: Vec::new(),
                    children: Vec::new(),
                    theirs: false,
                };
                for _ in 0..shards {
                    running.add(*heartbeat_secs, shards > 1)?;
                }
                running.settle()?;
                Ok(running)
            }
        }
    }
}

impl Running {
    /// The name in reports.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where `path` is to be asked for; of anyone's server the path is in its URL.
    pub fn target(&self, path: &str) -> Target {
        if self.theirs {
            self.target.clone()
        } else {
            self.target.at(path)
        }
    }

    /// Whether its memory and its time on a core can be told.
    pub fn is_measurable(&self) -> bool {
        !self.processes.is_empty()
    }

    /// What all its processes hold.
    ///
    /// # Errors
    ///
    /// If one of them has gone.
    pub fn memory(&self) -> Result<Memory, String> {
        let mut sum = Memory::default();
        for process in &self.processes {
            let memory = process.memory().map_err(|error| self.gone(&error))?;
            sum.rss += memory.rss;
            sum.pss += memory.pss;
        }
        Ok(sum)
    }

    /// How long all its processes have run on a core.
    ///
    /// # Errors
    ///
    /// If one of them has gone.
    pub fn cpu(&self) -> Result<Duration, String> {
        self.processes
            .iter()
            .map(|process| process.cpu().map_err(|error| self.gone(&error)))
            .sum()
    }

    /// How many sockets all its processes have open.
    ///
    /// # Errors
    ///
    /// If one of them has gone.
    pub fn sockets(&self) -> Result<usize, String> {
        self.processes
            .iter()
            .map(|process| process.sockets().map_err(|error| self.gone(&error)))
            .sum()
    }

    /// Waits until it has no more sockets open than `before`, so that it has noticed that all have left.
    ///
    /// # Errors
    ///
    /// If it keeps some of them.
    pub fn wait_until_left(&self, before: usize) -> Result<(), String> {
        let start = Instant::now();
        loop {
            let open = self.sockets()?;
            if open <= before {
                return Ok(());
            }
            if start.elapsed() > LEAVE {
                return Err(format!(
                    "{} seconds after all have left the server still has {} connections open",
                    LEAVE.as_secs(),
                    open - before
                ));
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until it does nothing any more: one that listens may still be starting its workers, and what
    /// they take is no connection's.
    fn settle(&self) -> Result<(), String> {
        let start = Instant::now();
        let (mut before, mut since) = (None, start);
        while since.elapsed() < QUIET && start.elapsed() < START {
            let now = Some((self.cpu()?, self.memory()?.rss));
            if now != before {
                (before, since) = (now, Instant::now());
            }
            thread::sleep(QUIET / 10);
        }
        Ok(())
    }

    fn add(&mut self, heartbeat_secs: u64, shared_port: bool) -> Result<(), String> {
        let failed = |what: &dyn std::fmt::Display| format!("the server {}: {what}", self.name);
        let silence = match heartbeat_secs {
            0 => NEVER_SECS,
            seconds => seconds,
        };
        let program = std::env::current_exe().map_err(|error| failed(&error))?;
        let mut command = Command::new(program);
        command
            .args(["--serve", &self.name])
            .args(["--port", &self.target.address.port().to_string()])
            .args(["--heartbeat-secs", &silence.to_string()])
            // Open for as long as it shall run.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        if shared_port {
            command.arg("--shared-port");
        }
        let mut child = command.spawn().map_err(|error| failed(&error))?;
        let output = child.stdout.take();
        let pid = child.id();
        self.children.push(child);
        let mut line = String::new();
        if let Some(output) = output {
            line = first_line(output)
                .ok_or_else(|| format!("the server {} did not come up", self.name))?;
        }
        let url = line
            .trim()
            .strip_prefix("listening on ")
            .ok_or_else(|| format!("the server {} said {line:?}", self.name))?;
        self.target = url.parse()?;
        self.processes.push(Process::new(pid)?);
        Ok(())
    }

    fn gone(&self, error: &std::io::Error) -> String {
        format!(
            "the server {} can't be measured any more: {error}",
            self.name
        )
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        for child in &mut self.children {
            drop(child.stdin.take());
        }
        let start = Instant::now();
        for child in &mut self.children {
            while matches!(child.try_wait(), Ok(None)) {
                if start.elapsed() > LEAVE {
                    let _ = child.kill();
                    let _ = child.wait();
                }
                thread::sleep(Duration::from_millis(5));
            }
        }
    }
}

/// `None` if it ends or stays silent.
pub(super) fn first_line(output: impl std::io::Read + Send + 'static) -> Option<String> {
    let (sender, receiver) = std::sync::mpsc::channel();
    thread::spawn(move || {
        let mut lines = BufReader::new(output).lines();
        if let Some(Ok(line)) = lines.next() {
            let _ = sender.send(line);
        }
        // What else it says is read, so that it never waits for a reader.
        for line in lines {
            if line.is_err() {
                break;
            }
        }
    });
    receiver.recv_timeout(START).ok()
}

fn parse_name(name: &str) -> Result<String, String> {
    if servers::NAMES.iter().any(|(known, _)| *known == name) {
        return Ok(name.to_owned());
    }
    let known: Vec<_> = servers::NAMES.iter().map(|(known, _)| *known).collect();
    Err(format!("the servers are {}", known.join(", ")))
}

//! Clients as processes of their own, since one process may only have so many connections.
//!
//! The program starts itself again with `--client` as the first argument. Orders come on the standard
//! input and answers go to the standard output, a line of JSON each. Between orders the client goes on
//! reading its streams.

mod attendant;
mod vigil;

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    thread,
    time::Duration,
};

use serde::{Deserialize, Serialize};

pub use self::attendant::attend_if_asked;
use super::progress::Progress;
use crate::report::Troubles;

/// How much longer than a hold a client may take to tell of it.
const GRACE: Duration = Duration::from_secs(60);

/// What a client is to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Order {
    Open(Load),
    Hold { millis: u64 },
    Leave,
}

/// What a client is to open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Load {
    pub(super) url: String,
    pub(super) streams: usize,
    /// 0: HTTP/1.1, where each has its own.
    pub(super) streams_a_connection: usize,
    pub(super) at_once: usize,
    pub(super) shard: usize,
    /// 0: none is expected.
    pub(super) heartbeat_millis: u64,
}

/// What a client answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Answer {
    /// It is there.
    Ready,
    /// It has come so far with an order.
    Progress(usize),
    Opened(Opened),
    Held(Held),
    Left,
    Failed(String),
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Opened {
    pub(super) streams: usize,
    pub(super) millis: f64,
    pub(super) troubles: Troubles,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Held {
    pub(super) heartbeats: u64,
    pub(super) late: u64,
    pub(super) lost: u64,
    pub(super) longest_silence_millis: f64,
    pub(super) longest_turn_millis: f64,
    pub(super) troubles: Troubles,
}

/// All clients of a run.
#[derive(Debug)]
pub(super) struct Clients {
    children: Vec<(Child, Option<ChildStdin>)>,
    answers: Receiver<(usize, Option<Answer>)>,
}

/// What several clients' progress is together.
#[derive(Clone, Copy, Debug)]
enum Together {
    /// Each does a part.
    Add,
    /// Each does the same.
    Abreast,
}

impl Clients {
    /// Starts `count`, which open nothing yet.
    pub(super) fn start(count: usize) -> Result<Self, String> {
        let (sender, answers) = channel();
        let mut clients = Self {
            children: Vec::new(),
            answers,
        };
        for shard in 0..count {
            let child = spawn(shard, sender.clone())
                .map_err(|error| format!("a client could not be started: {error}"))?;
            clients.children.push(child);
        }
        clients.gather("start", GRACE, None, |answer| {
            matches!(answer, Answer::Ready).then_some(())
        })?;
        Ok(clients)
    }

    /// Has each open its part.
    pub(super) fn open(
        &mut self,
        load: impl Fn(usize) -> Load,
        progress: &Progress,
    ) -> Result<Opened, String> {
        self.order(|shard| Order::Open(load(shard)))?;
        let all = self.gather(
            "open",
            Duration::MAX,
            Some((progress, Together::Add)),
            |answer| match answer {
                Answer::Opened(opened) => Some(opened),
                _ => None,
            },
        )?;
        let mut sum = Opened::default();
        for opened in all {
            sum.streams += opened.streams;
            sum.millis = sum.millis.max(opened.millis);
            sum.troubles.merge(opened.troubles);
        }
        Ok(sum)
    }

    /// Has them stay for a time.
    pub(super) fn hold(&mut self, time: Duration, progress: &Progress) -> Result<Held, String> {
        let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.order(|_| Order::Hold { millis })?;
        let all = self.gather(
            "hold",
            time + GRACE,
            Some((progress, Together::Abreast)),
            |answer| match answer {
                Answer::Held(held) => Some(held),
                _ => None,
            },
        )?;
        let mut sum = Held::default();
        for held in all {
            sum.heartbeats += held.heartbeats;
            sum.late += held.late;
            sum.lost += held.lost;
            sum.longest_silence_millis =
                sum.longest_silence_millis.max(held.longest_silence_millis);
            sum.longest_turn_millis = sum.longest_turn_millis.max(held.longest_turn_millis);
            sum.troubles.merge(held.troubles);
        }
        Ok(sum)
    }

    /// Has them close all connections and stay themselves: what a process holds of the kernel's memory
    /// is there before and after.
    pub(super) fn leave(&mut self) -> Result<(), String> {
        self.order(|_| Order::Leave)?;
        self.gather("leave", GRACE, None, |answer| {
            matches!(answer, Answer::Left).then_some(())
        })?;
        Ok(())
    }

    fn order(&mut self, order: impl Fn(usize) -> Order) -> Result<(), String> {
        for (shard, (_, input)) in self.children.iter_mut().enumerate() {
            let Some(input) = input else { continue };
            let line = serde_json::to_string(&order(shard)).map_err(|error| error.to_string())?;
            writeln!(input, "{line}")
                .map_err(|error| format!("client {shard} takes no orders: {error}"))?;
        }
        Ok(())
    }

    /// One answer of each, in the order in which they come.
    fn gather<T>(
        &self,
        what: &str,
        patience: Duration,
        progress: Option<(&Progress, Together)>,
        wanted: impl Fn(Answer) -> Option<T>,
    ) -> Result<Vec<T>, String> {
        let mut positions = vec![0; self.children.len()];
        let mut gathered = Vec::with_capacity(self.children.len());
        while gathered.len() < self.children.len() {
            let answer = if patience == Duration::MAX {
                self.answers
                    .recv()
                    .map_err(|_| RecvTimeoutError::Disconnected)
            } else {
                self.answers.recv_timeout(patience)
            };
            match answer {
                Ok((shard, Some(Answer::Progress(position)))) => {
                    positions[shard] = position;
                    match progress {
                        Some((progress, Together::Add)) => progress.at(positions.iter().sum()),
                        Some((progress, Together::Abreast)) => progress.at(position),
                        None => {}
                    }
                }
                Ok((shard, Some(Answer::Failed(error)))) => {
                    return Err(format!("client {shard} could not {what}: {error}"));
                }
                Ok((shard, Some(answer))) => match wanted(answer) {
                    Some(answer) => gathered.push(answer),
                    None => return Err(format!("client {shard} answered something else")),
                },
                Ok((shard, None)) => return Err(format!("client {shard} ended, told to {what}")),
                Err(error) => return Err(format!("the clients did not {what}: {error}")),
            }
        }
        Ok(gathered)
    }
}

impl Drop for Clients {
    fn drop(&mut self) {
        for (_, input) in &mut self.children {
            // The end of their input is their end.
            drop(input.take());
        }
        for (child, _) in &mut self.children {
            let _ = child.wait();
        }
    }
}

fn spawn(
    shard: usize,
    sender: Sender<(usize, Option<Answer>)>,
) -> std::io::Result<(Child, Option<ChildStdin>)> {
    let mut child = Command::new(std::env::current_exe()?)
        .arg(attendant::ARGUMENT)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let input = child.stdin.take();
    if let Some(output) = child.stdout.take() {
        thread::spawn(move || {
            for line in BufReader::new(output).lines() {
                let answer = line.ok().and_then(|line| serde_json::from_str(&line).ok());
                let over = answer.is_none();
                if sender.send((shard, answer)).is_err() || over {
                    return;
                }
            }
            let _ = sender.send((shard, None));
        });
    }
    Ok((child, input))
}

//! What it takes to read what clients have missed from the engine.

mod archive;

use std::time::{Duration, Instant};

use clap::Args;
use futures_util::{StreamExt as _, stream};
use tokio::time::timeout;

use self::archive::Archive;
use super::{
    outlet::TOPIC,
    process::{self, Node},
    runtime,
    stream::Stream,
};
use crate::{
    engines::{Engine, Kind},
    load::{Sign, Target, ensure_files},
    measure::Process,
    modes::progress::Progress,
    report::{Figure, Report, Run, Unit},
};

/// What it takes to read missed events from the engine, for clients of a node that knows none of them
#[derive(Args, Clone, Debug)]
pub(super) struct Resume {
    /// The engine
    kind: Kind,
    /// How many events each client has missed
    #[arg(long, default_value_t = 10_000, value_parser = crate::modes::at_least_one)]
    events: usize,
    /// How many clients come at once
    #[arg(long, value_delimiter = ',', default_value = "1,100", value_parser = crate::modes::at_least_one)]
    clients: Vec<usize>,
    /// How many times all of it is done, in turns
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// What takes longer has failed
    #[arg(long, default_value_t = 60)]
    deadline_secs: u64,
}

/// How the events are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reader {
    /// By the engine's client, a connection for each.
    Plain,
    /// From a node, all after the same event.
    SameId,
    /// From a node, each after another event.
    OtherIds,
}

const FIGURES: &[Figure] = &[
    Figure::compared("elapsed_ms", "until all have all", Unit::Milliseconds),
    Figure::new("events_per_second", "events", Unit::PerSecond),
    Figure::new("node_cpu_ms", "node's CPU", Unit::Milliseconds),
    Figure::compared("engine_cpu_ms", "engine's CPU", Unit::Milliseconds),
    Figure::new(
        "commands",
        "commands or messages to the engine",
        Unit::Count,
    ),
    Figure::new("client_percent", "client's CPU, of a core", Unit::Percent),
];

impl Reader {
    fn name(self, kind: Kind) -> &'static str {
        match (self, kind) {
            (Self::Plain, Kind::Redis) => "XRANGE",
            (Self::Plain, Kind::Nats) => "ordered consumer",
            (Self::SameId, _) => "node, the same id",
            (Self::OtherIds, _) => "node, ids that differ",
        }
    }
}

impl Resume {
    pub(super) fn measure(&self) -> Result<Report, String> {
        let most = self.clients.iter().copied().max().unwrap_or(1);
        ensure_files(most as u64)?;
        let engine = Engine::start(self.kind)?;
        let url = engine.url();
        let filled = async {
            let limit = Duration::from_secs(self.deadline_secs);
            let fill = Archive::fill(self.kind, &url, self.events, most);
            let filled = timeout(limit, fill).await;
            filled.map_err(|_| format!("publishing took more than {} s", limit.as_secs()))?
        };
        let archive = runtime()?.block_on(filled)?;
        let mut runs = Vec::new();
        for number in 1..=self.runs {
            for &clients in &self.clients {
                for reader in [Reader::Plain, Reader::SameId, Reader::OtherIds] {
                    if reader == Reader::OtherIds && clients == 1 {
                        continue;
                    }
                    let run = self.measure_one(&engine, &archive, reader, clients, number);
                    let name = reader.name(self.kind);
                    runs.push(run.map_err(|error| format!("{name}, run {number}: {error}"))?);
                }
            }
        }
        let title = format!(
            "{}, {} events that clients have missed",
            self.kind, self.events
        );
        Ok(Report::new(title, FIGURES, runs)
            .notes(self.notes())
            .sizes_apart()
            .reference(Some(Reader::Plain.name(self.kind).to_owned())))
    }

    fn notes(&self) -> Vec<String> {
        vec![
            "Each client has to get every event that it has missed, in order, or the run fails. All come at \
             once; their connections are made within the time."
                .to_owned(),
            "Node: started anew for each run, so that it has nothing of the topic. Where ids differ, each \
             client comes after another event, and the last of them has missed as many more as there are \
             clients."
                .to_owned(),
            match self.kind {
                Kind::Redis => format!(
                    "Commands: those that scripts give are counted too. XRANGE: the same data in a stream of one field, read {} at a time, as the hub reads, each \
                     client by a connection of its own.",
                    archive::PAGE
                ),
                Kind::Nats => "Ordered consumer: the same data in a stream, read by the client's own pull \
                    consumer, each client by a connection of its own."
                    .to_owned(),
            },
            "CPU of the node and of the engine: of all clients together. They share the machine with the client."
                .to_owned(),
        ]
    }

    fn measure_one(
        &self,
        engine: &Engine,
        archive: &Archive,
        reader: Reader,
        clients: usize,
        number: u32,
    ) -> Result<Run, String> {
        let name = reader.name(self.kind);
        let _progress = Progress::new(&format!("{name}, {clients} clients, run {number}"), 1);
        let own = Process::new(std::process::id())?;
        let node = match reader {
            Reader::Plain => None,
            Reader::SameId | Reader::OtherIds => {
                Some(Node::start(&engine.url(), archive.history())?)
            }
        };
        let node = node.as_ref();
        let node_cpu = || process::cpu(node.map(Node::process));
        let commands = engine.counts()?.commands;
        let before = (
            node_cpu()?,
            process::cpu([engine.process()])?,
            process::cpu([own])?,
        );
        let start = Instant::now();
        let limit = Duration::from_secs(self.deadline_secs);
        let read = async {
            let reads = stream::iter(0..clients).map(|client| async move {
                match node {
                    None => archive.read().await,
                    Some(node) => {
                        let earlier = if reader == Reader::OtherIds {
                            client
                        } else {
                            0
                        };
                        read_from(&node.topic(TOPIC), archive, earlier).await
                    }
                }
            });
            reads.buffer_unordered(clients).collect::<Vec<_>>().await
        };
        let results = runtime()?.block_on(async { timeout(limit, read).await });
        let elapsed = start.elapsed();
        let after = (
            node_cpu()?,
            process::cpu([engine.process()])?,
            process::cpu([own])?,
        );

        let mut run = Run::new(name, number, clients);
        let mut events = 0;
        match results {
            Ok(results) => {
                for result in results {
                    match result {
                        Ok(read) => events += read,
                        Err(error) => run.troubles.add(error),
                    }
                }
            }
            Err(_) => run.troubles.add(format!(
                "stalled: not all clients had all events within {} s",
                limit.as_secs()
            )),
        }
        if run.troubles.is_empty() {
            let seconds = elapsed.as_secs_f64();
            run.set("elapsed_ms", seconds * 1000.0);
            run.set("events_per_second", events as f64 / seconds);
            if node.is_some() {
                run.set("node_cpu_ms", (after.0 - before.0).as_secs_f64() * 1000.0);
            }
            run.set("engine_cpu_ms", (after.1 - before.1).as_secs_f64() * 1000.0);
            // Without the question itself.
            let asked = engine.counts()?.commands.saturating_sub(commands);
            let own_question = u64::from(self.kind == Kind::Redis);
            run.set("commands", asked.saturating_sub(own_question) as f64);
            run.set(
                "client_percent",
                (after.2 - before.2).as_secs_f64() / seconds * 100.0,
            );
        }
        Ok(run)
    }
}

/// Resumes at a node, after the event so many before the one that is the same for all. Answers how many
/// events came, which are all that there are.
async fn read_from(target: &Target, archive: &Archive, earlier: usize) -> Result<u64, String> {
    let (mut last, id) = archive.place(earlier)?;
    let first = last;
    let told = |fault: crate::load::Fault| fault.to_string();
    let mut stream = Stream::resume(target, id).await.map_err(told)?;
    let mut fault = None;
    while last < archive.last() && fault.is_none() {
        let take = |sign| {
            if let Sign::Event(note) = sign {
                match note.sequence {
                    Some(sequence) if sequence == last + 1 => last = sequence,
                    Some(_) => fault = Some("lost or doubled: an event came out of turn"),
                    None => fault = Some("an event came that nobody published, as gaps are"),
                }
            }
        };
        stream.read(take).await.map_err(told)?;
    }
    match fault {
        None => Ok(last - first),
        Some(fault) => Err(fault.to_owned()),
    }
}

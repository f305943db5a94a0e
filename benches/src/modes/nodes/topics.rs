//! What a node takes that has many topics: connections to the engine, and memory.

use std::time::{Duration, Instant};

use clap::Args;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use sse_layer::Hub;
use tokio::time::timeout;

use super::{KEPT, outlet, process::Node, runtime, stream::Stream};
use crate::{
    engines::{Engine, Kind},
    load::{Sign, ensure_files},
    measure::Process,
    modes::{deliveries::body, progress::Progress},
    report::{Figure, Report, Run, Unit},
};

/// Connections to the engine and memory of a node with many topics, each with a subscriber
#[derive(Args, Clone, Debug)]
pub(super) struct Topics {
    /// The engine
    kind: Kind,
    /// With how many topics
    #[arg(long, value_delimiter = ',', default_value = "0,100,1000,10000")]
    topics: Vec<usize>,
    /// How many times all of it is done
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// What takes longer has failed
    #[arg(long, default_value_t = 60)]
    deadline_secs: u64,
}

/// So many streams are opened at once, and so many events published.
const AT_ONCE: usize = 128;

/// What is still done after the last answer is done within this.
const QUIET: Duration = Duration::from_millis(300);

const FIGURES: &[Figure] = &[
    Figure::new("connections", "connections to the engine", Unit::Count),
    Figure::new("node_rss", "node's RSS", Unit::Mebibytes),
    Figure::new(
        "node_rss_active",
        "the same, an event later",
        Unit::Mebibytes,
    ),
    Figure::new(
        "node_rss_topic",
        "of it, a topic with its stream",
        Unit::Kibibytes,
    ),
    Figure::new("engine_rss", "engine's RSS", Unit::Mebibytes),
    Figure::new(
        "engine_rss_active",
        "the same, an event later",
        Unit::Mebibytes,
    ),
    Figure::new("open_ns", "time to open one", Unit::Microseconds),
    Figure::new(
        "commands_topic",
        "commands or messages to the engine for one",
        Unit::Fraction,
    ),
];

/// What came before the topics.
struct Before {
    connections: u64,
    rss: u64,
}

impl Topics {
    pub(super) fn measure(&self) -> Result<Report, String> {
        let most = self.topics.iter().copied().max().unwrap_or(0);
        ensure_files(most as u64)?;
        let mut runs = Vec::new();
        for number in 1..=self.runs {
            runs.extend(self.measure_one(number)?);
        }
        let title = format!("A node on {}, a topic for each connection", self.kind);
        Ok(Report::new(title, FIGURES, runs).notes(vec![
            "One node, whose topics grow. Connections to the engine are those that it did not have before the \
             node came."
                .to_owned(),
            "An event later: each topic has had one, which its subscriber has got, or the run fails.".to_owned(),
            "A topic with its stream: what the node has more than without any, before the events, divided; \
             the connection of the client is in it."
                .to_owned(),
        ]))
    }

    fn measure_one(&self, number: u32) -> Result<Vec<Run>, String> {
        let engine = Engine::start(self.kind)?;
        let mut sizes = self.topics.clone();
        sizes.sort_unstable();
        sizes.dedup();
        runtime()?.block_on(async {
            let hub = outlet::hub(&engine.url(), KEPT).await?;
            let connections = engine.counts()?.connections;
            let node = Node::start(&engine.url(), KEPT)?;
            tokio::time::sleep(QUIET).await;
            let before = Before {
                connections,
                rss: rss(node.process())?,
            };
            let mut streams = Vec::new();
            let mut runs = Vec::new();
            for topics in sizes {
                let _progress = Progress::new(&format!("{topics} topics, run {number}"), 1);
                let limit = Duration::from_secs(self.deadline_secs);
                let mut run = Run::new(&format!("{} node", self.kind), number, topics);
                let grown = self.grow(&engine, &node, &hub, &before, &mut streams, &mut run);
                match timeout(limit, grown).await {
                    Ok(Ok(())) => runs.push(run),
                    Ok(Err(error)) => {
                        run.troubles.add(error);
                        runs.push(run);
                        break;
                    }
                    Err(_) => {
                        run.troubles
                            .add(format!("stalled: not done within {} s", limit.as_secs()));
                        runs.push(run);
                        break;
                    }
                }
            }
            Ok(runs)
        })
    }

    /// Opens streams of new topics until there are as many as wanted, and publishes to each.
    async fn grow(
        &self,
        engine: &Engine,
        node: &Node,
        hub: &Hub,
        before: &Before,
        streams: &mut Vec<Stream>,
        run: &mut Run,
    ) -> Result<(), String> {
        let (open, topics) = (streams.len(), run.connections);
        let commands = engine.counts()?.commands;
        let start = Instant::now();
        let opened: Vec<Stream> = stream::iter(open..topics)
            .map(|topic| async move { Stream::open(&node.topic(&name(topic))).await })
            .buffered(AT_ONCE)
            .try_collect()
            .await
            .map_err(|fault| fault.to_string())?;
        let elapsed = start.elapsed();
        streams.extend(opened);
        let opened = (topics - open) as f64;
        run.set("open_ns", elapsed.as_nanos() as f64 / opened);
        let commands = engine.counts()?.commands.saturating_sub(commands);
        run.set("commands_topic", commands as f64 / opened);

        tokio::time::sleep(QUIET).await;
        let connections = engine.counts()?.connections;
        run.set(
            "connections",
            connections.saturating_sub(before.connections) as f64,
        );
        let node_rss = rss(node.process())?;
        run.set("node_rss", node_rss as f64);
        run.set(
            "node_rss_topic",
            (node_rss as f64 - before.rss as f64) / topics as f64,
        );
        run.set("engine_rss", rss(engine.process())? as f64);

        let published = stream::iter(0..topics)
            .map(async |topic| outlet::publish(hub, &name(topic), body(topic as u64, 0)).await)
            .buffer_unordered(AT_ONCE)
            .try_for_each(async |_| Ok(()));
        let received = stream::iter(streams.iter_mut().enumerate())
            .map(async |(topic, stream)| receive(stream, topic as u64).await)
            .buffer_unordered(usize::MAX)
            .try_for_each(async |()| Ok(()));
        tokio::try_join!(published, received)?;
        tokio::time::sleep(QUIET).await;
        run.set("node_rss_active", rss(node.process())? as f64);
        run.set("engine_rss_active", rss(engine.process())? as f64);
        Ok(())
    }
}

fn name(topic: usize) -> String {
    format!("topic-{topic}")
}

/// Reads until the topic's event has come, which is the only one.
async fn receive(stream: &mut Stream, sequence: u64) -> Result<(), String> {
    let mut came = None;
    while came.is_none() {
        let take = |sign| {
            if let Sign::Event(note) = sign {
                came = Some(came.is_none() && note.sequence == Some(sequence));
            }
        };
        stream.read(take).await.map_err(|fault| fault.to_string())?;
    }
    match came {
        Some(true) => Ok(()),
        _ => Err("another event came than the topic's".to_owned()),
    }
}

fn rss(process: Process) -> Result<u64, String> {
    let memory = process.memory();
    let gone = |error| {
        format!(
            "process {} can't be measured any more: {error}",
            process.pid()
        )
    };
    memory.map(|memory| memory.rss).map_err(gone)
}

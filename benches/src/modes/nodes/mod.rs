//! What it costs that events come through an engine: through nodes of ours, beside the engine alone.
//!
//! Each part starts the engine, the nodes and all that it needs, and ends them.

mod deliver;
mod intake;
mod ledger;
mod outlet;
mod process;
mod publisher;
mod resume;
mod stream;
mod topics;
mod way;

use clap::{Parser, Subcommand};
use tokio::runtime::{Builder, Runtime};

use self::{deliver::Deliver, resume::Resume, topics::Topics};
use super::Mode;
use crate::report::{Output, Report};

/// How many events of a topic are kept where none are read again.
const KEPT: usize = 1000;

/// Measures nodes that share an engine, beside the engine alone
#[derive(Clone, Debug, Parser)]
pub struct Nodes {
    #[command(subcommand)]
    part: Part,
    #[command(flatten)]
    output: Output,
}

#[derive(Clone, Debug, Subcommand)]
enum Part {
    /// Latency at a rate and events a second, through nodes and through the engine alone
    Deliver(Deliver),
    /// What it takes to read missed events from the engine, for clients of a node that knows none
    Resume(Resume),
    /// Connections to the engine and memory of a node with many topics
    Topics(Topics),
}

impl Mode for Nodes {
    fn measure(&self) -> Result<Report, String> {
        match &self.part {
            Part::Deliver(deliver) => deliver.measure(),
            Part::Resume(resume) => resume.measure(),
            Part::Topics(topics) => topics.measure(),
        }
    }

    fn output(&self) -> &Output {
        &self.output
    }
}

/// For the client, on one thread.
fn runtime() -> Result<Runtime, String> {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| error.to_string())
}

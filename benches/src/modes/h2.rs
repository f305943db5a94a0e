//! What a quiet stream costs that shares its connection with many, over HTTP/2.

use clap::Parser;

use super::{
    Mode,
    idle::{Quiet, Size},
};
use crate::report::{Output, Report};

/// Opens many event streams on each of some HTTP/2 connections, and tells what a stream costs the server
#[derive(Clone, Debug, Parser)]
pub struct H2 {
    /// How many connections are open at once
    #[arg(long, default_value_t = 100, value_parser = super::at_least_one)]
    connections: usize,
    /// How many streams each of them has
    #[arg(long, default_value_t = 100, value_parser = super::at_least_one)]
    streams: usize,
    #[command(flatten)]
    quiet: Quiet,
}

impl Mode for H2 {
    fn measure(&self) -> Result<Report, String> {
        let size = Size {
            streams: self.connections * self.streams,
            streams_a_connection: self.streams,
            shards: 1,
        };
        let title = format!(
            "Idle streams over HTTP/2, {} on each of {} connections",
            self.streams, self.connections
        );
        self.quiet
            .clone()
            .or_server("hyper-h2")
            .measure(&title, "stream", size)
    }

    fn output(&self) -> &Output {
        &self.quiet.output
    }
}

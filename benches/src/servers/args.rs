use clap::{Parser, builder::PossibleValuesParser};

use super::NAMES;

/// Serves event streams on 127.0.0.1, to be measured.
#[derive(Debug, Parser)]
pub(super) struct Args {
    /// Which server.
    #[arg(value_parser = PossibleValuesParser::new(NAMES.map(|(name, _)| name)))]
    pub(super) server: String,

    /// The port; 0 takes a free one.
    #[arg(long, default_value_t = 3000)]
    pub(super) port: u16,

    /// The silence after which a stream gets a heartbeat.
    #[arg(long, value_name = "SECONDS", default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) heartbeat_secs: u32,

    /// Shares the port with others that do so too (SO_REUSEPORT).
    #[arg(long)]
    pub(super) shared_port: bool,
}

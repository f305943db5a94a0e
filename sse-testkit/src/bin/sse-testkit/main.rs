//! The command `sse-testkit`: event streams checked, read, recorded and served from a terminal.

mod color;
mod contract;
mod ending;
mod output;
mod parse;
mod replay;
mod tail;
mod wait;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use self::color::{Painter, When};
use self::ending::Ending;

/// Checks, reads, records and serves event streams (Server-Sent Events), whatever server sends them.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,

    /// When to use colour.
    #[arg(long, global = true, value_enum, default_value_t = When::Auto, value_name = "WHEN")]
    color: When,
}

#[derive(Debug, Subcommand)]
enum Command {
    Contract(Box<contract::Args>),
    Tail(tail::Args),
    Replay(replay::Args),
}

fn main() -> ExitCode {
    let Cli { command, color } = Cli::parse();
    let painter = Painter::new(color);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let ending = match runtime {
        Ok(runtime) => runtime.block_on(async {
            match command {
                Command::Contract(args) => contract::run(*args, painter).await,
                Command::Tail(args) => tail::run(args, painter).await,
                Command::Replay(args) => replay::run(args, painter).await,
            }
        }),
        Err(error) => Ending::cannot_begin("can't start", error),
    };
    ending.report()
}

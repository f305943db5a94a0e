//! Tests any event-stream server from the command line, whatever it is written in.

mod contract;
mod parse;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Tests any event-stream server, whatever it is written in.
#[derive(Debug, Parser)]
#[command(version)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Contract(Box<contract::Args>),
}

fn main() -> ExitCode {
    let args = Args::parse();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            anstream::eprintln!("can't start: {error}");
            return ExitCode::from(contract::NOT_RUN);
        }
    };
    match args.command {
        Command::Contract(args) => runtime.block_on(contract::run(*args)),
    }
}

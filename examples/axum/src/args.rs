//! The command line.

use std::{net::SocketAddr, time::Duration};

use clap::{Parser, ValueEnum, value_parser};
use example_axum::Config;
use sse_layer::Drain;

/// Live prices, orders, notifications and tokens over Server-Sent Events
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Args {
    /// The address to listen on; port 0 takes a free one
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:3000")]
    pub(crate) addr: String,

    /// Where events are published: `memory:`, or `redis://..` or `nats://..` for several nodes
    #[arg(long, value_name = "URL", default_value = "memory:")]
    pub(crate) hub: String,

    /// What this node is called in its stats: its address unless set
    #[arg(long, value_name = "NAME")]
    pub(crate) node: Option<String>,

    /// What serves the routes
    #[arg(long, value_enum, default_value_t = Server::Serve)]
    pub(crate) server: Server,

    /// The seconds of silence after which a stream gets a heartbeat, such as 0.5; 0 sends none
    #[arg(long, value_name = "SECS", allow_negative_numbers = true, default_value = "15", value_parser = seconds)]
    heartbeat: Duration,

    /// How many streams may be open at a time
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = at_least_one)]
    max_connections: usize,

    /// The milliseconds from one price of a stock to the next
    #[arg(long, value_name = "MS", default_value_t = 1000, value_parser = value_parser!(u64).range(1..))]
    tick_ms: u64,

    /// The milliseconds from one token of an answer to the next
    #[arg(long, value_name = "MS", default_value_t = 40)]
    token_ms: u64,

    /// How many messages of each topic are kept for clients that come back
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = at_least_one)]
    history: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Server {
    /// sse_layer::serve, on which an open stream takes 1.4 KiB
    Serve,
    /// axum::serve
    Axum,
}

impl Args {
    /// For a server that is bound to this address.
    pub(crate) fn config(&self, bound: SocketAddr, drain: Drain) -> Config {
        Config {
            heartbeat: self.heartbeat,
            max_connections: self.max_connections,
            tick: Duration::from_millis(self.tick_ms),
            token_pace: Duration::from_millis(self.token_ms),
            history: self.history,
            drain,
            node: self.node.clone().unwrap_or_else(|| bound.to_string()),
            ..Config::default()
        }
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().map_err(|_| "not a number".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("must be at least 1".to_owned()),
        Ok(number) => Ok(number),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(options: &[&str]) -> Config {
        let args = ["example-axum"].iter().chain(options);
        Args::parse_from(args).config(([127, 0, 0, 1], 3000).into(), Drain::new())
    }

    #[test]
    fn each_option_sets_what_it_says() {
        let set = config(&[
            "--heartbeat=0.5",
            "--max-connections=7",
            "--tick-ms=20",
            "--token-ms=200",
            "--history=50",
            "--node=third",
        ]);
        assert_eq!(set.heartbeat, Duration::from_millis(500));
        assert_eq!(set.max_connections, 7);
        assert_eq!(set.tick, Duration::from_millis(20));
        assert_eq!(set.token_pace, Duration::from_millis(200));
        assert_eq!(set.history, 50);
        assert_eq!(set.node, "third");
    }

    #[test]
    fn what_is_not_set_is_as_in_the_app() {
        let (unset, app) = (config(&[]), Config::default());
        assert_eq!(unset.node, "127.0.0.1:3000");
        assert_eq!(unset.heartbeat, app.heartbeat);
        assert_eq!(unset.max_connections, app.max_connections);
        assert_eq!(unset.tick, app.tick);
        assert_eq!(unset.token_pace, app.token_pace);
        assert_eq!(unset.history, app.history);
    }
}

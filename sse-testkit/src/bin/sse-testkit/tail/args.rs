//! What `tail` is asked for.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use http::{HeaderName, HeaderValue};

use crate::parse;

/// Shows a stream as it comes: each frame with its time and the pause before it.
///
/// Reconnects as a browser's EventSource does: when the response ends or breaks off, after the
/// reconnection time the stream asked for, with the last event id; not after a 204, any other
/// status than 200 or another content type.
///
/// The exit status is 0 if the stream did what was asked for, 1 if not, 2 if nothing can be asked,
/// and 130 after Ctrl-C.
#[derive(Debug, Parser)]
pub(crate) struct Args {
    /// The stream's address; http:// may be left out.
    pub(super) url: String,

    /// Sends this header; may be given several times.
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE", value_parser = parse::header)]
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,

    /// Sends a POST with this file as its body, `-` for the standard input. It is read once: a
    /// reconnection would send it again.
    #[arg(long, value_name = "FILE")]
    pub(super) post: Option<PathBuf>,

    /// Speaks HTTP/2: without TLS from the first byte on (prior knowledge), over TLS if the server
    /// agrees.
    #[arg(long)]
    pub(super) http2: bool,

    /// Trusts the servers whose certificates the ones in this PEM file have signed, or the server
    /// whose own certificate it is, beside those that the system trusts.
    #[arg(long, value_name = "FILE", value_parser = parse::text_file)]
    pub(super) ca: Option<String>,

    /// Begins behind the event with this id.
    #[arg(long, value_name = "ID")]
    pub(super) last_event_id: Option<String>,

    /// Does not reconnect.
    #[arg(long)]
    pub(super) once: bool,

    /// Keeps what comes, to be served again by `sse-testkit replay`.
    #[arg(long, value_name = "FILE")]
    pub(super) record: Option<PathBuf>,

    /// Writes the bytes of the responses, and nothing else, to the standard output.
    #[arg(long, conflicts_with_all = ["json", "compact"])]
    pub(super) raw: bool,

    /// Writes a line of JSON an event, for programs such as jq.
    #[arg(long, conflicts_with = "compact")]
    pub(super) json: bool,

    /// Shows data that is JSON on one line. Otherwise it is spread out on a terminal, and left as it
    /// was sent elsewhere.
    #[arg(long)]
    pub(super) compact: bool,

    /// Shows the headers of the responses.
    #[arg(short, long)]
    pub(super) include: bool,

    /// Ends with the first event of this name.
    #[arg(long, value_name = "EVENT")]
    pub(super) until: Option<String>,

    /// Ends with the last of so many events.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) count: Option<u64>,

    /// Ends after this time, such as 10s, 500ms or 2m.
    #[arg(long = "for", value_name = "TIME", value_parser = parse::duration)]
    pub(super) span: Option<Duration>,
}

impl Args {
    /// Whether there is one response only.
    pub(super) fn once(&self) -> bool {
        self.once || self.post.is_some()
    }
}

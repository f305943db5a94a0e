//! `sse-testkit replay`: a recorded stream, served again.

use std::io;
use std::path::PathBuf;

use clap::Parser;
use sse_testkit::mock::{MockRequest, MockServer};
use sse_testkit::recording::Recording;

use crate::color::{Look, Painter};
use crate::ending::Ending;
use crate::output::say;

/// Serves a recorded stream again, with its timing, at any path.
///
/// A client that resumes with the id of a recorded event gets what follows it, and 204 if no event
/// does. A response that had not ended when the recording did stays open.
#[derive(Debug, Parser)]
pub(crate) struct Args {
    /// The recording, made by `sse-testkit tail --record` or by hand.
    file: PathBuf,

    /// Where to listen; with port 0 at a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:3000")]
    addr: String,

    /// Lets the time pass so many times as fast.
    #[arg(long, value_name = "N", value_parser = speed, conflicts_with = "at_once")]
    speed: Option<f64>,

    /// Leaves all pauses out.
    #[arg(long)]
    at_once: bool,

    /// Begins again, in the same response, where the recording ends.
    #[arg(long = "loop")]
    repeat: bool,

    /// Does not let pages of other origins read the stream.
    #[arg(long)]
    no_cors: bool,
}

pub(crate) async fn run(args: Args, painter: Painter) -> Ending {
    let file = args.file.display();
    let recording = match Recording::read(&args.file) {
        Ok(recording) => recording,
        Err(error) => return Ending::cannot_begin(file, describe(&error)),
    };
    let mut builder = MockServer::replay(&recording);
    if let Some(times) = args.speed {
        builder = builder.speed(times);
    }
    if args.at_once {
        builder = builder.at_once();
    }
    if args.repeat {
        builder = builder.repeat();
    }
    if args.no_cors {
        builder = builder.without_cors();
    }
    let server = match builder.bind(&args.addr).await {
        Ok(server) => server,
        Err(error) => return Ending::cannot_begin(format!("can't listen at {}", args.addr), error),
    };
    let heading = format!("serving {file} at {}", server.url("/"));
    tokio::select! {
        biased;
        _ = tokio::signal::ctrl_c() => Ending::Done,
        error = log(&server, &heading, painter) => Ending::of_output(&error),
    }
}

/// Tells each request, until that can't be written.
async fn log(server: &MockServer, heading: &str, painter: Painter) -> io::Error {
    if let Err(error) = say(heading) {
        return error;
    }
    loop {
        for request in server.take_requests().await {
            if let Err(error) = say(line(&request, painter)) {
                return error;
            }
        }
    }
}

fn line(request: &MockRequest, painter: Painter) -> String {
    let at = format!("{:>9.3}", request.elapsed.as_secs_f64());
    let at = painter.paint(Look::Dim, &at);
    // A client may send what is no ASCII.
    let uri = request.uri.to_string();
    let mut line = format!("{at}  {} {}", request.method, uri.escape_debug());
    if let Some(id) = request.last_event_id() {
        line.push_str(&format!(", last-event-id: {id:?}"));
    }
    line
}

fn speed(text: &str) -> Result<f64, String> {
    let number = text
        .parse()
        .ok()
        .filter(|it: &f64| it.is_finite() && *it > 0.0);
    number.ok_or_else(|| "a speed is a positive number".to_owned())
}

fn describe(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

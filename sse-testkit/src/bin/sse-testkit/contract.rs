//! `sse-testkit contract`: checks a server against what any event-stream server should do.

mod waiting;

use std::path::PathBuf;
use std::time::Duration;

use http::{HeaderName, HeaderValue, StatusCode};
use sse_testkit::contract::{self, Expectations, Report, Target};

use self::waiting::Waiting;
use crate::color::Painter;
use crate::ending::Ending;
use crate::output::say;
use crate::{parse, wait};

/// Checks an event stream against the contract.
///
/// Exits with 0 if no check failed, 1 if one did, 2 if the checks could not be run, and 130 after
/// Ctrl-C.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The stream's address; http:// may be left out
    url: String,
    /// A header of each request, as 'name: value'
    #[arg(short = 'H', long = "header", value_name = "HEADER", value_parser = parse::header)]
    headers: Vec<(HeaderName, HeaderValue)>,
    /// Open the stream by a POST with this file as its body, `-` for the standard input
    #[arg(long, value_name = "FILE")]
    post: Option<PathBuf>,
    /// Speak HTTP/2
    #[arg(long)]
    http2: bool,
    /// Trust what the certificates in this PEM file have signed, too
    #[arg(long, value_name = "FILE", value_parser = parse::text_file)]
    ca: Option<String>,
    /// Events have ids, and a client that comes back misses nothing
    #[arg(long)]
    resumable: bool,
    /// The stream ends by itself
    #[arg(long)]
    ends: bool,
    /// The server speaks HTTP/1.1 and HTTP/2
    #[arg(long)]
    both_protocols: bool,
    /// The stream is never silent for longer than this
    #[arg(long, value_name = "TIME", value_parser = parse::duration)]
    heartbeat: Option<Duration>,
    /// The stream tells this reconnection time
    #[arg(long, value_name = "TIME", value_parser = parse::duration)]
    retry: Option<Duration>,
    /// So many streams may be open
    #[arg(long, value_name = "STREAMS")]
    limit: Option<usize>,
    /// How one stream more than that is answered
    #[arg(long, value_name = "STATUS", default_value = "429", requires = "limit")]
    limit_status: StatusCode,
    /// Pages of this origin may read the stream
    #[arg(long, value_name = "ORIGIN")]
    cors: Option<String>,
    /// Pages of that origin may send cookies
    #[arg(long, requires = "cors")]
    credentials: bool,
    /// Where the server tells, in JSON, how many streams are open
    #[arg(long, value_name = "URL", requires = "stats_pointer")]
    stats: Option<String>,
    /// The JSON pointer of that number, such as /connections/active
    #[arg(long, value_name = "POINTER", requires = "stats")]
    stats_pointer: Option<String>,
    /// A POST to this address produces an event
    #[arg(long, value_name = "URL")]
    produce: Option<String>,
    /// What is posted there
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "sse-testkit",
        requires = "produce"
    )]
    produce_body: String,
    /// A GET of this address is answered 204, so that clients stop
    #[arg(long, value_name = "URL")]
    stopped: Option<String>,
    /// The head and the first bytes come within this time
    #[arg(long, value_name = "TIME", value_parser = parse::duration)]
    opening: Option<Duration>,
    /// How soon an event has to arrive, and a client that went has to be noticed
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = parse::duration)]
    prompt: Duration,
    /// How long a stream is looked at for what comes by itself
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = parse::duration)]
    observe: Duration,
    /// How long to wait for any answer
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = parse::duration)]
    answer: Duration,
    /// Wait up to this long for the server to accept connections
    #[arg(long, value_name = "TIME", value_parser = parse::duration)]
    wait: Option<Duration>,
    /// How long all of it may take; two minutes and the time to observe, unless it is said
    #[arg(long, value_name = "TIME", value_parser = parse::duration)]
    deadline: Option<Duration>,
    /// Take a failure of the check with this id for a warning; may be given several times
    #[arg(long, value_name = "CHECK")]
    allow: Vec<String>,
    /// Write the report as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: Args, painter: Painter) -> Ending {
    let target = match target(&args) {
        Ok(target) => target,
        Err(reason) => return Ending::CannotBegin(reason),
    };
    if let Some(time) = args.wait {
        if let Err(reason) = wait::for_server(&parse::url(&args.url), time).await {
            return Ending::CannotBegin(reason);
        }
    }
    let waiting = Waiting::begin();
    let report = contract::check_with(target, expectations(&args), |progress| {
        waiting.tell(progress);
    });
    let report = tokio::select! {
        biased;
        _ = tokio::signal::ctrl_c() => None,
        report = report => Some(report),
    };
    drop(waiting);
    let Some(report) = report else {
        return Ending::Interrupted;
    };
    match (write(&report, args.json, painter), report) {
        (Err(ending), _) => ending,
        (
            _,
            Report {
                error: Some(error), ..
            },
        ) => Ending::CannotBegin(error),
        (_, report) if report.is_ok() => Ending::Done,
        _ => Ending::Found,
    }
}

/// Writes the report. That a reader has seen enough of it does not change what was found.
fn write(report: &Report, as_json: bool, painter: Painter) -> Result<(), Ending> {
    let written = if as_json {
        match serde_json::to_string_pretty(report) {
            Ok(json) => say(json),
            Err(error) => return Err(Ending::cannot_begin("the report is no JSON", error)),
        }
    } else if report.error.is_some() {
        Ok(())
    } else if painter.has_color() {
        say(report.painted())
    } else {
        say(report)
    };
    match written.as_ref().map_err(Ending::of_output) {
        Err(ending @ Ending::Failed(_)) => Err(ending),
        _ => Ok(()),
    }
}

fn target(args: &Args) -> Result<Target, String> {
    let url = parse::url(&args.url);
    let target = match &args.post {
        Some(path) => Target::post(url, parse::body(path)?),
        None => Target::get(url),
    };
    let target = match args.http2 {
        true => target.http2(),
        false => target,
    };
    Ok(with_trust(target, args))
}

/// What authorizes a client for the stream, and the server for the client, is needed for what is
/// about the stream, too.
fn with_trust(mut target: Target, args: &Args) -> Target {
    for (name, value) in &args.headers {
        target = target.header(name, value);
    }
    match &args.ca {
        Some(pem) => target.root_certificate(pem),
        None => target,
    }
}

fn expectations(args: &Args) -> Expectations {
    let mut expectations = Expectations::new()
        .prompt(args.prompt)
        .observe(args.observe)
        .answer(args.answer);
    if let Some(time) = args.deadline {
        expectations = expectations.deadline(time);
    }
    if args.resumable {
        expectations = expectations.resumable();
    }
    if args.ends {
        expectations = expectations.ends();
    }
    if args.both_protocols {
        expectations = expectations.both_protocols();
    }
    if let Some(within) = args.heartbeat {
        expectations = expectations.heartbeat(within);
    }
    if let Some(time) = args.retry {
        expectations = expectations.retry(time);
    }
    if let Some(within) = args.opening {
        expectations = expectations.opening(within);
    }
    if let Some(streams) = args.limit {
        expectations = expectations.limit(streams, args.limit_status);
    }
    if let Some(origin) = &args.cors {
        expectations = match args.credentials {
            true => expectations.cors_with_credentials(origin),
            false => expectations.cors(origin),
        };
    }
    for check in &args.allow {
        expectations = expectations.allow(check);
    }
    if let (Some(url), Some(pointer)) = (&args.stats, &args.stats_pointer) {
        let stats = with_trust(Target::get(parse::url(url)), args);
        expectations = expectations.stats(stats, pointer);
    }
    if let Some(url) = &args.produce {
        let body = args.produce_body.as_str();
        let produce = with_trust(Target::post(parse::url(url), body), args);
        expectations = expectations.produced_by(produce);
    }
    if let Some(url) = &args.stopped {
        expectations = expectations.stopped(with_trust(Target::get(parse::url(url)), args));
    }
    expectations
}

//! `sse-testkit tail`: a stream as it comes.

mod args;
mod goal;
mod json_layout;
mod json_lines;
mod raw;
mod request;
mod text;
mod time;

use std::fs::File;
use std::io;
use std::time::Duration;

use sse_testkit::recording::Writer;
use sse_testkit::{Reconnect, Seen, Sighting};
use tokio::time::Instant;

pub(crate) use self::args::Args;
use self::goal::Goal;
use crate::color::Painter;
use crate::ending::Ending;

/// Shows what is seen.
trait Show {
    fn show(&mut self, sighting: Sighting) -> io::Result<()>;
}

pub(crate) async fn run(args: Args, painter: Painter) -> Ending {
    let request = match request::build(&args) {
        Ok(request) => request,
        Err(reason) => return Ending::CannotBegin(reason),
    };
    let mut recording = match &args.record {
        None => None,
        Some(path) => {
            let writer = File::create(path).and_then(|file| Writer::new(file, Some(&args.url)));
            match writer {
                Ok(writer) => Some(writer),
                Err(error) => {
                    let what = format!("can't record to {}", path.display());
                    return Ending::cannot_begin(what, error);
                }
            }
        }
    };
    let mut output: Box<dyn Show> = if args.json {
        Box::new(json_lines::JsonLines::default())
    } else if args.raw {
        Box::new(raw::Raw)
    } else {
        Box::new(text::Text::new(&args, painter))
    };

    let mut watch = request.watch();
    let mut goal = Goal::new(&args);
    let deadline = args.span.and_then(|span| Instant::now().checked_add(span));
    let mut interrupt = std::pin::pin!(tokio::signal::ctrl_c());
    loop {
        let sighting = tokio::select! {
            biased;
            _ = &mut interrupt => return Ending::Interrupted,
            () = until(deadline) => return goal.when_time_is_over(),
            sighting = watch.next() => sighting,
        };
        let Some(sighting) = sighting else {
            return Ending::Done;
        };
        if let Some(recording) = &mut recording {
            if let Err(error) = recording.write(&sighting) {
                return Ending::Failed(format!("can't go on recording: {error}"));
            }
        }
        // Without a second attempt there is no pause before it.
        if args.once() && matches!(sighting.seen, Seen::Wait { .. }) {
            return goal.when_stream_is_over();
        }
        let next = after(&sighting.seen, &mut goal);
        if let Err(error) = output.show(sighting) {
            return Ending::of_output(&error);
        }
        if let Some(ending) = next {
            return ending;
        }
    }
}

/// Whether this is the last thing to be seen.
fn after(seen: &Seen, goal: &mut Goal) -> Option<Ending> {
    match seen {
        Seen::Frame(frame) => goal.is_met_by(frame).then_some(Ending::Done),
        Seen::Request { .. } => {
            goal.broke_off = false;
            None
        }
        Seen::Error(_) => {
            goal.broke_off = true;
            None
        }
        Seen::GaveUp(Reconnect::Stopped) => Some(goal.when_stream_is_over()),
        Seen::GaveUp(Reconnect::Unreachable) => Some(Ending::CannotBegin(seen.to_string())),
        Seen::GaveUp(_) => Some(Ending::Failed(seen.to_string())),
        _ => None,
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

/// Tells what happened beside the output, where that has no place for it.
fn note(seen: &Seen) {
    match seen {
        Seen::Head { status, .. } if status.as_u16() == 200 => {}
        Seen::Head { .. } | Seen::Wait { .. } | Seen::Error(_) => eprintln!("sse-testkit: {seen}"),
        _ => {}
    }
}

/// The time since the last time it was asked for.
#[derive(Debug, Default)]
struct Gaps(Duration);

impl Gaps {
    fn next(&mut self, elapsed: Duration) -> Duration {
        let gap = elapsed.saturating_sub(self.0);
        self.0 = elapsed;
        gap
    }
}

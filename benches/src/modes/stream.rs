//! How fast one connection is, flat out.

use std::time::{Duration, Instant};

use clap::Parser;

use super::{Mode, Running, Subjects, moment::Moment, progress::Progress, take_turns};
use crate::{
    load::{Client, Fault, Opening, Sign, Sources, Watcher},
    measure::Process,
    report::{Chart, Figure, Output, Report, Run, Troubles, Unit},
};

/// Asks for so many events on one connection, as fast as they come
#[derive(Clone, Debug, Parser)]
pub struct Stream {
    /// How many events; the stream of --url has to have as many and end
    #[arg(long, default_value_t = 3_000_000)]
    events: u64,
    /// A stream that says nothing for as long has stalled
    #[arg(long, default_value_t = 10)]
    deadline_secs: u64,
    #[command(flatten)]
    subjects: Subjects,
    #[command(flatten)]
    output: Output,
}

const RATE: Figure = Figure::compared("events_per_second", "events", Unit::MillionsPerSecond);

const FIGURES: &[Figure] = &[
    RATE,
    Figure::compared("bytes_per_second", "bytes", Unit::MebibytesPerSecond),
    Figure::new(
        "bytes_event",
        "bytes an event, with all around it",
        Unit::Bytes,
    ),
    Figure::compared("cpu_event_ns", "server CPU an event", Unit::Nanoseconds),
    Figure::new("client_percent", "client CPU, of a core", Unit::Percent),
];

impl Mode for Stream {
    fn measure(&self) -> Result<Report, String> {
        let runs = take_turns(&self.subjects, |subject, number| {
            let server = subject.start(1)?;
            self.measure_one(&server, number).map(|run| vec![run])
        })?;
        let chart = Chart::bars("One connection flat out", &runs, &[("events", RATE)]);
        Ok(Report::new(format!("One connection flat out, {} events", self.events), FIGURES, runs)
            .notes(vec![
                "From the request to the end of the stream. The client counts the events, and where they \
                 carry a sequence it has to rise by one each time. Where the client is busy for close to \
                 100 %, the server could do more."
                    .to_owned(),
            ])
            .charts([chart])
            .reference(self.subjects.reference()?))
    }

    fn output(&self) -> &Output {
        &self.output
    }
}

impl Stream {
    fn measure_one(&self, server: &Running, number: u32) -> Result<Run, String> {
        let io = |error: std::io::Error| error.to_string();
        let own = Process::new(std::process::id())?;
        let target = server.target(&format!("/tick?n={}", self.events));
        let sources = Sources::new(target.address, 1, 0);
        let mut client = Client::new(target, sources).map_err(io)?;
        let mut count = Count::default();
        let events = usize::try_from(self.events).unwrap_or(usize::MAX);
        let what = format!("{}, run {number}", server.name());
        let progress = Progress::new(&what, events);

        let before = Moment::of(server)?;
        let own_before = own.cpu().map_err(io)?;
        let start = Instant::now();
        client
            .open(1, Opening::default(), &mut count, |_| {})
            .map_err(io)?;
        let deadline = Duration::from_secs(self.deadline_secs);
        let (mut seen, mut since) = (0, Instant::now());
        while !count.ended {
            client
                .turn(Duration::from_millis(100), &mut count)
                .map_err(io)?;
            if count.events != seen {
                (seen, since) = (count.events, Instant::now());
                progress.at(usize::try_from(seen).unwrap_or(usize::MAX));
            } else if since.elapsed() > deadline {
                count.troubles.add(format!(
                    "stalled: nothing came for {} s after {seen} events",
                    self.deadline_secs
                ));
                break;
            }
        }
        let elapsed = start.elapsed();
        let own_cpu = own.cpu().map_err(io)?.saturating_sub(own_before);
        let after = Moment::of(server)?;
        drop(progress);

        if count.ended && count.events != self.events && count.opened {
            count.troubles.add(format!(
                "{} events came instead of {}",
                count.events, self.events
            ));
        }
        let mut run = Run::new(server.name(), number, 1);
        let seconds = elapsed.as_secs_f64();
        let events = count.events as f64;
        run.set("events_per_second", events / seconds);
        run.set("bytes_per_second", client.bytes() as f64 / seconds);
        run.set("bytes_event", client.bytes() as f64 / events);
        run.set("client_percent", own_cpu.as_secs_f64() / seconds * 100.0);
        if server.is_measurable() {
            run.set("cpu_event_ns", after.cpu_since(&before) / events);
        }
        run.troubles = count.troubles;
        Ok(run)
    }
}

#[derive(Debug, Default)]
struct Count {
    opened: bool,
    ended: bool,
    events: u64,
    next: Option<u64>,
    troubles: Troubles,
}

impl Watcher for Count {
    fn opened(&mut self, _: usize, _: Instant) {
        self.opened = true;
    }

    fn sign(&mut self, _: usize, sign: Sign, _: Instant) {
        let Sign::Event(note) = sign else { return };
        self.events += 1;
        if let Some(sequence) = note.sequence {
            match self.next {
                Some(next) if sequence > next => self.troubles.add_times(
                    "lost: an event never came, the next one did",
                    sequence - next,
                ),
                Some(next) if sequence < next => self
                    .troubles
                    .add("doubled or disordered: an event came after a later one"),
                _ => {}
            }
            self.next = Some(sequence + 1);
        }
    }

    fn ended(&mut self, _: usize, fault: Option<Fault>, _: Instant) {
        self.ended = true;
        if let Some(fault) = fault {
            let what = if self.opened { "lost" } else { "not opened" };
            self.troubles.add(format!("{what}: {fault}"));
        }
    }
}

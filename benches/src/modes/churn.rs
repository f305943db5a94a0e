//! Whether those who have left leave something behind.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use clap::Parser;

use super::{Mode, Running, Subjects, moment::Moment, progress::Progress, take_turns};
use crate::{
    load::{Client, Fault, Opening, Sign, Sources, Watcher, ensure_files},
    report::{Chart, Figure, Output, Report, Run, Troubles, Unit},
};

/// Connects and leaves at a rate, in rounds, and looks for what is left after each of them
#[derive(Clone, Debug, Parser)]
pub struct Churn {
    /// Connections a second
    #[arg(long, default_value_t = 1000.0, value_parser = super::more_than_nothing)]
    rate: f64,
    /// How many seconds a round lasts
    #[arg(long, default_value_t = 10)]
    secs: u64,
    /// How many rounds; the first one is not judged
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(2..))]
    rounds: u32,
    /// How many milliseconds each connection stays
    #[arg(long, default_value_t = 500)]
    stay_millis: u64,
    /// The run fails if more bytes a connection are left, and more than 1 MiB in all
    #[arg(long, default_value_t = 200.0)]
    leak_limit: f64,
    #[command(flatten)]
    subjects: Subjects,
    #[command(flatten)]
    output: Output,
}

/// Pages come and go by themselves: less is no leak.
const NOISE: f64 = 1024.0 * 1024.0;

const AFTER_FIRST: Figure = Figure::new(
    "rss_first_bytes",
    "RSS over the start after the first round",
    Unit::Mebibytes,
);
const AFTER_LAST: Figure = Figure::new(
    "rss_last_bytes",
    "RSS over the start after the last round",
    Unit::Mebibytes,
);

const FIGURES: &[Figure] = &[
    Figure::new("connections", "connections in all", Unit::Count),
    Figure::new("per_second", "connected", Unit::PerSecond),
    Figure::new("most_open", "most open at once", Unit::Count),
    Figure::compared(
        "cpu_connection_ns",
        "server CPU a connection",
        Unit::Microseconds,
    ),
    AFTER_FIRST,
    AFTER_LAST,
    Figure::new(
        "leak_bytes",
        "left behind a connection, after the first round",
        Unit::Bytes,
    ),
];

impl Mode for Churn {
    fn measure(&self) -> Result<Report, String> {
        ensure_files((self.at_once() + Opening::default().at_once) as u64)?;
        let runs = take_turns(&self.subjects, |subject, number| {
            let server = subject.start(1)?;
            self.measure_one(&server, number).map(|run| vec![run])
        })?;
        let chart = Chart::bars(
            "RSS over the start when all have left",
            &runs,
            &[
                ("after the first round", AFTER_FIRST),
                ("after the last", AFTER_LAST),
            ],
        );
        Ok(Report::new(format!(
                "Churn, {} connections a second, each stays {} ms",
                self.rate, self.stay_millis
            ), FIGURES, runs)
            .notes(vec![format!(
                "{} rounds of {} s. Memory is measured when all of a round have left and the server has \
                 closed its ends. The first round fills what is kept for reuse; what grows after it is left \
                 behind. The run fails above {} bytes a connection and 1 MiB in all.",
                self.rounds, self.secs, self.leak_limit
            )])
            .charts([chart])
            .reference(self.subjects.reference()?))
    }

    fn output(&self) -> &Output {
        &self.output
    }
}

impl Churn {
    fn measure_one(&self, server: &Running, number: u32) -> Result<Run, String> {
        let before = Moment::of(server)?;
        let mut guests = Guests::default();
        let mut after_first = None;
        let mut time = Duration::ZERO;
        for round in 1..=self.rounds {
            let what = format!("{}, run {number}: round {round}", server.name());
            time += self.round(server, &what, &mut guests)?;
            if server.is_measurable()
                && let Err(kept) = server.wait_until_left(before.sockets)
            {
                guests.troubles.add(kept);
            }
            if round == 1 {
                after_first = Some((Moment::of(server)?, guests.opened));
            }
        }
        let after = Moment::of(server)?;

        let opened = guests.opened as f64;
        let mut run = Run::new(server.name(), number, self.at_once());
        run.set("connections", opened);
        run.set("per_second", opened / time.as_secs_f64());
        run.set("most_open", guests.most_open as f64);
        if let (true, Some((first, opened_first))) = (server.is_measurable(), after_first) {
            let grown = after.rss_since(&first);
            let leak = grown / (guests.opened - opened_first).max(1) as f64;
            run.set("cpu_connection_ns", after.cpu_since(&before) / opened);
            run.set("rss_first_bytes", first.rss_since(&before));
            run.set("rss_last_bytes", after.rss_since(&before));
            run.set("leak_bytes", leak);
            if leak > self.leak_limit && grown > NOISE {
                guests.troubles.add(format!(
                    "leak: memory grew by {leak:.0} bytes a connection, {:.1} MiB after {} connections",
                    grown / NOISE,
                    guests.opened
                ));
            }
        }
        run.troubles = guests.troubles;
        Ok(run)
    }

    /// The time in which connections were begun.
    fn round(&self, server: &Running, what: &str, guests: &mut Guests) -> Result<Duration, String> {
        let io = |error: std::io::Error| error.to_string();
        let target = server.target("/idle");
        let total = (self.rate * self.secs as f64).ceil() as usize;
        let progress = Progress::new(what, total);
        let sources = Sources::new(target.address, total, 0);
        let mut client = Client::new(target, sources).map_err(io)?;
        let stay = Duration::from_millis(self.stay_millis);
        let opening = Opening::default();
        let start = Instant::now();
        let mut begun = 0;
        let mut time = Duration::ZERO;
        while begun < total || client.asking() > 0 || !guests.staying.is_empty() {
            let due = (start.elapsed().as_secs_f64() * self.rate) as usize;
            while begun < total.min(due + 1) && client.asking() < opening.at_once {
                client.connect(guests);
                begun += 1;
                time = start.elapsed();
            }
            client.turn(Duration::from_millis(1), guests).map_err(io)?;
            client.give_up_waiting(opening.patience, guests);
            guests.most_open = guests.most_open.max(client.open_streams());
            while let Some((guest, since)) = guests.staying.front().copied() {
                if since.elapsed() < stay {
                    break;
                }
                guests.staying.pop_front();
                client.close(guest);
            }
            progress.at(begun);
        }
        Ok(time.max(Duration::from_millis(1)))
    }

    /// How many are there at a time, if all of them are let in at once.
    fn at_once(&self) -> usize {
        let stay = self.stay_millis as f64 / 1000.0;
        (self.rate * stay).ceil().max(1.0) as usize
    }
}

#[derive(Debug, Default)]
struct Guests {
    staying: VecDeque<(usize, Instant)>,
    opened: u64,
    most_open: usize,
    troubles: Troubles,
}

impl Watcher for Guests {
    fn opened(&mut self, guest: usize, now: Instant) {
        self.opened += 1;
        self.staying.push_back((guest, now));
    }

    fn sign(&mut self, _: usize, _: Sign, _: Instant) {}

    fn ended(&mut self, guest: usize, fault: Option<Fault>, _: Instant) {
        let fault = fault.unwrap_or(Fault::Ended);
        let before = self.staying.len();
        self.staying.retain(|(staying, _)| *staying != guest);
        let what = if self.staying.len() < before {
            "lost"
        } else {
            "not opened"
        };
        self.troubles.add(format!("{what}: {fault}"));
    }
}

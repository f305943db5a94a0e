//! Whether a connection costs the same among twenty thousand as among one thousand.

use std::time::Duration;

use clap::Parser;

use super::{
    Mode, Subjects,
    fanout::{self, Plan},
    take_turns,
};
use crate::{
    load::{Target, ensure_files, most_connections},
    report::{Chart, Figure, Output, Report, Run, Unit},
};

/// Measures the same with more and more connections: what each costs has to stay the same
#[derive(Clone, Debug, Parser)]
pub struct Grow {
    /// How many connections, one measurement each; what one process can't have is cut to what it can
    #[arg(long, value_delimiter = ',', default_value = "1000,2000,5000,10000,20000",
          value_parser = super::at_least_one)]
    sizes: Vec<usize>,
    /// How many events are published to them
    #[arg(long, default_value_t = 30, value_parser = super::at_least_one)]
    publishes: usize,
    /// A delivery that takes longer has failed
    #[arg(long, default_value_t = 20)]
    deadline_secs: u64,
    /// Where events for anyone's server are posted
    #[arg(long, requires = "url", value_parser = str::parse::<Target>)]
    publish_url: Option<Target>,
    #[command(flatten)]
    subjects: Subjects,
    #[command(flatten)]
    output: Output,
}

const RSS: Figure = Figure::compared("rss_bytes", "RSS a connection", Unit::Kibibytes);
const SETUP: Figure = Figure::compared("cpu_setup_ns", "server CPU a set-up", Unit::Microseconds);
const PUBLISH: Figure = Figure::compared(
    "publish_ms",
    "time until all have an event",
    Unit::Milliseconds,
);

const FIGURES: &[Figure] = &[
    RSS,
    SETUP,
    fanout::CPU,
    PUBLISH,
    Figure::compared(
        "publish_connection_ns",
        "of it a connection",
        Unit::Microseconds,
    ),
];

impl Mode for Grow {
    fn measure(&self) -> Result<Report, String> {
        let (sizes, cut) = fit(
            &self.sizes,
            usize::try_from(most_connections()).unwrap_or(usize::MAX),
        );
        ensure_files(sizes.iter().max().copied().unwrap_or(0) as u64)?;
        let runs = take_turns(&self.subjects, |subject, number| {
            sizes
                .iter()
                .map(|size| {
                    let server = subject.start(1)?;
                    let plan = Plan {
                        connections: *size,
                        publishes: self.publishes,
                        rate: None,
                        deadline: Duration::from_secs(self.deadline_secs),
                    };
                    let to = fanout::publish_target(subject, &server, self.publish_url.as_ref())?;
                    fanout::measure_one(&server, &to, number, plan).map(|run| self.by_publish(run))
                })
                .collect()
        })?;
        let charts = [
            Chart::growth("Memory a connection (RSS)", &runs, RSS),
            Chart::growth("Server CPU a set-up", &runs, SETUP),
            Chart::growth("Server CPU a delivery", &runs, fanout::CPU),
            Chart::growth("Time until all have an event", &runs, PUBLISH),
        ];
        let mut notes = vec![
            "Each size has a server of its own that is just started, unless it is anyone's. What is told a connection is linear \
             where the ratio of the last to the first is 1; the time until all have an event is linear where \
             it grows as the connections do."
                .to_owned(),
            format!(
                "Each of {} events is published when all have the last one.",
                self.publishes
            ),
        ];
        notes.extend(cut);
        Ok(Report::new("Growth", FIGURES, runs)
            .notes(notes)
            .charts(charts))
    }

    fn output(&self) -> &Output {
        &self.output
    }
}

impl Grow {
    fn by_publish(&self, mut run: Run) -> Run {
        if let Some(elapsed) = run.values.get("elapsed_ms").copied() {
            let publish = elapsed / self.publishes as f64;
            run.set("publish_ms", publish);
            run.set(
                "publish_connection_ns",
                publish * 1e6 / run.connections as f64,
            );
        }
        run
    }
}

/// The sizes that one process can have, and what to say of those that it can't.
fn fit(sizes: &[usize], most: usize) -> (Vec<usize>, Option<String>) {
    let mut fitting: Vec<usize> = sizes.iter().map(|size| *size.min(&most)).collect();
    fitting.sort_unstable();
    fitting.dedup();
    let largest = sizes.iter().max().copied().unwrap_or(0);
    let cut = (largest > most).then(|| {
        format!(
            "{most} connections stand for {largest}: one process may not have more files open here."
        )
    });
    (fitting, cut)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_that_do_not_fit_are_cut_and_told() {
        let (sizes, said) = fit(&[10_000, 1000, 20_000], 19_900);
        assert_eq!(sizes, [1000, 10_000, 19_900]);
        assert!(said.is_some_and(|said| said.contains("19900 connections stand for 20000")));
        assert_eq!(fit(&[1000, 2000], 19_900), (vec![1000, 2000], None));
    }
}

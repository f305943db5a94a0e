//! What a connection costs that is open and quiet.

use std::time::Duration;

use clap::{Args, Parser};

use super::{
    Mode, Subject, Subjects,
    clients::{Clients, Load},
    moment::Moment,
    progress::Progress,
    take_turns,
};
use crate::{
    load::{Opening, Target},
    report::{Chart, Figure, Output, Report, Run, Troubles, Unit},
};

/// Opens many event streams, holds them through heartbeats, and tells what each of them costs the server
#[derive(Clone, Debug, Parser)]
pub struct Idle {
    /// How many connections are open at once
    #[arg(long, default_value_t = 10_000, value_parser = super::at_least_one)]
    connections: usize,
    /// How many servers on one port, and as many clients: one process may only have so many connections
    #[arg(long, default_value_t = 1, value_parser = super::at_least_one)]
    shards: usize,
    #[command(flatten)]
    quiet: Quiet,
}

/// What idle streams over HTTP/1.1 and HTTP/2 have in common.
#[derive(Args, Clone, Debug)]
pub(super) struct Quiet {
    #[command(flatten)]
    pub(super) subjects: Subjects,
    /// For how many seconds all of them are held
    #[arg(long, default_value_t = 60)]
    hold: u64,
    /// How many may wait for their response at once
    #[arg(long, default_value_t = Opening::default().at_once, value_parser = super::at_least_one)]
    at_once: usize,
    /// Has handlers take so long to answer, as those do that ask a database first; servers on axum can
    #[arg(long, default_value_t = 0, conflicts_with = "url")]
    answer_after_ms: u64,
    #[command(flatten)]
    pub(super) output: Output,
}

/// So many streams, on so many connections.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    pub(super) streams: usize,
    /// 0: HTTP/1.1.
    pub(super) streams_a_connection: usize,
    pub(super) shards: usize,
}

const RSS_COLD: Figure = Figure::compared("rss_cold_bytes", "RSS each, cold", Unit::Kibibytes);
const RSS_WARM: Figure = Figure::compared("rss_warm_bytes", "RSS each, warm", Unit::Kibibytes);
const HEARTBEAT_CPU: Figure = Figure::compared(
    "cpu_heartbeat_ns",
    "server CPU a heartbeat",
    Unit::Microseconds,
);

pub(super) const FIGURES: &[Figure] = &[
    RSS_COLD,
    RSS_WARM,
    Figure::compared("pss_cold_bytes", "PSS each, cold", Unit::Kibibytes),
    Figure::compared("pss_warm_bytes", "PSS each, warm", Unit::Kibibytes),
    Figure::new(
        "kernel_bytes",
        "kernel memory each, both ends",
        Unit::Kibibytes,
    ),
    Figure::new("queue_bytes", "of it queued in sockets", Unit::Kibibytes),
    Figure::new("setup_per_second", "set up", Unit::PerSecond),
    Figure::compared("cpu_setup_ns", "server CPU a set-up", Unit::Microseconds),
    Figure::compared(
        "cpu_idle_percent",
        "server CPU while idle, of a core",
        Unit::Percent,
    ),
    HEARTBEAT_CPU,
    Figure::new("heartbeats", "heartbeats", Unit::Count),
    Figure::new("late", "late heartbeats", Unit::Count),
    Figure::new("longest_silence_ms", "longest silence", Unit::Milliseconds),
    Figure::new(
        "client_turn_ms",
        "client's longest turn",
        Unit::Milliseconds,
    ),
    Figure::new("refused", "refused", Unit::Count),
    Figure::new("lost", "lost", Unit::Count),
    Figure::new(
        "rss_kept_bytes",
        "RSS kept when all have left",
        Unit::Mebibytes,
    ),
];

impl Mode for Idle {
    fn measure(&self) -> Result<Report, String> {
        let size = Size {
            streams: self.connections,
            streams_a_connection: 0,
            shards: self.shards,
        };
        let title = match self.shards {
            1 => "Idle connections".to_owned(),
            shards => format!("Idle connections, {shards} servers on one port"),
        };
        self.quiet.measure(&title, "connection", size)
    }

    fn output(&self) -> &Output {
        &self.quiet.output
    }
}

impl Quiet {
    /// With another server where none is named.
    pub(super) fn or_server(mut self, name: &str) -> Self {
        self.subjects = self.subjects.or_server(name);
        self
    }

    pub(super) fn measure(&self, title: &str, each: &str, size: Size) -> Result<Report, String> {
        let hold = Duration::from_secs(self.hold);
        self.check_hold(hold)?;
        ensure_fit(size)?;
        let runs = take_turns(&self.subjects, |subject, number| {
            self.measure_one(subject, number, size, hold)
                .map(|run| vec![run])
        })?;
        let charts = [
            Chart::bars(
                &format!("Memory a {each} (RSS)"),
                &runs,
                &[("cold", RSS_COLD), ("warm", RSS_WARM)],
            ),
            Chart::bars(
                "Server CPU a heartbeat",
                &runs,
                &[("a heartbeat", HEARTBEAT_CPU)],
            ),
        ];
        Ok(Report::new(title, FIGURES, runs)
            .notes(self.notes(each, size))
            .charts(charts)
            .reference(self.subjects.reference()?))
    }

    fn check_hold(&self, hold: Duration) -> Result<(), String> {
        let Some(heartbeat) = self.subjects.heartbeat() else {
            return Ok(());
        };
        let least = heartbeat * 2 + Duration::from_secs(2);
        if hold < least {
            return Err(format!(
                "--hold {} is too short to see that a heartbeat is missing: with --heartbeat-secs {} it \
                 takes {} seconds or more",
                hold.as_secs(),
                heartbeat.as_secs(),
                least.as_secs()
            ));
        }
        Ok(())
    }

    fn measure_one(
        &self,
        subject: &Subject,
        number: u32,
        size: Size,
        hold: Duration,
    ) -> Result<Run, String> {
        let name = subject.name();
        let step = |what: &str| format!("{name}, run {number}: {what}");
        let server = subject.start(size.shards)?;
        let mut clients = Clients::start(size.shards)?;
        let heartbeat = self.subjects.heartbeat().unwrap_or_default();
        let before = Moment::of(&server)?;

        let progress = Progress::new(&step("opening"), size.streams);
        let target = match self.answer_after_ms {
            0 => server.target("/idle"),
            millis => server.target(&format!("/idle?after_ms={millis}")),
        };
        let opened = clients.open(
            |shard| Load {
                at_once: self.at_once,
                ..load(&target, size, shard, heartbeat)
            },
            &progress,
        )?;
        drop(progress);
        let cold = Moment::of(&server)?;

        let progress = Progress::seconds(&step("holding"), hold);
        let held = clients.hold(hold, &progress)?;
        drop(progress);
        let warm = Moment::of(&server)?;

        clients.leave()?;
        let mut troubles = Troubles::default();
        if server.is_measurable()
            && let Err(kept) = server.wait_until_left(before.sockets)
        {
            troubles.add(kept);
        }
        let after = Moment::of(&server)?;

        let streams = opened.streams.max(1) as f64;
        let mut run = Run::new(&name, number, size.streams);
        run.set("refused", (size.streams - opened.streams) as f64);
        run.set("setup_per_second", streams / (opened.millis / 1000.0));
        run.set("kernel_bytes", cold.kernel_since(&before) / streams);
        run.set("queue_bytes", cold.queues_since(&before) / streams);
        run.set("heartbeats", held.heartbeats as f64);
        run.set("lost", held.lost as f64);
        run.set("longest_silence_ms", held.longest_silence_millis);
        if size.streams_a_connection == 0 {
            run.set("client_turn_ms", held.longest_turn_millis);
        }
        if !heartbeat.is_zero() {
            run.set("late", held.late as f64);
        }
        if server.is_measurable() {
            run.set("rss_cold_bytes", cold.rss_since(&before) / streams);
            run.set("rss_warm_bytes", warm.rss_since(&before) / streams);
            run.set("pss_cold_bytes", cold.pss_since(&before) / streams);
            run.set("pss_warm_bytes", warm.pss_since(&before) / streams);
            run.set("rss_kept_bytes", after.rss_since(&before));
            run.set("cpu_setup_ns", cold.cpu_since(&before) / streams);
            let idle = warm.cpu_since(&cold);
            run.set(
                "cpu_idle_percent",
                idle / warm.at.duration_since(cold.at).as_nanos() as f64 * 100.0,
            );
            if held.heartbeats > 0 {
                run.set("cpu_heartbeat_ns", idle / held.heartbeats as f64);
            }
        }
        troubles.merge(opened.troubles);
        troubles.merge(held.troubles);
        run.troubles = troubles;
        Ok(run)
    }

    fn notes(&self, each: &str, size: Size) -> Vec<String> {
        let mut notes = vec![
            format!(
                "Memory is what the server has more than before the first connection, a {each}: cold right \
                 after the last head has come, warm after {} s of heartbeats. RSS counts shared pages in \
                 full, PSS in proportion.",
                self.hold
            ),
            "Kernel memory is the machine's: slab of /proc/meminfo, cold, with both ends of each connection \
             since client and server are on one machine. Queued: TCP mem of /proc/net/sockstat."
                .to_owned(),
            "CPU is the sum over the server's threads of the time on a core, in nanoseconds, of \
             /proc/PID/task/*/schedstat."
                .to_owned(),
        ];
        match self.subjects.heartbeat() {
            Some(heartbeat) => notes.push(format!(
                "A heartbeat is due after {} s of silence. Late: more than a quarter (at least 250 ms) over \
                 it. The run fails if a stream is silent for more than twice that and a second, ends, or was \
                 not opened.",
                heartbeat.as_secs()
            )),
            None => notes.push("No heartbeat was expected.".to_owned()),
        }
        if size.shards > 1 {
            notes.push(format!(
                "{} processes share the port (SO_REUSEPORT); figures are the sum over them.",
                size.shards
            ));
        }
        notes
    }
}

fn load(target: &Target, size: Size, shard: usize, heartbeat: Duration) -> Load {
    let share = size.streams / size.shards;
    let one_more = usize::from(shard < size.streams % size.shards);
    Load {
        url: format!("http://{}{}", target.host, target.path),
        streams: share + one_more,
        streams_a_connection: size.streams_a_connection,
        at_once: Opening::default().at_once,
        shard,
        heartbeat_millis: u64::try_from(heartbeat.as_millis()).unwrap_or(0),
    }
}

/// Servers inherit the limit, so it is raised here, and told before anything is started.
fn ensure_fit(size: Size) -> Result<(), String> {
    let connections = match size.streams_a_connection {
        0 => size.streams,
        streams => size.streams.div_ceil(streams),
    };
    let mut a_process = connections.div_ceil(size.shards);
    if size.shards > 1 {
        // The kernel deals them out by chance: room for one that gets more than its part.
        a_process += a_process / 50 + 100;
    }
    crate::load::ensure_files(a_process as u64)
}

use std::{
    io::{self, BufRead, Write},
    process,
    sync::mpsc::{Receiver, TryRecvError, channel},
    thread,
    time::{Duration, Instant},
};

use super::{Answer, Held, Load, Opened, Order, vigil::Vigil};
use crate::load::{Client, Opening, Sources, Target, Watcher, ensure_files, h2::H2Client};

/// The first argument of a program that is a client.
pub(super) const ARGUMENT: &str = "--client";

/// How often orders are looked for while streams are read.
const TURN: Duration = Duration::from_millis(20);

/// How often progress is told.
const TELL: Duration = Duration::from_millis(200);

/// If the program's first argument is `--client`, it is a client and ends here.
pub fn attend_if_asked() {
    if std::env::args().nth(1).as_deref() != Some(ARGUMENT) {
        return;
    }
    let code = match attend() {
        Ok(()) => 0,
        Err(error) => {
            tell(&Answer::Failed(error));
            1
        }
    };
    process::exit(code);
}

enum Streams {
    H1(Client),
    H2(H2Client),
}

fn attend() -> Result<(), String> {
    let orders = orders();
    tell(&Answer::Ready);
    let mut streams: Option<Streams> = None;
    let mut vigil = Vigil::default();
    loop {
        let order = match &mut streams {
            None => orders.recv().map_err(|_| TryRecvError::Disconnected),
            Some(streams) => {
                streams.turn(&mut vigil)?;
                orders.try_recv()
            }
        };
        match order {
            Err(TryRecvError::Empty) => {}
            Err(TryRecvError::Disconnected) => return Ok(()),
            Ok(Order::Open(load)) => {
                vigil = Vigil::new(load.streams, load.heartbeat_millis);
                let opened = streams
                    .insert(Streams::new(&load)?)
                    .open(&load, &mut vigil)?;
                tell(&Answer::Opened(opened));
            }
            Ok(Order::Hold { millis }) => {
                if let Some(streams) = &mut streams {
                    let held = streams.hold(Duration::from_millis(millis), &mut vigil)?;
                    tell(&Answer::Held(held));
                }
            }
            Ok(Order::Leave) => {
                streams = None;
                tell(&Answer::Left);
            }
        }
    }
}

impl Streams {
    fn new(load: &Load) -> Result<Self, String> {
        let target: Target = load.url.parse()?;
        let per_connection = load.streams_a_connection;
        let connections = load.streams.div_ceil(per_connection.max(1));
        ensure_files(connections as u64)?;
        let sources = Sources::new(target.address, connections, load.shard);
        if per_connection == 0 {
            Client::new(target, sources).map(Self::H1)
        } else {
            H2Client::new(target, sources, per_connection).map(Self::H2)
        }
        .map_err(|error| error.to_string())
    }

    fn open(&mut self, load: &Load, vigil: &mut Vigil) -> Result<Opened, String> {
        let start = Instant::now();
        let mut told = start;
        let mut progress = |position| {
            if told.elapsed() > TELL {
                told = Instant::now();
                tell(&Answer::Progress(position));
            }
        };
        let opening = Opening {
            at_once: load.at_once,
            ..Opening::default()
        };
        match self {
            Self::H1(client) => client
                .open(load.streams, opening, vigil, progress)
                .map_err(|error| error.to_string())?,
            Self::H2(client) => client.open(load.streams, opening, vigil, &mut progress),
        }
        Ok(Opened {
            streams: vigil.open(),
            millis: start.elapsed().as_secs_f64() * 1000.0,
            troubles: vigil.take_troubles(),
        })
    }

    fn hold(&mut self, time: Duration, vigil: &mut Vigil) -> Result<Held, String> {
        let start = Instant::now();
        let mut told = start;
        vigil.begin();
        if let Self::H1(client) = self {
            client.reset_longest_turn();
        }
        while start.elapsed() < time {
            self.turn(vigil)?;
            if told.elapsed() > TELL {
                told = Instant::now();
                tell(&Answer::Progress(
                    usize::try_from(start.elapsed().as_secs()).unwrap_or(0),
                ));
            }
        }
        let mut held = vigil.finish(Instant::now());
        if let Self::H1(client) = self {
            held.longest_turn_millis = client.longest_turn().as_secs_f64() * 1000.0;
        }
        Ok(held)
    }

    fn turn(&mut self, watcher: &mut dyn Watcher) -> Result<(), String> {
        match self {
            Self::H1(client) => client
                .turn(TURN, watcher)
                .map_err(|error| error.to_string()),
            Self::H2(client) => {
                client.turn(TURN, watcher);
                Ok(())
            }
        }
    }
}

fn orders() -> Receiver<Order> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for line in io::stdin().lock().lines() {
            let order = line.ok().and_then(|line| serde_json::from_str(&line).ok());
            let Some(order) = order else { return };
            if sender.send(order).is_err() {
                return;
            }
        }
    });
    receiver
}

fn tell(answer: &Answer) {
    let mut output = io::stdout().lock();
    if let Ok(line) = serde_json::to_string(answer) {
        // Whoever listened has gone; the end of the input tells it too.
        let _ = writeln!(output, "{line}").and_then(|()| output.flush());
    }
}

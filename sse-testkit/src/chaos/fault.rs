//! The list of faults, as a test writes it down.

use std::time::Duration;

use super::body::ChaosBody;
use super::io::ChaosIo;
use super::pipeline::Pipeline;
use super::random::Random;
use super::requests::ChaosRequests;
use super::stage::{Cut, Delay, Merge, Split, Stage, Stall};

/// Faults, done to the bytes one after the other.
///
/// The order matters: `split_every(1).delay(t)` lets a byte pass every `t`, `delay(t).split_every(1)`
/// makes each piece late and then passes its bytes at once. Counts of bytes are of those that reach
/// the fault. Each body, and each direction of a socket, begins anew.
///
/// Time is tokio's, so in a test of paused time none of it takes any.
#[derive(Debug, Clone, Default)]
#[must_use = "it does nothing until it wraps something"]
pub struct Chaos {
    faults: Vec<Fault>,
}

#[derive(Debug, Clone)]
enum Fault {
    SplitEvery(usize),
    SplitAt(Vec<u64>),
    SplitRandomly { seed: u64, max: usize },
    MergeUpTo(usize),
    MergeFor(Duration),
    Delay(Duration),
    DelayRandomly { seed: u64, max: Duration },
    Stall { after: u64, time: Duration },
    HangAfter(u64),
    CutAfter(u64),
    FailAfter(u64),
}

impl Chaos {
    /// No fault at all.
    pub fn new() -> Self {
        Self::default()
    }

    /// No piece has more bytes than this; each that has is split. None is joined to the next.
    pub fn split_every(self, bytes: usize) -> Self {
        self.with(Fault::SplitEvery(bytes))
    }

    /// Splits after so many bytes, counted from the beginning.
    pub fn split_at(self, positions: impl IntoIterator<Item = u64>) -> Self {
        let mut positions: Vec<_> = positions.into_iter().collect();
        positions.sort_unstable();
        self.with(Fault::SplitAt(positions))
    }

    /// Splits into pieces of one to `max` bytes; the same seed splits the same.
    pub fn split_randomly(self, seed: u64, max: usize) -> Self {
        self.with(Fault::SplitRandomly { seed, max })
    }

    /// Holds all bytes back until the end, and passes them as one piece: a proxy that buffers.
    ///
    /// A stream without end shows nothing then, and the bytes are kept in memory.
    pub fn merge(self) -> Self {
        self.merge_up_to(usize::MAX)
    }

    /// Holds bytes back until so many are there, or the end: a proxy whose buffer has that size.
    pub fn merge_up_to(self, bytes: usize) -> Self {
        self.with(Fault::MergeUpTo(bytes))
    }

    /// Holds a piece back for this long and passes it together with those that came meanwhile.
    pub fn merge_for(self, span: Duration) -> Self {
        self.with(Fault::MergeFor(span))
    }

    /// Lets each piece wait for this long; the next one is taken only when it has passed, so that no
    /// two are closer together.
    pub fn delay(self, time: Duration) -> Self {
        self.with(Fault::Delay(time))
    }

    /// Lets each piece wait for a time up to `max`, in whole milliseconds; the same seed gives the
    /// same times.
    pub fn delay_randomly(self, seed: u64, max: Duration) -> Self {
        self.with(Fault::DelayRandomly { seed, max })
    }

    /// Takes and passes nothing for this long once so many bytes have passed.
    pub fn stall(self, after: u64, time: Duration) -> Self {
        self.with(Fault::Stall { after, time })
    }

    /// Takes and passes nothing any more, for good, once so many bytes have passed: no end comes
    /// either.
    pub fn hang_after(self, bytes: u64) -> Self {
        self.with(Fault::HangAfter(bytes))
    }

    /// Ends cleanly after so many bytes, be it in mid-frame.
    ///
    /// A body ends, a socket reads its end and is shut down for writing.
    pub fn cut_after(self, bytes: u64) -> Self {
        self.with(Fault::CutAfter(bytes))
    }

    /// Breaks off with an error after so many bytes.
    ///
    /// The error of a body is [`Broken`](super::Broken), that of a socket `ConnectionReset`; a proxy
    /// resets the connection on both sides.
    pub fn fail_after(self, bytes: u64) -> Self {
        self.with(Fault::FailAfter(bytes))
    }

    /// Does all this to a body.
    pub fn body<B>(&self, body: B) -> ChaosBody<B> {
        ChaosBody::new(body, self.pipeline())
    }

    /// Does all this to what is read from a socket; see [`ChaosIo::writing`] for what is written.
    pub fn io<T>(&self, io: T) -> ChaosIo<T> {
        ChaosIo::new(io).reading(self)
    }

    /// The layer that does all this to the bodies of requests; as a layer itself, a `Chaos` does it
    /// to those of responses.
    pub fn on_requests(self) -> ChaosRequests {
        ChaosRequests::new(self)
    }

    pub(super) fn pipeline(&self) -> Pipeline {
        Pipeline::new(self.faults.iter().map(Fault::stage).collect())
    }

    fn with(mut self, fault: Fault) -> Self {
        self.faults.push(fault);
        self
    }
}

impl Fault {
    fn stage(&self) -> Box<dyn Stage> {
        match self {
            Self::SplitEvery(bytes) => Box::new(Split::every(*bytes)),
            Self::SplitAt(positions) => Box::new(Split::at(positions)),
            Self::SplitRandomly { seed, max } => Box::new(Split::random(Random::new(*seed), *max)),
            Self::MergeUpTo(bytes) => Box::new(Merge::up_to(*bytes)),
            Self::MergeFor(span) => Box::new(Merge::during(*span)),
            Self::Delay(time) => Box::new(Delay::of(*time)),
            Self::DelayRandomly { seed, max } => Box::new(Delay::random(Random::new(*seed), *max)),
            Self::Stall { after, time } => Box::new(Stall::new(*after, Some(*time))),
            Self::HangAfter(bytes) => Box::new(Stall::new(*bytes, None)),
            Self::CutAfter(bytes) => Box::new(Cut::clean(*bytes)),
            Self::FailAfter(bytes) => Box::new(Cut::broken(*bytes)),
        }
    }
}

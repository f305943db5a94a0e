use std::time::{Duration, Instant};

use super::Held;
use crate::{
    load::{Fault, Sign, Watcher},
    report::Troubles,
};

/// A stream that has not been opened, or is over.
const NOT_OPEN: u32 = u32::MAX;

/// Watches that quiet streams are alive: each has to say something within the heartbeat's time.
#[derive(Debug)]
pub(super) struct Vigil {
    start: Instant,
    heartbeat: Option<Beat>,
    /// Milliseconds from the start to the last sign of each stream.
    heard: Vec<u32>,
    open: usize,
    holding: bool,
    heartbeats: u64,
    late: u64,
    lost: u64,
    longest: u32,
    troubles: Troubles,
}

#[derive(Clone, Copy, Debug)]
struct Beat {
    /// Longer than this is late.
    late: u32,
    /// Longer than this means that one is missing.
    missing: u32,
}

impl Default for Vigil {
    fn default() -> Self {
        Self::new(0, 0)
    }
}

impl Vigil {
    pub(super) fn new(streams: usize, heartbeat_millis: u64) -> Self {
        let beat = u32::try_from(heartbeat_millis).unwrap_or(u32::MAX / 4);
        Self {
            start: Instant::now(),
            heartbeat: (beat > 0).then_some(Beat {
                late: beat + (beat / 4).max(250),
                missing: 2 * beat + 1000,
            }),
            heard: vec![NOT_OPEN; streams],
            open: 0,
            holding: false,
            heartbeats: 0,
            late: 0,
            lost: 0,
            longest: 0,
            troubles: Troubles::default(),
        }
    }

    /// How many streams are open.
    pub(super) const fn open(&self) -> usize {
        self.open
    }

    pub(super) fn take_troubles(&mut self) -> Troubles {
        std::mem::take(&mut self.troubles)
    }

    /// Counts from here.
    pub(super) const fn begin(&mut self) {
        self.holding = true;
        self.heartbeats = 0;
        self.late = 0;
        self.lost = 0;
        self.longest = 0;
    }

    /// What came since [`begin`](Self::begin), and which streams have fallen silent.
    pub(super) fn finish(&mut self, now: Instant) -> Held {
        self.holding = false;
        let now = self.millis(now);
        for stream in 0..self.heard.len() {
            if self.heard[stream] != NOT_OPEN {
                self.judge_silence(stream, now, true);
            }
        }
        Held {
            heartbeats: self.heartbeats,
            late: self.late,
            lost: self.lost,
            longest_silence_millis: f64::from(self.longest),
            longest_turn_millis: 0.0,
            troubles: self.take_troubles(),
        }
    }

    fn judge_silence(&mut self, stream: usize, now: u32, still: bool) {
        let silence = now.saturating_sub(self.heard[stream]);
        self.longest = self.longest.max(silence);
        let Some(beat) = self.heartbeat else { return };
        if silence > beat.missing {
            let allowed = Duration::from_millis(u64::from(beat.missing));
            let what = if still {
                "stalled"
            } else {
                "a missing heartbeat"
            };
            self.troubles.add(format!(
                "{what}: a stream was silent for more than {} s",
                allowed.as_secs_f64()
            ));
        } else if silence > beat.late && !still {
            self.late += 1;
        }
    }

    fn millis(&self, now: Instant) -> u32 {
        let millis = now.saturating_duration_since(self.start).as_millis();
        u32::try_from(millis).unwrap_or(NOT_OPEN - 1)
    }
}

impl Watcher for Vigil {
    fn opened(&mut self, stream: usize, now: Instant) {
        self.heard[stream] = self.millis(now);
        self.open += 1;
    }

    fn sign(&mut self, stream: usize, _: Sign, now: Instant) {
        let now = self.millis(now);
        self.judge_silence(stream, now, false);
        self.heard[stream] = now;
        self.heartbeats += 1;
    }

    fn ended(&mut self, stream: usize, fault: Option<Fault>, _: Instant) {
        let fault = fault.unwrap_or(Fault::Ended);
        if self.heard[stream] == NOT_OPEN {
            self.troubles.add(format!("not opened: {fault}"));
        } else {
            self.heard[stream] = NOT_OPEN;
            self.open -= 1;
            self.lost += 1;
            self.troubles.add(format!("lost: {fault}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vigil() -> (Vigil, impl Fn(u64) -> Instant) {
        let mut vigil = Vigil::new(2, 1000);
        let start = vigil.start;
        let at = move |millis| start + Duration::from_millis(millis);
        vigil.opened(0, at(0));
        vigil.opened(1, at(0));
        vigil.begin();
        (vigil, at)
    }

    fn told(held: &Held) -> Vec<String> {
        held.troubles.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn heartbeats_in_time_are_no_trouble() {
        let (mut vigil, at) = vigil();
        for n in 1..=4 {
            vigil.sign(0, Sign::Comment, at(n * 1000));
            vigil.sign(1, Sign::Comment, at(n * 1000 + 200));
        }
        let held = vigil.finish(at(4900));
        assert_eq!((held.heartbeats, held.late, held.lost), (8, 0, 0));
        assert_eq!(held.longest_silence_millis, 1200.0);
        assert!(held.troubles.is_empty(), "{held:?}");
    }

    #[test]
    fn a_late_heartbeat_is_counted_and_a_missing_one_is_trouble() {
        let (mut vigil, at) = vigil();
        vigil.sign(0, Sign::Comment, at(1251));
        vigil.sign(1, Sign::Comment, at(3001));
        let held = vigil.finish(at(3100));
        assert_eq!(held.late, 1);
        assert_eq!(
            told(&held),
            ["a missing heartbeat: a stream was silent for more than 3 s"]
        );
    }

    #[test]
    fn a_stream_that_falls_silent_is_trouble_at_the_end() {
        let (mut vigil, at) = vigil();
        vigil.sign(0, Sign::Comment, at(2000));
        let held = vigil.finish(at(3001));
        assert_eq!(
            told(&held),
            ["stalled: a stream was silent for more than 3 s"]
        );
    }

    #[test]
    fn a_stream_that_ends_is_lost_and_not_missed_again() {
        let (mut vigil, at) = vigil();
        vigil.ended(0, Some(Fault::ClosedEarly), at(100));
        vigil.sign(1, Sign::Comment, at(2900));
        let held = vigil.finish(at(3200));
        assert_eq!((held.lost, vigil.open()), (1, 1));
        assert_eq!(
            told(&held),
            ["lost: the server closed in the middle of the response"]
        );
    }
}

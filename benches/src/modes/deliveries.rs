use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use crate::{
    load::{Fault, Note, Sign, Watcher},
    report::Troubles,
};

/// What is told of latencies in charts.
pub(super) const PERCENTILES: [f64; 7] = [50.0, 75.0, 90.0, 95.0, 99.0, 99.9, 100.0];

/// An hour in nanoseconds: what takes longer is shown as that.
const LONGEST: u64 = 3_600_000_000_000;

/// The number of a connection that is not open.
const CLOSED: u64 = u64::MAX;

/// Sees to it that each connection gets each event, once and in order, and how long that takes.
#[derive(Debug)]
pub(super) struct Deliveries {
    start: Instant,
    /// The number of the last event that each connection has got.
    last: Vec<u64>,
    open: u64,
    published: u64,
    /// Connections that still wait for some of what was published, times the events that they wait for.
    outstanding: u64,
    delivered: u64,
    lost: u64,
    doubled: u64,
    /// Events up to this one are not measured.
    unmeasured: u64,
    latencies: Option<Histogram<u64>>,
    troubles: Troubles,
}

impl Deliveries {
    pub(super) fn new(connections: usize) -> Self {
        Self {
            start: Instant::now(),
            last: vec![CLOSED; connections],
            open: 0,
            published: 0,
            outstanding: 0,
            delivered: 0,
            lost: 0,
            doubled: 0,
            unmeasured: 0,
            latencies: Histogram::new_with_max(LONGEST, 3).ok(),
            troubles: Troubles::default(),
        }
    }

    /// The body of the next event, with its number and the time from which its latency counts.
    pub(super) fn next_event(&mut self, due: Instant) -> String {
        self.published += 1;
        self.outstanding += self.open;
        let sent = due.saturating_duration_since(self.start).as_nanos();
        body(self.published, sent)
    }

    /// Measures from here.
    pub(super) fn begin(&mut self) {
        self.unmeasured = self.published;
        self.delivered = 0;
        if let Some(latencies) = &mut self.latencies {
            latencies.reset();
        }
    }

    /// Whether all connections that are open have got all that was published.
    pub(super) const fn is_complete(&self) -> bool {
        self.outstanding == 0
    }

    pub(super) const fn published(&self) -> u64 {
        self.published
    }

    pub(super) const fn delivered(&self) -> u64 {
        self.delivered
    }

    pub(super) const fn lost(&self) -> u64 {
        self.lost
    }

    pub(super) const fn doubled(&self) -> u64 {
        self.doubled
    }

    /// The number of the last event that all connections which are open have got.
    pub(super) fn reached(&self) -> u64 {
        let open = self.last.iter().copied().filter(|last| *last != CLOSED);
        open.min().unwrap_or(self.published)
    }

    /// In milliseconds.
    pub(super) fn latency(&self, percentile: f64) -> f64 {
        self.latencies.as_ref().map_or(f64::NAN, |latencies| {
            latencies.value_at_quantile(percentile / 100.0) as f64 / 1e6
        })
    }

    pub(super) fn note(&mut self, what: impl Into<String>) {
        self.troubles.add(what);
    }

    /// Notes what has not come within `deadline`.
    pub(super) fn note_missing(&mut self, deadline: Duration) {
        self.lost += self.outstanding;
        let waiting: Vec<u64> = self
            .last
            .iter()
            .copied()
            .filter(|last| *last != CLOSED && *last < self.published)
            .collect();
        let first = waiting.iter().min().map_or(self.published, |last| last + 1);
        self.troubles.add(format!(
            "stalled: {} of {} connections did not get all events up to {} within {} s, the first of them \
             number {first}",
            waiting.len(),
            self.open,
            self.published,
            deadline.as_secs()
        ));
    }

    pub(super) fn troubles(&self) -> Troubles {
        self.troubles.clone()
    }

    pub(super) fn into_troubles(self) -> Troubles {
        self.troubles
    }

    fn take(&mut self, connection: usize, note: Note, now: Instant) {
        let Some(sequence) = note.sequence else {
            self.troubles.add("an event came that nobody published");
            return;
        };
        let last = self.last[connection];
        if sequence > self.published {
            self.troubles.add(format!(
                "event {sequence} came, of {} that were published",
                self.published
            ));
            return;
        }
        if sequence <= last {
            self.doubled += 1;
            self.troubles.add(if sequence == last {
                "doubled: an event came twice on one connection"
            } else {
                "disordered: an event came after a later one"
            });
            return;
        }
        let skipped = sequence - last - 1;
        self.lost += skipped;
        self.troubles
            .add_times("lost: an event never came, the next one did", skipped);
        self.outstanding -= skipped + 1;
        self.last[connection] = sequence;
        if sequence > self.unmeasured {
            self.delivered += 1;
            let now = now.saturating_duration_since(self.start).as_nanos();
            let latency = u64::try_from(now)
                .unwrap_or(u64::MAX)
                .saturating_sub(note.sent);
            if let Some(latencies) = &mut self.latencies {
                latencies.saturating_record(latency.max(1));
            }
        }
    }
}

/// An event's data, with what the client needs to see that it is the right one.
pub(super) fn body(sequence: u64, sent: u128) -> String {
    format!(
        "{{\"sequence\":{sequence},\"sent\":{sent},\"symbol\":\"ACME\",\"price\":1234.56,\"volume\":1000200,\
         \"currency\":\"USD\",\"venue\":\"XNAS\"}}"
    )
}

impl Watcher for Deliveries {
    fn opened(&mut self, connection: usize, _: Instant) {
        self.last[connection] = self.published;
        self.open += 1;
    }

    fn sign(&mut self, connection: usize, sign: Sign, now: Instant) {
        if let Sign::Event(note) = sign {
            self.take(connection, note, now);
        }
    }

    fn ended(&mut self, connection: usize, fault: Option<Fault>, _: Instant) {
        let fault = fault.unwrap_or(Fault::Ended);
        let last = std::mem::replace(&mut self.last[connection], CLOSED);
        if last == CLOSED {
            self.troubles.add(format!("not opened: {fault}"));
        } else {
            let missed = self.published - last;
            self.open -= 1;
            self.outstanding -= missed;
            self.lost += missed;
            self.troubles.add(format!("lost a connection: {fault}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Lab {
        deliveries: Deliveries,
        sent: Vec<u64>,
    }

    /// Two connections, and `events` events that were published a second apart.
    fn lab(events: u64) -> Lab {
        let mut deliveries = Deliveries::new(2);
        let start = deliveries.start;
        deliveries.opened(0, start);
        deliveries.opened(1, start);
        let mut sent = vec![0];
        for n in 1..=events {
            deliveries.next_event(start + Duration::from_secs(n));
            sent.push(n * 1_000_000_000);
        }
        Lab { deliveries, sent }
    }

    impl Lab {
        fn deliver(&mut self, connection: usize, sequence: u64, after_millis: u64) {
            let sent = self.sent[usize::try_from(sequence).unwrap()];
            let now = self.deliveries.start
                + Duration::from_nanos(sent)
                + Duration::from_millis(after_millis);
            let note = Note {
                sequence: Some(sequence),
                sent,
            };
            self.deliveries.sign(connection, Sign::Event(note), now);
        }

        fn told(self) -> Vec<String> {
            let troubles = self.deliveries.into_troubles();
            troubles.iter().map(ToString::to_string).collect()
        }
    }

    #[test]
    fn each_event_once_and_in_order_on_each_connection_is_complete() {
        let mut lab = lab(2);
        for (connection, sequence) in [(0, 1), (0, 2), (1, 1), (1, 2)] {
            assert!(!lab.deliveries.is_complete());
            lab.deliver(connection, sequence, 1);
        }
        assert!(lab.deliveries.is_complete());
        assert_eq!(lab.deliveries.delivered(), 4);
        assert!(lab.told().is_empty());
    }

    #[test]
    fn all_have_reached_what_the_slowest_has() {
        let mut lab = lab(3);
        for (connection, sequence) in [(0, 1), (0, 2), (1, 1)] {
            lab.deliver(connection, sequence, 1);
        }
        assert_eq!(lab.deliveries.reached(), 1);
        let now = lab.deliveries.start;
        lab.deliveries.ended(1, None, now);
        assert_eq!(lab.deliveries.reached(), 2);
    }

    #[test]
    fn percentiles_are_of_all_deliveries() {
        let mut lab = lab(50);
        for n in 1..=50 {
            lab.deliver(0, n, n);
            lab.deliver(1, n, 50 + n);
        }
        // 1 to 100 ms, to three digits.
        for percentile in [1.0, 50.0, 99.0, 100.0] {
            let latency = lab.deliveries.latency(percentile);
            assert!(
                (latency - percentile).abs() < percentile * 0.002,
                "{percentile}: {latency}"
            );
        }
    }

    #[test]
    fn what_came_before_the_beginning_is_not_measured() {
        let mut lab = lab(1);
        lab.deliver(0, 1, 100);
        lab.deliveries.begin();
        lab.deliver(1, 1, 100);
        assert_eq!(lab.deliveries.delivered(), 0);
        assert!(lab.deliveries.is_complete());
    }

    #[test]
    fn one_that_is_passed_over_is_lost() {
        let mut lab = lab(3);
        lab.deliver(0, 3, 1);
        assert_eq!(lab.deliveries.lost(), 2);
        for sequence in 1..=3 {
            assert!(!lab.deliveries.is_complete());
            lab.deliver(1, sequence, 1);
        }
        assert!(lab.deliveries.is_complete(), "it is not waited for");
        assert_eq!(
            lab.told(),
            ["lost: an event never came, the next one did (2 times)"]
        );
    }

    #[test]
    fn one_that_comes_again_is_doubled_and_one_that_comes_later_disordered() {
        let mut lab = lab(2);
        for sequence in [1, 2, 2, 1] {
            lab.deliver(0, sequence, 1);
        }
        assert_eq!(lab.deliveries.doubled(), 2);
        assert_eq!(
            lab.told(),
            [
                "doubled: an event came twice on one connection",
                "disordered: an event came after a later one"
            ]
        );
    }

    #[test]
    fn one_that_does_not_come_is_missing_by_its_number() {
        let mut lab = lab(3);
        for (connection, sequence) in [(0, 1), (0, 2), (0, 3), (1, 1)] {
            lab.deliver(connection, sequence, 1);
        }
        assert!(!lab.deliveries.is_complete());
        lab.deliveries.note_missing(Duration::from_secs(10));
        assert_eq!(lab.deliveries.lost(), 2);
        assert_eq!(
            lab.told(),
            [
                "stalled: 1 of 2 connections did not get all events up to 3 within 10 s, the first of them number 2"
            ]
        );
    }

    #[test]
    fn a_connection_that_ends_has_lost_what_it_did_not_get() {
        let mut lab = lab(2);
        lab.deliver(0, 1, 1);
        let now = lab.deliveries.start;
        lab.deliveries.ended(0, None, now);
        lab.deliver(1, 1, 1);
        lab.deliver(1, 2, 1);
        assert!(lab.deliveries.is_complete());
        assert_eq!(lab.deliveries.lost(), 1);
        assert_eq!(
            lab.told(),
            ["lost a connection: the server ended a stream that should stay"]
        );
    }

    #[test]
    fn what_nobody_published_is_told() {
        let mut lab = lab(1);
        let now = lab.deliveries.start;
        lab.deliveries.sign(0, Sign::Event(Note::default()), now);
        let note = Note {
            sequence: Some(9),
            sent: 0,
        };
        lab.deliveries.sign(0, Sign::Event(note), now);
        assert_eq!(
            lab.told(),
            [
                "an event came that nobody published",
                "event 9 came, of 1 that were published"
            ]
        );
    }
}

//! The body of an answer: its steps in their time.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::Frame;
use tokio::time::{Instant, Sleep, sleep_until};

use super::answer::Step;
use super::socket::Reset;

/// How fast the time of an answer passes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Pace {
    /// So many times as fast.
    Times(f64),
    AtOnce,
}

pub(super) struct MockBody {
    steps: VecDeque<Step>,
    again: Option<Arc<[Step]>>,
    pace: Pace,
    /// When the pauses so far are over, so that delays don't add up.
    due: Instant,
    sleep: Option<Pin<Box<Sleep>>>,
    /// How to end the connection, once the sleep is over.
    fault: Option<Step>,
    reset: Arc<Reset>,
}

/// What was sent before a fault is given so long to get out.
const FLUSH: Duration = Duration::from_millis(20);

impl Pace {
    pub(super) fn of(self, pause: Duration) -> Duration {
        match self {
            // What is too long for a duration never comes.
            Self::Times(factor) => {
                Duration::try_from_secs_f64(pause.as_secs_f64() / factor).unwrap_or(Duration::MAX)
            }
            Self::AtOnce => Duration::ZERO,
        }
    }
}

impl MockBody {
    /// The first step's time begins now.
    pub(super) fn new(
        steps: &[Step],
        again: Option<Arc<[Step]>>,
        pace: Pace,
        reset: Arc<Reset>,
    ) -> Self {
        Self {
            steps: steps.iter().cloned().collect(),
            // Without anything to send it would go round and round.
            again: again.filter(|steps| steps.iter().any(|it| matches!(it, Step::Send(_)))),
            pace,
            due: Instant::now(),
            sleep: None,
            fault: None,
            reset,
        }
    }

    fn pause(&mut self, time: Duration) {
        // What is too far off to be an instant is never.
        let never = Duration::from_secs(60 * 60 * 24 * 365);
        let due = self.due.checked_add(time);
        self.due = due.unwrap_or_else(|| Instant::now() + never);
        self.sleep = Some(Box::pin(sleep_until(self.due)));
    }
}

impl http_body::Body for MockBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        loop {
            if let Some(sleep) = &mut self.sleep {
                ready!(sleep.as_mut().poll(cx));
                self.sleep = None;
            }
            match &self.fault {
                None => {}
                Some(Step::Cut) => {
                    return Poll::Ready(Some(Err(io::Error::other("the script cuts here"))));
                }
                Some(Step::Reset) => {
                    self.reset.now();
                    return Poll::Pending;
                }
                Some(_) => return Poll::Pending,
            }
            match self.steps.pop_front() {
                Some(Step::Send(bytes)) => return Poll::Ready(Some(Ok(Frame::data(bytes)))),
                Some(Step::Pause(time)) => match self.pace.of(time) {
                    Duration::ZERO => {}
                    time => self.pause(time),
                },
                Some(Step::Stall) => self.fault = Some(Step::Stall),
                Some(fault) => {
                    self.fault = Some(fault);
                    self.due = Instant::now();
                    self.pause(FLUSH);
                }
                None => match &self.again {
                    Some(steps) => self.steps = steps.iter().cloned().collect(),
                    None => return Poll::Ready(None),
                },
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.steps.is_empty() && self.again.is_none() && self.fault.is_none()
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    /// Timers have whole milliseconds, but what is rounded does not add up.
    #[tokio::test(start_paused = true)]
    async fn pauses_count_from_when_the_one_before_was_due() {
        let step = [
            Step::Pause(Duration::from_micros(1_400)),
            Step::Send("x".into()),
        ];
        let steps: Vec<_> = step.into_iter().cycle().take(20).collect();
        let started = Instant::now();
        let body = MockBody::new(&steps, None, Pace::Times(1.0), Arc::default());
        assert_eq!(body.collect().await.unwrap().to_bytes().len(), 10);
        let took = started.elapsed().as_millis();
        assert!((14..=15).contains(&took), "{took} ms");
    }
}

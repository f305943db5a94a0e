//! The timer of a stream.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;
use tokio::{
    runtime::Handle,
    time::{Instant, Sleep, sleep_until},
};

pin_project! {
    /// One timer for all that a stream waits for, armed only when it has to be.
    ///
    /// A deadline that moves away, as heartbeats do with every event, costs nothing: the timer
    /// rings at the old time and is set anew then.
    #[project = Timer]
    pub(crate) enum Alarm {
        // Whether it was told that it can't be armed.
        Unarmed { is_told: bool },
        Armed { #[pin] timer: Sleep },
    }
}

impl Alarm {
    pub(crate) const fn new() -> Self {
        Self::Unarmed { is_told: false }
    }

    /// When it rings, if it is armed.
    pub(crate) fn rings_at(&self) -> Option<Instant> {
        match self {
            Self::Unarmed { .. } => None,
            Self::Armed { timer } => Some(timer.deadline()),
        }
    }

    /// Ready when the time has come.
    pub(crate) fn poll_until(
        mut self: Pin<&mut Self>,
        due: Instant,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        loop {
            match self.as_mut().project() {
                // It rings early enough: no need to look at the clock before that.
                Timer::Armed { mut timer } if timer.deadline() <= due => {
                    ready!(timer.as_mut().poll(cx));
                    if due <= Instant::now() {
                        return Poll::Ready(());
                    }
                    timer.reset(due);
                }
                _ if due <= Instant::now() => return Poll::Ready(()),
                Timer::Armed { timer } => timer.reset(due),
                Timer::Unarmed { is_told } => {
                    // Outside of tokio there are no timers, and asking for one panics.
                    if Handle::try_current().is_err() {
                        if !std::mem::replace(is_told, true) {
                            tracing::warn!(
                                "no tokio runtime: an event stream goes without heartbeats"
                            );
                        }
                        return Poll::Pending;
                    }
                    let timer = sleep_until(due);
                    self.set(Self::Armed { timer });
                }
            }
        }
    }
}

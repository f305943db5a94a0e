//! The timer of a stream.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
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
    pub(crate) struct Alarm {
        #[pin]
        timer: Option<Sleep>,
        is_out_of_order: bool,
    }
}

impl Alarm {
    pub(crate) const fn new() -> Self {
        Self {
            timer: None,
            is_out_of_order: false,
        }
    }

    /// Ready when the time has come, and whenever the clock says that it already had.
    pub(crate) fn poll_until(
        mut self: Pin<&mut Self>,
        due: Instant,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        if due <= Instant::now() {
            return Poll::Ready(());
        }
        let this = self.as_mut().project();
        let mut timer = this.timer;
        match timer.as_mut().as_pin_mut() {
            Some(armed) if armed.deadline() > due => armed.reset(due),
            Some(_) => {}
            None => {
                // Outside of tokio there are no timers, and asking for one panics.
                if Handle::try_current().is_err() {
                    if !std::mem::replace(this.is_out_of_order, true) {
                        tracing::warn!("no tokio runtime: an event stream goes without heartbeats");
                    }
                    return Poll::Pending;
                }
                timer.set(Some(sleep_until(due)));
            }
        }
        while let Some(mut armed) = timer.as_mut().as_pin_mut() {
            match armed.as_mut().poll(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(()) if due <= Instant::now() => return Poll::Ready(()),
                Poll::Ready(()) => armed.reset(due),
            }
        }
        Poll::Pending
    }
}

//! Gives back the memory of histories that nobody publishes to any more.

use std::{
    sync::{Arc, Weak, atomic::Ordering},
    time::Duration,
};

use tokio::{runtime::Handle, time::sleep};

use super::{keys, shared::Shared};

/// How long what is old may stay at most.
const AT_MOST: Duration = Duration::from_secs(15);

/// A task more often than this would be busy with nothing else.
const AT_LEAST: Duration = Duration::from_millis(10);

/// Sweeps the hub from now on, for as long as it keeps anything. Outside of tokio nothing is swept
/// but what is published to or read, and all of it where there is no room.
pub(super) fn begin(shared: &Arc<Shared>) {
    // Most who come here find it at work; reading that disturbs nobody.
    if shared.is_swept.load(Ordering::SeqCst) || shared.is_swept.swap(true, Ordering::SeqCst) {
        return;
    }
    let task = Sweep {
        shared: Arc::downgrade(shared),
        asks_for_timer: false,
    };
    // A runtime that is shutting down drops the task, which lets another one begin.
    if let Ok(runtime) = Handle::try_current() {
        runtime.spawn(task.run());
    }
}

struct Sweep {
    shared: Weak<Shared>,
    /// Only while it is made: where there are no timers, that panics.
    asks_for_timer: bool,
}

impl Sweep {
    async fn run(mut self) {
        while let Some(pause) = self.shared.upgrade().map(|shared| pause(&shared)) {
            self.asks_for_timer = true;
            let timer = sleep(pause);
            self.asks_for_timer = false;
            timer.await;
            let Some(shared) = self.shared.upgrade() else {
                return;
            };
            shared.sweep();
            if shared.ledger.bytes() == 0 {
                drop(self);
                // Whoever published meanwhile may have seen this task still at work.
                if shared.ledger.bytes() > 0 {
                    begin(&shared);
                }
                return;
            }
        }
    }
}

impl Drop for Sweep {
    fn drop(&mut self) {
        // On a runtime without timers the task panics: once, and not at each event.
        if self.asks_for_timer {
            return;
        }
        if let Some(shared) = self.shared.upgrade() {
            shared.is_swept.store(false, Ordering::SeqCst);
        }
    }
}

fn pause(shared: &Shared) -> Duration {
    let age = match shared.settings.history {
        // Only publish keys are kept.
        history if history.is_off() => keys::REMEMBERED,
        history => history.age,
    };
    (age / 4).clamp(AT_LEAST, AT_MOST)
}

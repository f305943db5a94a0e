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
/// but what is published to or read.
pub(super) fn begin(shared: &Arc<Shared>) {
    if shared.is_swept.swap(true, Ordering::SeqCst) {
        return;
    }
    let task = Sweep(Arc::downgrade(shared));
    // A runtime that is shutting down drops the task, which lets another one begin.
    if let Ok(runtime) = Handle::try_current() {
        runtime.spawn(task.run());
    }
}

struct Sweep(Weak<Shared>);

impl Sweep {
    async fn run(self) {
        while let Some(pause) = self.0.upgrade().map(|shared| pause(&shared)) {
            sleep(pause).await;
            let Some(shared) = self.0.upgrade() else {
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
        if std::thread::panicking() {
            return;
        }
        if let Some(shared) = self.0.upgrade() {
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

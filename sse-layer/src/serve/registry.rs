//! The open connections of a server, and what all of them share.

use std::{
    future::Future,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use slab::Slab;
use tokio::{sync::Notify, task::AbortHandle};

use super::settings::Settings;

/// What the tasks of a server's connections share.
pub(super) struct Shared {
    pub(super) settings: Settings,
    closing: OnceLock<()>,
    begins_closing: Notify,
    open: Mutex<Slab<Option<AbortHandle>>>,
    one_left: Notify,
}

impl Shared {
    pub(super) fn new(settings: Settings) -> Arc<Self> {
        Arc::new(Self {
            settings,
            closing: OnceLock::new(),
            begins_closing: Notify::new(),
            open: Mutex::default(),
            one_left: Notify::new(),
        })
    }

    /// From now on connections close when they have answered.
    pub(super) fn close(&self) {
        self.closing.get_or_init(|| ());
        self.begins_closing.notify_waiters();
    }

    pub(super) fn is_closing(&self) -> bool {
        self.closing.get().is_some()
    }

    /// Waits until connections are to close.
    pub(super) async fn closing(&self) {
        let begins = self.begins_closing.notified();
        if !self.is_closing() {
            begins.await;
        }
    }

    /// Runs a connection's future as a task that is counted.
    pub(super) fn spawn<F>(self: &Arc<Self>, connection: impl FnOnce(Ticket) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let key = self.open().insert(None);
        let ticket = Ticket {
            shared: Arc::clone(self),
            key,
        };
        let task = tokio::spawn(connection(ticket));
        // Only this puts connections in, one after the other: if the place is free, the task is
        // done already.
        if let Some(place) = self.open().get_mut(key) {
            *place = Some(task.abort_handle());
        }
    }

    /// Waits until there are fewer connections than so many.
    pub(super) async fn fewer_than(&self, most: usize) {
        loop {
            let mut left = pin!(self.one_left.notified());
            left.as_mut().enable();
            if self.open().len() < most {
                return;
            }
            left.await;
        }
    }

    /// Ends the tasks that are left, and answers how many those are.
    pub(super) fn abort_all(&self) -> usize {
        let open = self.open();
        for (_, task) in open.iter() {
            if let Some(task) = task {
                task.abort();
            }
        }
        open.len()
    }

    fn open(&self) -> MutexGuard<'_, Slab<Option<AbortHandle>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One open connection; dropped with its task.
pub(super) struct Ticket {
    shared: Arc<Shared>,
    key: usize,
}

impl Ticket {
    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        // The handle may be the last owner of the task's memory: let go of it without the lock.
        let task = self.shared.open().try_remove(self.key);
        drop(task);
        self.shared.one_left.notify_waiters();
    }
}

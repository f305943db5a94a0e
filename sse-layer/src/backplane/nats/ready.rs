//! Which of many streams have something, so that only those are looked at.

use std::{
    mem,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Wake, Waker},
};

/// The keys of streams that have something, or may have.
#[derive(Default)]
pub(super) struct Ready {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    keys: Vec<usize>,
    task: Option<Waker>,
}

/// Wakes one stream.
pub(super) struct Flag {
    key: usize,
    is_queued: AtomicBool,
    ready: Arc<Ready>,
}

impl Ready {
    /// Has this task woken when there is a key.
    pub(super) fn register(&self, cx: &Context<'_>) {
        let mut inner = self.lock();
        match &mut inner.task {
            Some(task) => task.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
    }

    /// Moves all keys that are there into this empty list.
    pub(super) fn take(&self, keys: &mut Vec<usize>) {
        mem::swap(&mut self.lock().keys, keys);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Flag {
    pub(super) fn new(key: usize, ready: &Arc<Ready>) -> Arc<Self> {
        Arc::new(Self {
            key,
            is_queued: AtomicBool::new(false),
            ready: Arc::clone(ready),
        })
    }

    /// The stream is looked at now: what comes from now on wakes it again.
    pub(super) fn lower(&self) {
        self.is_queued.store(false, Ordering::SeqCst);
    }
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.is_queued.swap(true, Ordering::SeqCst) {
            return;
        }
        let task = {
            let mut inner = self.ready.lock();
            inner.keys.push(self.key);
            inner.task.take()
        };
        if let Some(task) = task {
            task.wake();
        }
    }
}

//! What several wait for, and all get.

use std::{
    sync::{Arc, OnceLock},
    task::{Context, Poll},
};

use super::waiting::{Place, Waiting};

/// A value that is not there yet.
pub(super) struct Answer<T> {
    value: OnceLock<T>,
    waiting: Waiting,
}

/// One who waits for it.
pub(super) struct Awaited<T> {
    answer: Arc<Answer<T>>,
    place: Option<Place>,
}

impl<T> Answer<T> {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            value: OnceLock::new(),
            waiting: Waiting::new(0),
        })
    }

    pub(super) fn set(&self, value: T) {
        // The first counts; there is no second.
        let _ = self.value.set(value);
        self.waiting.came(1).wake();
    }

    pub(super) fn get(&self) -> Option<&T> {
        self.value.get()
    }
}

impl<T> Awaited<T> {
    pub(super) fn new(answer: Arc<Answer<T>>) -> Self {
        Self {
            answer,
            place: None,
        }
    }

    pub(super) fn poll(&mut self, cx: &Context<'_>) -> Poll<&T> {
        if self.answer.get().is_none() {
            self.answer.waiting.wait(&mut self.place, cx.waker());
        }
        // Also if it came while the waker was put in its place.
        self.answer.get().map_or(Poll::Pending, Poll::Ready)
    }
}

impl<T> Drop for Awaited<T> {
    fn drop(&mut self) {
        if let Some(place) = self.place.take() {
            self.answer.waiting.leave(place);
        }
    }
}

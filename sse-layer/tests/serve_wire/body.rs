//! A body that does as it is told.

use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame};
use tokio::sync::mpsc;

pub(crate) enum Step {
    Data(Bytes),
    Trailers,
    /// Pending once.
    Later,
    /// Pending from here on.
    Never,
    Fail,
    Panic,
}

impl Step {
    pub(crate) fn text(text: &str) -> Self {
        Self::Data(Bytes::copy_from_slice(text.as_bytes()))
    }
}

/// What has become of the bodies that share it.
#[derive(Clone, Default)]
pub(crate) struct Seen(Arc<Counts>);

#[derive(Default)]
struct Counts {
    polls: AtomicUsize,
    drops: AtomicUsize,
}

impl Seen {
    pub(crate) fn polls(&self) -> usize {
        self.0.polls.load(Relaxed)
    }

    pub(crate) fn drops(&self) -> usize {
        self.0.drops.load(Relaxed)
    }
}

pub(crate) struct Script {
    steps: VecDeque<Step>,
    more: Option<mpsc::UnboundedReceiver<Step>>,
    seen: Seen,
}

impl Script {
    pub(crate) fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        Self {
            steps: steps.into_iter().collect(),
            more: None,
            seen: Seen::default(),
        }
    }

    /// One whose steps come as they are sent.
    pub(crate) fn fed(more: mpsc::UnboundedReceiver<Step>) -> Self {
        let mut script = Self::new([]);
        script.more = Some(more);
        script
    }

    pub(crate) fn seen_by(mut self, seen: &Seen) -> Self {
        self.seen = seen.clone();
        self
    }

    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<Option<Step>> {
        match (self.steps.front(), &mut self.more) {
            (Some(Step::Never), _) => Poll::Pending,
            (Some(Step::Later), _) => {
                self.steps.pop_front();
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            (None, Some(more)) => more.poll_recv(cx),
            _ => Poll::Ready(self.steps.pop_front()),
        }
    }
}

impl Body for Script {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        self.seen.0.polls.fetch_add(1, Relaxed);
        self.poll_step(cx).map(|step| match step? {
            Step::Data(data) => Some(Ok(Frame::data(data))),
            Step::Trailers => {
                let trailers = HeaderMap::from_iter([(
                    http::header::ETAG,
                    http::HeaderValue::from_static("unasked"),
                )]);
                Some(Ok(Frame::trailers(trailers)))
            }
            Step::Fail => Some(Err(io::Error::other("it failed"))),
            Step::Panic => panic!("the test's body panics, as it is told to"),
            Step::Later | Step::Never => unreachable!("neither is ready"),
        })
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        self.seen.0.drops.fetch_add(1, Relaxed);
    }
}

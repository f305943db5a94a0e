use std::{
    fmt,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll},
};

use futures_core::Stream;
use pin_project_lite::pin_project;

use crate::event::Event;

pin_project! {
    /// A stream of plain values as a stream of events with data `D`.
    #[derive(Clone)]
    pub struct Typed<S, D> {
        #[pin]
        values: S,
        data: PhantomData<fn() -> D>,
    }
}

impl<S, D> Typed<S, D> {
    pub(crate) const fn new(values: S) -> Self {
        Self {
            values,
            data: PhantomData,
        }
    }
}

impl<S, D> Stream for Typed<S, D>
where
    S: Stream,
    D: From<S::Item>,
{
    type Item = Event<D>;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.project()
            .values
            .poll_next(cx)
            .map(|value| Some(Event::new(value?.into())))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.values.size_hint()
    }
}

impl<S, D> fmt::Debug for Typed<S, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Typed").finish_non_exhaustive()
    }
}

pin_project! {
    /// A stream of values or errors as a stream of events with data `D`, or errors.
    #[derive(Clone)]
    pub struct TryTyped<S, D> {
        #[pin]
        values: S,
        data: PhantomData<fn() -> D>,
    }
}

impl<S, D> TryTyped<S, D> {
    pub(crate) const fn new(values: S) -> Self {
        Self {
            values,
            data: PhantomData,
        }
    }
}

impl<S, D, T, E> Stream for TryTyped<S, D>
where
    S: Stream<Item = Result<T, E>>,
    D: From<T>,
{
    type Item = Result<Event<D>, E>;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.project()
            .values
            .poll_next(cx)
            .map(|value| Some(value?.map(|value| Event::new(value.into()))))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.values.size_hint()
    }
}

impl<S, D> fmt::Debug for TryTyped<S, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TryTyped").finish_non_exhaustive()
    }
}

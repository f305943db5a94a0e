//! What all connections that are hyper's have in common.

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    task::Poll,
};

use super::registry::Shared;

/// Polls a connection to its end, or until something is taken from it. When connections are to
/// close, it is told to, and closes when it has answered.
pub(super) async fn drive<C, T>(
    mut connection: Pin<&mut C>,
    close: impl Fn(Pin<&mut C>),
    shared: &Shared,
    take: impl Fn() -> Option<T>,
) -> Option<T>
where
    C: Future<Output = hyper::Result<()>>,
{
    let mut closing = pin!(shared.closing());
    let mut is_closing = false;
    poll_fn(|cx| {
        loop {
            if let Poll::Ready(done) = connection.as_mut().poll(cx) {
                if let Err(error) = done {
                    tracing::debug!(%error, "a connection broke off");
                }
                return Poll::Ready(None);
            }
            if let Some(taken) = take() {
                return Poll::Ready(Some(taken));
            }
            // Only now: a connection of which hyper has read nothing yet is closed at once, and
            // here its first request has come already.
            if is_closing || closing.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            is_closing = true;
            close(connection.as_mut());
        }
    })
    .await
}

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};

use http_body::Body;

/// Polls a body to its end, as a server does, but without waiting to be woken.
///
/// Each chunk is handed to `take` and dropped.
///
/// # Panics
///
/// If the body fails, or is of anything but data.
#[inline]
pub fn drain_body<B>(body: B, mut take: impl FnMut(&B::Data))
where
    B: Body,
{
    let mut body = pin!(body);
    let mut cx = Context::from_waker(Waker::noop());
    loop {
        match body.as_mut().poll_frame(&mut cx) {
            Poll::Pending => {}
            Poll::Ready(None) => return,
            Poll::Ready(Some(Ok(frame))) => match frame.data_ref() {
                Some(data) => take(data),
                None => panic!("a body of an event stream has no trailers"),
            },
            Poll::Ready(Some(Err(_))) => panic!("the body failed"),
        }
    }
}

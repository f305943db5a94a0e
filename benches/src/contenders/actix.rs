//! actix-web-lab's `sse`, through its `MessageBody`.

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};

use actix_web::body::MessageBody;
use actix_web_lab::sse::{Data, Event, Sse};

use crate::{
    EVENT_NAME, Pace, Paced, Payload,
    payload::{ID_TEXT, lines, quote, text},
};

/// Without keep-alive. Text is `'static`, which it takes without a copy.
///
/// # Panics
///
/// If the body fails, or a quote is not JSON.
pub fn sse(payload: Payload, count: usize, pace: Pace, take: &mut dyn FnMut(&[u8])) {
    let event = move || {
        Event::Data(match payload {
            Payload::Text => Data::new(text()),
            Payload::NamedText => Data::new(text()).id(ID_TEXT).event(EVENT_NAME),
            Payload::Json => Data::new_json(quote()).expect("JSON"),
            Payload::Lines => Data::new(lines()),
        })
    };
    let mut body = pin!(Sse::from_infallible_stream(Paced::new(count, pace, event)));
    let mut cx = Context::from_waker(Waker::noop());
    loop {
        match body.as_mut().poll_next(&mut cx) {
            Poll::Pending => {}
            Poll::Ready(None) => return,
            Poll::Ready(Some(Ok(data))) => take(&data),
            Poll::Ready(Some(Err(error))) => panic!("the body failed: {error}"),
        }
    }
}

//! axum's own `axum::response::sse`.

use std::convert::Infallible;

use axum::response::{
    IntoResponse, Sse,
    sse::{Event, KeepAlive},
};

use crate::{
    EVENT_NAME, Pace, Paced, Payload, drain_body,
    payload::{ID_TEXT, lines, quote, text},
};

/// The bare stream: a silent one is not kept alive.
///
/// # Panics
///
/// If the body fails, or a quote is not JSON.
pub fn without_keep_alive(payload: Payload, count: usize, pace: Pace, take: &mut dyn FnMut(&[u8])) {
    let sse = Sse::new(Paced::new(count, pace, event(payload)));
    drain_body(sse.into_response().into_body(), |data| take(data));
}

/// With `KeepAlive::default()`, which is what sse-layer does unasked. Needs a tokio runtime.
///
/// # Panics
///
/// If the body fails, or a quote is not JSON.
pub fn with_keep_alive(payload: Payload, count: usize, pace: Pace, take: &mut dyn FnMut(&[u8])) {
    let sse = Sse::new(Paced::new(count, pace, event(payload))).keep_alive(KeepAlive::default());
    drain_body(sse.into_response().into_body(), |data| take(data));
}

fn event(payload: Payload) -> impl FnMut() -> Result<Event, Infallible> + Send + Unpin + 'static {
    move || {
        Ok(match payload {
            Payload::Text => Event::default().data(text()),
            Payload::NamedText => Event::default().event(EVENT_NAME).id(ID_TEXT).data(text()),
            Payload::Json => Event::default().json_data(quote()).expect("JSON"),
            Payload::Lines => Event::default().data(lines()),
        })
    }
}

//! sse-stream's `SseBody`.

use std::convert::Infallible;

use sse_stream::{Sse, SseBody};

use crate::{
    EVENT_NAME, Pace, Paced, Payload, drain_body,
    payload::{ID_TEXT, lines, quote, text},
};

/// Without keep-alive. It has no JSON of its own: the value is written into the `String` that it
/// takes.
///
/// # Panics
///
/// If the body fails, or a quote is not JSON.
pub fn sse(payload: Payload, count: usize, pace: Pace, take: &mut dyn FnMut(&[u8])) {
    let event = move || {
        Ok::<_, Infallible>(match payload {
            Payload::Text => Sse::default().data(text()),
            Payload::NamedText => Sse::default().event(EVENT_NAME).id(ID_TEXT).data(text()),
            Payload::Json => Sse::default().data(serde_json::to_string(&quote()).expect("JSON")),
            Payload::Lines => Sse::default().data(lines()),
        })
    };
    drain_body(SseBody::new(Paced::new(count, pace, event)), |data| {
        take(data);
    });
}

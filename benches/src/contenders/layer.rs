//! sse-layer: a service behind `SseLayer` with its defaults, a heartbeat after 15 s among them.

use std::convert::Infallible;

use sse_layer::{Event, EventName, EventStream};

use crate::{
    EVENT_NAME, ID, Pace, Paced, Payload, body_of, drain_body,
    payload::{ID_TEXT, lines, quote, text},
};

/// `Event::text`, `Event::json`, `with_id`, `with_event`: data that is moved or borrowed, and
/// encoded into the response.
///
/// # Panics
///
/// If the body fails.
pub fn typed(payload: Payload, count: usize, pace: Pace, take: &mut dyn FnMut(&[u8])) {
    match payload {
        Payload::Text => send(Paced::new(count, pace, || Event::text(text())), take),
        Payload::NamedText => {
            let name = EventName::from_static(EVENT_NAME).expect("a name without line breaks");
            let event = move || Event::text(text()).with_id(ID).with_event(name.clone());
            send(Paced::new(count, pace, event), take);
        }
        Payload::Json => send(Paced::new(count, pace, || Event::json(quote())), take),
        Payload::Lines => send(Paced::new(count, pace, || Event::text(lines())), take),
    }
}

/// `Event::default().event(..).id(..).data(..)` and `json_data`, in `Result`s, as a program does
/// that was written for axum.
///
/// # Panics
///
/// If the body fails, or a quote is not JSON.
pub fn axum_named(payload: Payload, count: usize, pace: Pace, take: &mut dyn FnMut(&[u8])) {
    let event = move || match payload {
        Payload::Text => Event::default().data(text()),
        Payload::NamedText => Event::default().event(EVENT_NAME).id(ID_TEXT).data(text()),
        Payload::Json => Event::default().json_data(quote()).expect("JSON"),
        Payload::Lines => Event::default().data(lines()),
    };
    send(
        Paced::new(count, pace, move || Ok::<_, Infallible>(event())),
        take,
    );
}

fn send<S>(stream: S, take: &mut dyn FnMut(&[u8]))
where
    S: EventStream,
{
    drain_body(body_of(stream), |data| take(data));
}

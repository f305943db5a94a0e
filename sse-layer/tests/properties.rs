//! Whatever text goes in, an independent parser sees exactly that back, or the builder refused.

#![allow(clippy::unwrap_used, reason = "a test fails where it panics")]

use std::{convert::Infallible, time::Duration};

use futures_util::stream;
use proptest::prelude::*;
use sse_layer::{Event, EventId, EventName, Frame, Sse};
use sse_testkit::{
    Event as Received,
    parser::{Item, parse},
};

/// Text with what is dangerous in an event stream more often than chance would have it.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("\r".to_owned()),
        Just("\n".to_owned()),
        Just("\r\n".to_owned()),
        Just("\0".to_owned()),
        Just("\u{feff}".to_owned()),
        Just("\u{2028}".to_owned()),
        Just(" ".to_owned()),
        Just(":".to_owned()),
        Just("data: x\n\n".to_owned()),
        Just("id: 1\r".to_owned()),
        Just("event: e\r\n".to_owned()),
        "\\PC{0,8}",
        any::<String>(),
    ];
    prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

/// Every kind of line break as the parser gives it back.
fn with_lf(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

fn events(bytes: &[u8]) -> Vec<Received> {
    let items = parse(bytes)
        .expect("within the parser's limits")
        .into_iter();
    items
        .filter_map(|item| match item {
            Item::Event(event) => Some(event),
            _ => None,
        })
        .collect()
}

/// The one event of a frame, which has no other lines than those `fields`.
fn only_event(frame: &Frame, fields: &[&str]) -> Received {
    let mut events = events(frame.as_bytes());
    assert_eq!(events.len(), 1, "{events:?}");
    let event = events.remove(0);
    let mut names: Vec<_> = event.fields.iter().map(|field| &*field.name).collect();
    names.dedup();
    assert_eq!(names, fields);
    event
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn data_and_comments_come_back_line_by_line(data in text(), comment in text()) {
        let frame = Event::default().comment(&comment).data(&data).to_frame().unwrap();
        let event = only_event(&frame, &["data"]);
        prop_assert_eq!(&event.data, &with_lf(&data));
        prop_assert_eq!(event.comments.join("\n"), with_lf(&comment));
        prop_assert_eq!(&event.event, "message");
        prop_assert_eq!(&event.id, &None);
    }

    #[test]
    fn an_id_and_a_name_come_back_or_are_refused(id in text(), name in text(), retry: u32) {
        let event = Event::text("data")
            .id(&id)
            .event(&name)
            .retry(Duration::from_millis(retry.into()));
        let valid = !id.contains(['\r', '\n', '\0']) && !name.contains(['\r', '\n']);
        prop_assert_eq!(EventId::new(&id).is_ok(), !id.contains(['\r', '\n', '\0']));
        prop_assert_eq!(EventName::new(&name).is_ok(), !name.contains(['\r', '\n']));
        prop_assert_eq!(Event::text("").try_id(&id).is_ok(), EventId::new(&id).is_ok());
        prop_assert_eq!(Event::text("").try_event(&name).is_ok(), EventName::new(&name).is_ok());
        match event.to_frame() {
            Err(_) => prop_assert!(!valid),
            Ok(frame) => {
                prop_assert!(valid);
                let named: &[_] = &["id", "event", "retry", "data"];
                let unnamed: &[_] = &["id", "retry", "data"];
                let event = only_event(&frame, if name.is_empty() { unnamed } else { named });
                prop_assert_eq!(&event.id, &Some(id));
                let shown = if name.is_empty() { "message" } else { &*name };
                prop_assert_eq!(&event.event, shown);
                prop_assert_eq!(event.retry, Some(Duration::from_millis(retry.into())));
                prop_assert_eq!(&event.data, "data");
            }
        }
    }

    #[test]
    fn json_and_tags_come_back(value: Option<(String, u64, bool)>, text in text()) {
        let frame = Event::json((&value, &text)).to_frame().unwrap();
        let event = only_event(&frame, &["data"]);
        prop_assert!(!event.data.contains('\n'));
        let back: (Option<(String, u64, bool)>, String) = serde_json::from_str(&event.data)?;
        prop_assert_eq!(back, (value, text));
    }

    #[test]
    fn a_whole_body_gives_back_the_whole_stream(texts in prop::collection::vec(text(), 0..20)) {
        use std::{pin::pin, task::{Context, Poll, Waker}};
        use http_body::Body;

        let stream = stream::iter(texts.iter().map(|text| Ok::<_, Infallible>(Event::new(text))));
        let mut body = pin!(Sse::new(stream).into_http_response().into_body());
        let mut bytes = Vec::new();
        let mut cx = Context::from_waker(Waker::noop());
        while let Poll::Ready(Some(frame)) = body.as_mut().poll_frame(&mut cx) {
            bytes.extend_from_slice(frame?.data_ref().unwrap());
        }
        let seen: Vec<_> = events(&bytes).into_iter().map(|event| event.data).collect();
        let sent: Vec<_> = texts.iter().map(|text| with_lf(text)).collect();
        prop_assert_eq!(seen, sent);
    }
}

//! A comparison is fair only among those that send the same.

use sse_benches::{Pace, Payload, contenders};
use sse_testkit::parser::{self, Item};

type Told = (Option<String>, String, String);

fn events(send: contenders::Send, payload: Payload, pace: Pace) -> Vec<Told> {
    let mut bytes = Vec::new();
    send(payload, 3, pace, &mut |chunk| {
        bytes.extend_from_slice(chunk);
    });
    let items = parser::parse(&bytes).expect("an event stream");
    items
        .into_iter()
        .filter_map(|item| match item {
            Item::Event(event) => Some((event.id, event.event, event.data)),
            _ => None,
        })
        .collect()
}

#[tokio::test]
async fn all_contenders_send_the_same_events() {
    for payload in Payload::ALL {
        for pace in [Pace::Ready, Pace::OneByOne] {
            let [(_, ours), others @ ..] = contenders::ALL;
            let expected = events(ours, payload, pace);
            assert_eq!(expected.len(), 3);
            for (name, other) in others {
                assert_eq!(
                    events(other, payload, pace),
                    expected,
                    "{name}, {}",
                    payload.name()
                );
            }
        }
    }
}

//! The reconnection time.

use std::sync::Arc;
use std::time::Duration;

use crate::contract::check::{Check, Needs, Verdict};
use crate::contract::context::Context;
use crate::parser::Item;

pub(super) const CHECK: Check = Check {
    id: "retry",
    title: "The stream tells how long a client waits before it reconnects",
    why: "Otherwise each browser takes its own few seconds, and after a restart all come back at \
          the same moment.",
    source: "https://html.spec.whatwg.org/multipage/server-sent-events.html#concept-event-stream-reconnection-time",
    needs: Needs::Readable,
    alone: false,
    run: |context| Box::pin(run(context)),
};

/// A client that comes back sooner is a load by itself.
const SHORTEST: Duration = Duration::from_millis(100);

async fn run(context: Arc<Context>) -> Verdict {
    let observation = match context.observation().await {
        Ok(observation) => observation,
        Err(verdict) => return verdict,
    };
    let expected = context.expectations.retry;
    let items = || observation.seen.items.iter().map(|(_, item)| item);
    let invalid = items().find_map(|item| match item {
        Item::Field(field) if field.name == "retry" => {
            let digits = field.value.bytes().all(|it| it.is_ascii_digit());
            (field.value.is_empty() || !digits).then_some(&field.value)
        }
        _ => None,
    });
    if let Some(value) = invalid {
        let evidence = format!("retry: {value:?} is no number of milliseconds, and is ignored");
        let hint = "Send digits only: `retry: 3000`.";
        return Verdict::short_of(expected.is_some(), evidence, hint);
    }
    let told = items().find_map(|item| match item {
        Item::Retry(time) => Some(*time),
        _ => None,
    });
    let hint = "Begin the stream with a line `retry: 3000`.";
    match (told, expected) {
        (Some(told), Some(expected)) if told != expected => {
            Verdict::fail(format!("retry is {told:?}, not {expected:?}"), hint)
        }
        (Some(told), None) if told < SHORTEST => {
            Verdict::warn(format!("retry is {told:?}"), "A second or more is kinder.")
        }
        (Some(told), _) => Verdict::pass(format!("{told:?}")),
        (None, _) => Verdict::short_of(
            expected.is_some(),
            format!("none in {:.1?}", observation.lasted),
            hint,
        ),
    }
}

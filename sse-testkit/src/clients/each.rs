//! The same expectation of each client.

use std::any::Any;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::failure::said;
use crate::recorder::Spot;

/// Runs them all to their end, at the same time, and fails if one of them has.
pub(super) async fn run<F: Future>(
    spot: Spot,
    futures: impl IntoIterator<Item = F>,
) -> Vec<F::Output> {
    let mut clients: Vec<_> = futures.into_iter().map(Client::new).collect();
    poll_fn(|cx| {
        let mut all = Poll::Ready(());
        for client in &mut clients {
            if client.poll(cx).is_pending() {
                all = Poll::Pending;
            }
        }
        all
    })
    .await;

    let count = clients.len();
    let mut values = Vec::new();
    let mut failures = Vec::new();
    for client in clients {
        let State::Done(outcome) = client.0 else {
            continue;
        };
        match outcome {
            Ok(value) => {
                values.push(value);
                failures.push(None);
            }
            Err(panic) => failures.push(Some(said(&*panic))),
        }
    }
    if values.len() < count {
        panic!("{}", report(spot, &failures));
    }
    values
}

struct Client<F: Future>(State<F>);

enum State<F: Future> {
    Waits(Pin<Box<F>>),
    Done(Result<F::Output, Box<dyn Any + Send>>),
}

impl<F: Future> Client<F> {
    fn new(future: F) -> Self {
        Self(State::Waits(Box::pin(future)))
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let State::Waits(future) = &mut self.0 {
            // A future that has panicked is not polled again.
            let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx)));
            let outcome = match polled {
                Ok(Poll::Pending) => return Poll::Pending,
                Ok(Poll::Ready(value)) => Ok(value),
                Err(panic) => Err(panic),
            };
            self.0 = State::Done(outcome);
        }
        Poll::Ready(())
    }
}

fn report(spot: Spot, failures: &[Option<String>]) -> String {
    let failed = failures.iter().flatten().count();
    let all = failures.len();
    let here = format!("{spot}: ");
    let mut text = format!("{here}{failed} of {all} clients did not see what was expected\n");
    let numbered = failures.iter().enumerate();
    let fine: Vec<_> = numbered
        .filter(|(_, failure)| failure.is_none())
        .map(|(index, _)| (index + 1).to_string())
        .collect();
    if !fine.is_empty() {
        let plural = if fine.len() == 1 { "" } else { "s" };
        text.push_str(&format!(
            "as expected: client{plural} {}\n",
            fine.join(", ")
        ));
    }
    for (index, failure) in failures.iter().enumerate() {
        if let Some(failure) = failure {
            // The line of the test stands at the top, unless it is another one.
            let failure = failure.strip_prefix(&here).unwrap_or(failure);
            text.push_str(&format!("\nclient {}: {failure}\n", index + 1));
        }
    }
    text
}

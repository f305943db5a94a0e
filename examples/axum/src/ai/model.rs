use std::time::Duration;

use futures_util::stream::{self, Stream, StreamExt as _};
use tokio::time::sleep;

/// The longest prompt, in bytes.
pub(crate) const MAX_PROMPT_LEN: usize = 4000;

/// How much of the prompt is repeated in the answer, in characters.
const QUOTED: usize = 80;

const ANSWERS: [&str; 4] = [
    "An event stream is one HTTP response that does not end: the server writes a few lines \
     whenever something happens, and the browser turns them into events.",
    "Start with a plain response of type text/event-stream. When the connection breaks, the \
     browser opens it again by itself and sends the id of the last event it got.",
    "Most of the work is in what happens when nothing happens: heartbeats keep proxies from \
     closing a quiet stream, and a limit keeps quiet streams from piling up.",
    "One connection is enough for a whole page. Give each event a name, and let each part of the \
     page listen for its own.",
];

/// The answer to a prompt, always the same for the same prompt.
pub(crate) fn answer(prompt: &str) -> Vec<String> {
    let prompt = prompt.trim();
    let quoted: String = prompt.chars().take(QUOTED).collect();
    let pick = prompt.bytes().map(usize::from).sum::<usize>() % ANSWERS.len();
    let text = format!("You asked: \u{201c}{quoted}\u{201d}. {}", ANSWERS[pick]);
    tokens(&text)
}

/// Takes a text apart in such a way that it can be put together again.
pub(crate) fn tokens(text: &str) -> Vec<String> {
    text.split_inclusive(' ').map(str::to_owned).collect()
}

/// Tokens as they would come from a model: one after the other, at a steady pace.
pub(crate) fn speak(tokens: Vec<String>, pace: Duration) -> impl Stream<Item = String> {
    stream::iter(tokens).then(move |token| async move {
        sleep(pace).await;
        token
    })
}

use std::{
    hash::{BuildHasher as _, RandomState},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use futures_util::stream::{self, Stream, StreamExt as _};
use serde::Serialize;
use sse_layer::{
    Event, EventId, Frame, Json, LastEventId,
    hub::{Hub, Message, PublishError, TopicError},
};
use tokio::{sync::Mutex, time::sleep};

use super::model::{answer, speak};
use crate::register::{Ends, Full, Register};

/// How many answers are known. The oldest of those that are done is forgotten first.
const MAX_ANSWERS: usize = 1000;

/// How long a token waits that the hub has no room for.
const UNTIL_THERE_IS_ROOM: Duration = Duration::from_secs(1);

const DONE: &str = "done";

/// The answers; clones are handles on the same ones.
#[derive(Clone)]
pub(super) struct Answers {
    hub: Hub,
    /// The time from one token to the next.
    pace: Duration,
    names: Arc<Names>,
    book: Arc<Mutex<Book>>,
}

type Book = Register<String, Answer>;

struct Answer {
    prompt: String,
    /// The ids of its events, the one that names it first.
    events: Vec<EventId>,
    is_done: bool,
}

impl Ends for Answer {
    fn is_over(&self) -> bool {
        self.is_done
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Refused {
    Unknown,
    TooMany,
    Hub(PublishError),
}

impl Answers {
    pub(super) fn new(hub: Hub, pace: Duration) -> Self {
        Self {
            hub,
            pace,
            names: Arc::default(),
            book: Arc::new(Mutex::new(Register::new(MAX_ANSWERS))),
        }
    }

    /// Begins an answer, which goes on for as long as somebody holds the hub or one of its streams.
    /// Answers its id.
    pub(super) async fn begin(&self, prompt: String) -> Result<String, Refused> {
        let id = self.names.next();
        let mut book = self.book.lock().await;
        book.make_room()?;
        let named = self.hub.publish(&topic(&id), name(&id)).await?;
        let tokens = answer(&prompt);
        let answer = Answer {
            prompt,
            events: vec![named],
            is_done: false,
        };
        book.enter(id.clone(), answer);
        drop(book);
        self.speak(id.clone(), tokens);
        Ok(id)
    }

    /// The answer to a prompt of which this is an event.
    pub(super) async fn find(&self, prompt: &str, event: &LastEventId) -> Option<String> {
        let event = event.id()?;
        let book = self.book.lock().await;
        let mut of_prompt = book.iter().filter(|(_, answer)| answer.prompt == prompt);
        let found = of_prompt.find(|(_, answer)| answer.events.contains(event));
        found.map(|(id, _)| id.clone())
    }

    /// What is left to send of an answer. `None` if that is nothing.
    pub(super) async fn follow(
        &self,
        id: &str,
        last_event_id: &LastEventId,
    ) -> Result<Option<impl Stream<Item = Frame> + use<>>, Refused> {
        let named = match self.book.lock().await.get(id) {
            Some(answer) => answer.events.first().cloned(),
            None => None,
        };
        let named = named.ok_or(Refused::Unknown)?;
        let topic = topic(id);
        let tokens = self.hub.subscribe(&topic)?.end_after(is_last);
        let newest = self.hub.newest(&topic).await?;
        // Otherwise it is too long ago for the hub.
        let newest = newest.ok_or(Refused::Unknown)?;
        if is_last(&newest) && last_event_id.id() == Some(&newest.id()) {
            return Ok(None);
        }
        let (first, tokens) = if *last_event_id == LastEventId::default() {
            // From the beginning of the answer, or with a gap if that is not kept any more: the
            // newest of what is kept could begin in the middle of a sentence.
            let first = name(id).with_id(named.clone()).to_frame();
            (first.ok(), tokens.after(named))
        } else {
            (None, tokens.after(last_event_id))
        };
        Ok(Some(stream::iter(first).chain(tokens)))
    }

    fn speak(&self, id: String, tokens: Vec<String>) {
        let (pace, book) = (self.pace, Arc::clone(&self.book));
        let hub = self.hub.downgrade();
        tokio::spawn(async move {
            let tokens =
                speak(tokens, pace).map(|token| Token { token, done: false }.named("token"));
            let mut events = pin!(tokens.chain(stream::iter([Token::DONE.named(DONE)])));
            while let Some(event) = events.next().await {
                // An answer without one of its tokens would be another answer.
                loop {
                    let Some(hub) = hub.upgrade() else {
                        return;
                    };
                    match publish(&hub, &book, &id, event.clone()).await {
                        Ok(()) => break,
                        Err(error) => tracing::error!(%error, "a token has to wait"),
                    }
                    drop(hub);
                    sleep(UNTIL_THERE_IS_ROOM).await;
                }
            }
            if let Some(answer) = book.lock().await.get_mut(&id) {
                answer.is_done = true;
            }
        });
    }
}

async fn publish(
    hub: &Hub,
    book: &Mutex<Book>,
    id: &str,
    event: Event<Json<Token>>,
) -> Result<(), PublishError> {
    // Held, so that whoever has seen an event finds its answer.
    let mut book = book.lock().await;
    let event = hub.publish(&topic(id), event).await?;
    if let Some(answer) = book.get_mut(id) {
        answer.events.push(event);
    }
    Ok(())
}

impl From<Full> for Refused {
    fn from(_: Full) -> Self {
        Self::TooMany
    }
}

impl From<TopicError> for Refused {
    fn from(error: TopicError) -> Self {
        Self::Hub(error.into())
    }
}

impl From<PublishError> for Refused {
    fn from(error: PublishError) -> Self {
        Self::Hub(error)
    }
}

/// Makes ids that nobody can guess, since whoever knows an answer's id can read it.
#[derive(Default)]
struct Names {
    /// Of this process alone.
    key: RandomState,
    number: AtomicU64,
}

impl Names {
    fn next(&self) -> String {
        let number = self.number.fetch_add(1, Relaxed);
        format!("{:016x}", self.key.hash_one(number))
    }
}

/// The hub's topic of one answer.
fn topic(id: &str) -> String {
    format!("answers/{id}")
}

/// The event that an answer begins with. It tells under which id to read it again, and has itself
/// one to go on from, should the client be cut off before the first token.
fn name(id: &str) -> Event<Json<Name<'_>>> {
    Event::json(Name { id }).event("answer")
}

fn is_last(event: &Message) -> bool {
    event.event() == Some(DONE)
}

#[derive(Debug, Serialize)]
struct Name<'a> {
    id: &'a str,
}

#[derive(Clone, Debug, Serialize)]
struct Token {
    token: String,
    done: bool,
}

impl Token {
    /// What is sent behind the last one.
    const DONE: Self = Self {
        token: String::new(),
        done: true,
    };

    fn named(self, name: &str) -> Event<Json<Self>> {
        Event::json(self).event(name)
    }
}

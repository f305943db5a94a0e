use std::{
    hash::{BuildHasher as _, RandomState},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use serde::{Deserialize, Serialize};
use sse_layer::{
    Event, EventId, Json, LastEventId,
    hub::{Hub, Message, PublishError, Subscription, TopicError},
};
use tokio::{sync::Mutex, time::sleep};

use super::model::answer;
use crate::{
    kept::newest_of,
    register::{Ends, Full, Register},
};

/// How many answers a node knows. The oldest of those that are done is forgotten first.
const MAX_ANSWERS: usize = 1000;

/// Among how many answers to one prompt that of an event is looked for.
const MAX_TO_ONE_PROMPT: usize = 100;

/// How long a token waits that was not published.
const UNTIL_TRIED_AGAIN: Duration = Duration::from_secs(1);

/// How long the node that makes an answer may be silent, beside the time for a token, until another
/// one that has a reader of it goes on.
const SILENCE: Duration = Duration::from_secs(3);

const DONE: &str = "done";

/// The answers; clones are handles on the same ones.
///
/// An answer is what was published of it, which all nodes see. The node that it was asked for makes
/// it. Each other one that has a reader of it takes that over where nothing comes any more: this
/// made-up model says the same again, and a real one would be given what was said so far. The
/// publish key of a token is the event before it, so that there is one next token.
#[derive(Clone)]
pub(super) struct Answers {
    hub: Hub,
    /// The time from one token to the next.
    pace: Duration,
    names: Arc<Names>,
    book: Arc<Mutex<Book>>,
}

/// The answers that this node sees to, or did.
type Book = Register<String, Answer>;

struct Answer {
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
        // First of all, so that whoever has seen an event of the answer finds it again.
        let begun = Event::json(Begun {
            answer: id.clone(),
            prompt: prompt.clone(),
        });
        self.hub.publish(&topic_of_prompt(&prompt), begun).await?;
        let named = Event::json(Named {
            id: id.clone(),
            prompt: prompt.clone(),
        });
        let named = self.hub.publish(&topic(&id), named.event("answer")).await?;
        let progress = Progress {
            tokens: answer(&prompt),
            said: 0,
            last: named,
            is_done: false,
        };
        self.see_to(&mut book, id.clone(), progress, Turn::Ours);
        Ok(id)
    }

    /// The answer to a prompt of which this is an event.
    pub(super) async fn find(
        &self,
        prompt: &str,
        event: &LastEventId,
    ) -> Result<Option<String>, TopicError> {
        let Some(event) = event.id() else {
            return Ok(None);
        };
        let begun = newest_of(&self.hub, &topic_of_prompt(prompt), MAX_TO_ONE_PROMPT).await?;
        for begun in begun.iter().rev() {
            let Ok(begun) = begun.json::<Begun>() else {
                continue;
            };
            let events = newest_of(&self.hub, &topic(&begun.answer), usize::MAX).await?;
            if begun.prompt == prompt && events.iter().any(|it| it.id() == *event) {
                return Ok(Some(begun.answer));
            }
        }
        Ok(None)
    }

    /// What is left to send of an answer. `None` if that is nothing.
    pub(super) async fn follow(
        &self,
        id: &str,
        last_event_id: &LastEventId,
    ) -> Result<Option<Subscription>, Refused> {
        let topic = topic(id);
        let events = self.hub.subscribe(&topic)?.end_after(is_last);
        match self.hub.newest(&topic).await {
            Ok(Some(newest)) if is_last(&newest) => {
                if last_event_id.id() == Some(&newest.id()) {
                    return Ok(None);
                }
            }
            Ok(Some(_)) => self.stand_by(id).await?,
            // There was none, or it is too long ago for the hub.
            Ok(None) => return Err(Refused::Unknown),
            // The engine is not reached now, and will be later: the stream waits for it.
            Err(TopicError::Engine(_)) => {}
            Err(error) => return Err(error.into()),
        }
        // From the beginning of the answer, or with a gap if that is not kept any more: the newest
        // of what is kept could begin in the middle of a sentence.
        Ok(Some(events.from_the_first().after(last_event_id)))
    }

    /// Sees to an answer that another node makes.
    async fn stand_by(&self, id: &str) -> Result<(), Refused> {
        let mut book = self.book.lock().await;
        if book.get(id).is_some_and(|answer| !answer.is_done) || book.make_room().is_err() {
            return Ok(());
        }
        if let Some(progress) = Progress::of(&self.hub, id).await? {
            self.see_to(&mut book, id.to_owned(), progress, Turn::Theirs);
        }
        Ok(())
    }

    /// Has an answer come to its end.
    fn see_to(&self, book: &mut Book, id: String, mut progress: Progress, mut turn: Turn) {
        book.enter(id.clone(), Answer { is_done: false });
        let (pace, book) = (self.pace, Arc::clone(&self.book));
        let hub = self.hub.downgrade();
        tokio::spawn(async move {
            let mut wait = progress.pause(turn, pace);
            while !progress.is_done {
                sleep(wait).await;
                let Some(hub) = hub.upgrade() else {
                    return;
                };
                match progress.go_on(&hub, &id).await {
                    Ok(whose) => {
                        turn = whose;
                        wait = progress.pause(turn, pace);
                    }
                    // An answer without one of its tokens would be another answer.
                    Err(error) => {
                        tracing::error!(%error, "a token has to wait");
                        wait = UNTIL_TRIED_AGAIN;
                    }
                }
            }
            if let Some(answer) = book.lock().await.get_mut(&id) {
                answer.is_done = true;
            }
        });
    }
}

/// Whose turn it is to say the next token.
#[derive(Clone, Copy)]
enum Turn {
    Ours,
    Theirs,
}

/// How far an answer has come.
struct Progress {
    tokens: Vec<String>,
    said: usize,
    /// The event that was published last.
    last: EventId,
    is_done: bool,
}

impl Progress {
    /// What all nodes can see of it. `None` if its beginning is not kept any more.
    async fn of(hub: &Hub, id: &str) -> Result<Option<Self>, TopicError> {
        let events = newest_of(hub, &topic(id), usize::MAX).await?;
        let ([first, ..], [.., last]) = (&*events, &*events) else {
            return Ok(None);
        };
        let Ok(Named { prompt, .. }) = first.json() else {
            return Ok(None);
        };
        Ok(Some(Self {
            tokens: answer(&prompt),
            said: events.len() - 1,
            last: last.id(),
            is_done: is_last(last),
        }))
    }

    /// Publishes the next token, unless another node has meanwhile. Answers whose turn it is.
    async fn go_on(&mut self, hub: &Hub, id: &str) -> Result<Turn, PublishError> {
        let topic = topic(id);
        let newest = hub.newest(&topic).await?.map(|event| event.id());
        if newest.is_some_and(|newest| newest != self.last) {
            match Self::of(hub, id).await? {
                Some(progress) => *self = progress,
                None => self.is_done = true,
            }
            return Ok(Turn::Theirs);
        }
        let event = match self.tokens.get(self.said) {
            Some(token) => Token {
                token: token.clone(),
                done: false,
            }
            .named("token"),
            None => Token::DONE.named(DONE),
        };
        let key = format!("after {}", self.last);
        self.last = hub.publish(&topic, event).key(&key).await?;
        self.is_done = self.said == self.tokens.len();
        self.said += 1;
        Ok(Turn::Ours)
    }

    /// How long to wait for the next event: for another node longer, and not all for the same time.
    fn pause(&self, turn: Turn, pace: Duration) -> Duration {
        match turn {
            // Behind the last token there is nothing to wait for.
            Turn::Ours if self.said == self.tokens.len() => Duration::ZERO,
            Turn::Ours => pace,
            Turn::Theirs => pace + SILENCE + SILENCE.mul_f64(fastrand::f64()),
        }
    }
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

/// The hub's topic of all answers to a prompt. Two prompts may have one.
fn topic_of_prompt(prompt: &str) -> String {
    // FNV-1a: the same on every node, whatever it was built with.
    let hash = prompt
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    format!("prompts/{hash:016x}")
}

fn is_last(event: &Message) -> bool {
    event.event() == Some(DONE)
}

/// That an answer to a prompt was begun.
#[derive(Debug, Deserialize, Serialize)]
struct Begun {
    answer: String,
    prompt: String,
}

/// What an answer begins with. It tells under which id to read it again, and has itself one to go on
/// from, should the client be cut off before the first token.
#[derive(Debug, Deserialize, Serialize)]
struct Named {
    id: String,
    prompt: String,
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

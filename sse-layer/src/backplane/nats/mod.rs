#![doc = include_str!("wire.md")]

mod api;
mod cursor;
mod delivery;
mod link;
mod marker;
mod moment;
mod options;
mod pump;
mod read;
mod ready;
mod stream;
mod subject;

use std::{
    error::Error as StdError,
    fmt, io,
    path::PathBuf,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use async_nats::{ConnectErrorKind, HeaderMap, Subscriber, connection::State, rustls};
use bytes::Bytes;
use tokio::{
    sync::{
        Mutex as AsyncMutex,
        broadcast::{self, error::TryRecvError},
        mpsc, watch,
    },
    task::{self, JoinHandle},
};

pub use self::options::InvalidNats;
use self::{
    api::{Api, read_answer},
    link::{Alarm, Link},
    marker::Markers,
    options::{Options, Who},
    pump::{Command, Pump},
    read::Reading,
    stream::Facts,
    subject::{Subjects, message_id},
};
use super::{
    Backplane, BackplaneError, Bounds, BoxFuture, Failure, Inbox, Outgoing, Page, Place, ReadLimit,
};

/// NATS JetStream. The [module's page](self) tells how it is used.
pub struct Nats {
    options: Options,
    node: OnceLock<Node>,
}

/// What runs once it is open.
struct Node {
    shared: Arc<Shared>,
    tasks: [JoinHandle<()>; 2],
}

/// What all calls of a node use.
struct Shared {
    api: Api,
    subjects: Subjects,
    bounds: Bounds,
    replicas: usize,
    max_bytes: Option<u64>,
    markers: Markers,
    /// The epoch and the number up to which lost numbers were used up, one caller at a time.
    filled: AsyncMutex<(u64, u64)>,
    alarm: Arc<Alarm>,
    pump: mpsc::UnboundedSender<Command>,
    /// How often a topic was listened to.
    listened: AtomicU64,
    /// When the consumer that tells the order has told something.
    heard: Mutex<Instant>,
}

impl Nats {
    /// NATS at a URL, `nats://[user:password@|token@]host[:port][,host[:port]][?prefix=sse]`, or
    /// `tls://` where only TLS will do. Nothing is connected yet.
    ///
    /// # Errors
    ///
    /// That it is no such URL.
    pub fn new(url: &str) -> Result<Self, InvalidNats> {
        Ok(Self {
            options: Options::new(url)?,
            node: OnceLock::new(),
        })
    }

    /// What the stream and its subjects begin with, `sse` if nothing else is said: letters, digits,
    /// `-` and `_`. All nodes of the same hub have the same.
    ///
    /// # Errors
    ///
    /// That there is something else in it.
    pub fn prefix(mut self, prefix: &str) -> Result<Self, InvalidNats> {
        self.options.set_prefix(prefix)?;
        Ok(self)
    }

    /// How long the server may take to answer, 5 seconds if nothing else is said. A server that is
    /// silent for about as long is taken for gone.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.options.timeout = timeout;
        self
    }

    /// A file with the certificates (PEM) of whom to believe who the server is, in place of the
    /// system's.
    #[must_use]
    pub fn root_certificates(mut self, file: impl Into<PathBuf>) -> Self {
        self.options.roots.push(file.into());
        self
    }

    /// The files with this node's own certificate and its key (PEM), for a server that asks for it.
    #[must_use]
    pub fn client_certificate(mut self, file: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        self.options.client = Some((file.into(), key.into()));
        self
    }

    /// The token that lets this node in.
    #[must_use]
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.options.who = Who::Token(token.into());
        self
    }

    /// The user and the password that let this node in.
    #[must_use]
    pub fn user_and_password(
        mut self,
        user: impl Into<String>,
        password: impl Into<String>,
    ) -> Self {
        self.options.who = Who::User(user.into(), password.into());
        self
    }

    /// The seed of the nkey that lets this node in.
    #[must_use]
    pub fn nkey(mut self, seed: impl Into<String>) -> Self {
        self.options.who = Who::Nkey(seed.into());
        self
    }

    /// The credentials' file (`.creds`) that lets this node in.
    #[must_use]
    pub fn credentials_file(mut self, file: impl Into<PathBuf>) -> Self {
        self.options.who = Who::Credentials(file.into());
        self
    }

    /// On how many servers of a cluster the stream is kept, 1 if nothing else is said. It counts
    /// where this node makes the stream.
    #[must_use]
    pub fn replicas(mut self, replicas: usize) -> Self {
        self.options.replicas = replicas;
        self
    }

    /// How many bytes the stream keeps, of all topics together; without a bound of its own if
    /// nothing is said. It counts where this node makes the stream.
    #[must_use]
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.options.max_bytes = Some(bytes);
        self
    }

    fn node(&self) -> Result<&Arc<Shared>, BackplaneError> {
        let node = self.node.get().map(|node| &node.shared);
        node.ok_or_else(|| BackplaneError::new(Failure::Unavailable, "it was not opened"))
    }

    fn reading(&self, topic: &str) -> Result<Reading<'_>, BackplaneError> {
        let shared = self.node()?;
        let (generation, facts) = shared.up()?;
        Ok(Reading {
            shared,
            generation,
            facts,
            subject: shared.subjects.publish(topic).ok_or_else(too_long)?,
        })
    }
}

impl Backplane for Nats {
    fn open(
        &self,
        inbox: Arc<dyn Inbox>,
        bounds: Bounds,
    ) -> BoxFuture<'_, Result<(), BackplaneError>> {
        Box::pin(async move {
            let node = Node::open(&self.options, inbox, bounds).await?;
            let opened = self.node.set(node);
            opened.map_err(|_| BackplaneError::new(Failure::Refused, "it was opened before"))
        })
    }

    fn publish<'a>(&'a self, event: Outgoing<'a>) -> BoxFuture<'a, Result<Place, BackplaneError>> {
        Box::pin(async move { self.node()?.publish(event).await })
    }

    fn listen<'a>(&'a self, topic: &'a str) -> BoxFuture<'a, Result<(), BackplaneError>> {
        Box::pin(async move { self.node()?.listen(topic).await })
    }

    fn leave(&self, topic: &str) {
        if let Ok(shared) = self.node() {
            shared.leave(topic);
        }
    }

    fn frontier(&self, at_least: Place) -> BoxFuture<'_, Result<Place, BackplaneError>> {
        Box::pin(async move { self.node()?.frontier(at_least).await })
    }

    fn read<'a>(
        &'a self,
        topic: &'a str,
        after: u64,
        limit: ReadLimit,
    ) -> BoxFuture<'a, Result<Page, BackplaneError>> {
        Box::pin(async move { self.reading(topic)?.behind(after, limit).await })
    }

    fn newest<'a>(
        &'a self,
        topic: &'a str,
        limit: ReadLimit,
    ) -> BoxFuture<'a, Result<Page, BackplaneError>> {
        Box::pin(async move { self.reading(topic)?.newest(limit).await })
    }
}

impl Node {
    async fn open(
        options: &Options,
        inbox: Arc<dyn Inbox>,
        bounds: Bounds,
    ) -> Result<Self, BackplaneError> {
        let alarm = Arc::new(Alarm::default());
        let complaints = broadcast::Sender::new(1_024);
        let connecting = options.connect_options().await?.event_callback({
            let (alarm, complaints) = (Arc::clone(&alarm), complaints.clone());
            move |event| {
                alarm.event(&event, &complaints);
                std::future::ready(())
            }
        });
        let client = connecting.connect(options.servers()).await;
        let client = client.map_err(|error| {
            let failure = match error.kind() {
                ConnectErrorKind::Authentication
                | ConnectErrorKind::AuthorizationViolation
                | ConnectErrorKind::Tls
                | ConnectErrorKind::ServerParse => Failure::Refused,
                _ if is_tls(&error) => Failure::Refused,
                _ => Failure::Unavailable,
            };
            BackplaneError::new(failure, error)
        })?;
        let connects = link::connect_count(&client);
        let state = watch::Sender::new(Link {
            generation: 0,
            stream: None,
        });
        let (pump, commands) = mpsc::unbounded_channel();
        let subjects = Subjects::new(&options.prefix);
        let advisories = client.subscribe(subjects.advisories()).await;
        let advisories =
            advisories.map_err(|error| BackplaneError::new(Failure::Unavailable, error))?;
        let shared = Arc::new(Shared {
            api: Api {
                client,
                timeout: options.timeout,
                complaints,
                link: state.subscribe(),
            },
            subjects,
            bounds,
            replicas: options.replicas,
            max_bytes: options.max_bytes,
            markers: Markers::new(),
            filled: AsyncMutex::default(),
            alarm,
            pump: pump.clone(),
            listened: AtomicU64::new(0),
            heard: Mutex::new(Instant::now()),
        });
        let handing = Pump::new(Arc::clone(&shared), inbox, commands, advisories);
        // With tokio's budget a queue would look empty that is not. The pump lets others have their
        // turn by itself.
        let handing = Ending(Some(task::spawn(task::unconstrained(handing))));
        let facts = link::establish(&shared).await?;
        let epoch = facts.epoch;
        state.send_modify(|link| link.stream = Some(facts));
        let _ = pump.send(Command::Up { epoch });
        let keeping = task::spawn(link::keep(Arc::clone(&shared), state, pump, connects));
        Ok(Self {
            shared,
            tasks: [handing.keep(), keeping],
        })
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl Shared {
    /// The link's generation and the stream, while everything is well.
    fn up(&self) -> Result<(u64, Facts), BackplaneError> {
        let link = self.api.link.borrow();
        let is_connected = self.api.client.connection_state() == State::Connected;
        match &link.stream {
            Some(stream) if is_connected => Ok((link.generation, stream.clone())),
            _ => Err(BackplaneError::new(Failure::Unavailable, "not connected")),
        }
    }

    /// Nobody answered: is the stream still there?
    fn suspect(&self, error: &BackplaneError) {
        if error.failure() == Failure::Unavailable {
            self.alarm.doubt();
        }
    }

    async fn publish(&self, event: Outgoing<'_>) -> Result<Place, BackplaneError> {
        let (generation, facts) = self.up()?;
        let subject = self.subjects.publish(event.topic).ok_or_else(too_long)?;
        let headers = event.key.map(|key| {
            let mut headers = HeaderMap::new();
            headers.insert("Nats-Msg-Id", message_id(event.topic, key));
            headers
        });
        let frame = Bytes::copy_from_slice(event.frame);
        let answer = self.api.ask(generation, &subject, headers, frame).await;
        let answer = answer.inspect_err(|error| self.suspect(error))?;
        let answer = read_answer(&answer)?;
        let sequence = answer["seq"].as_u64().ok_or_else(|| {
            BackplaneError::new(Failure::Unknown, "the answer does not tell a number")
        })?;
        if self.api.link.borrow().generation != generation {
            let why = "the connection was lost, and perhaps the stream";
            return Err(BackplaneError::new(Failure::Unknown, why));
        }
        Ok(Place {
            epoch: facts.epoch,
            sequence,
        })
    }

    async fn listen(&self, topic: &str) -> Result<(), BackplaneError> {
        let (generation, _) = self.up()?;
        let subject = self.subjects.listen(topic).ok_or_else(too_long)?;
        let mut complaints = self.api.complaints.subscribe();
        let number = self.listened.fetch_add(1, Ordering::Relaxed);
        let published_to = self.subjects.publish(topic).ok_or_else(too_long)?;
        let subscriber = self.subscribe(&subject).await?;
        let _ = self.pump.send(Command::Add {
            topic: Arc::from(topic),
            subject: published_to.clone(),
            subscriber,
            number,
        });
        let mut leaving = Leaving {
            shared: self,
            added: Some((published_to.clone(), number)),
        };
        let passed = match self.markers.pass(self, generation).await {
            // A complaint is on its way before the marker, but another task brings it, which one more
            // round trip leaves behind.
            Ok(_) => self.markers.pass(self, generation).await,
            refused => refused,
        };
        match passed {
            Ok(_) => {}
            // The server has answered, after it was told of the subscription.
            Err(error) if error.failure() == Failure::Refused => {
                let _ = self.pump.send(Command::Taken {
                    subject: published_to,
                    number,
                });
            }
            Err(error) => return Err(error),
        }
        loop {
            match complaints.try_recv() {
                Ok(complaint) if api::names(&complaint, &subject) => {
                    return Err(BackplaneError::new(Failure::Refused, &*complaint));
                }
                Ok(_) => {}
                // One of those that were lost may be about this topic.
                Err(TryRecvError::Lagged(_)) => {
                    let why = "the server complains of more than can be followed";
                    return Err(BackplaneError::new(Failure::Unavailable, why));
                }
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        leaving.added = None;
        Ok(())
    }

    fn leave(&self, topic: &str) {
        if let Some(subject) = self.subjects.publish(topic) {
            let number = None;
            let _ = self.pump.send(Command::Remove { subject, number });
        }
    }

    async fn subscribe(&self, subject: &str) -> Result<Subscriber, BackplaneError> {
        let subscriber = self.api.client.subscribe(subject.to_owned()).await;
        subscriber.map_err(|error| BackplaneError::new(Failure::Unavailable, error))
    }

    /// The consumer that tells the order is alive.
    fn heard(&self) {
        *self.heard.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// For how long it has told nothing.
    fn silence(&self) -> Duration {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.elapsed()
    }

    async fn frontier(&self, at_least: Place) -> Result<Place, BackplaneError> {
        /// How many numbers are used up at most, to get behind a place.
        const MOST: u64 = 100_000;

        let (generation, Facts { epoch, .. }) = self.up()?;
        let sequence = self.markers.pass(self, generation).await?;
        let is_behind = at_least.epoch == epoch && at_least.sequence > sequence;
        let is_far = at_least.sequence.saturating_sub(sequence) > MOST;
        if is_behind && is_far {
            tracing::error!(
                "the NATS stream has lost more of its newest numbers than can be used up"
            );
        } else if is_behind {
            let mut filled = self.filled.lock().await;
            if *filled < (epoch, at_least.sequence) {
                self.fill(generation, at_least.sequence).await?;
                *filled = (epoch, at_least.sequence);
            }
            drop(filled);
            let sequence = self.markers.pass(self, generation).await?;
            return Ok(Place { epoch, sequence });
        }
        Ok(Place { epoch, sequence })
    }

    /// Uses up the numbers to this one.
    async fn fill(&self, generation: u64, up_to: u64) -> Result<(), BackplaneError> {
        let sequence = self.markers.pass(self, generation).await?;
        let lost = up_to.saturating_sub(sequence);
        tracing::error!(lost, "the NATS stream has lost its newest numbers");
        for _ in 0..lost {
            let (client, subject) = (&self.api.client, self.subjects.marker());
            let used = client.publish(subject, Bytes::new()).await;
            used.map_err(|error| BackplaneError::new(Failure::Unavailable, error))?;
        }
        Ok(())
    }
}

/// Takes back what was added unless it is told not to, also where the future is dropped.
struct Leaving<'a> {
    shared: &'a Shared,
    added: Option<(String, u64)>,
}

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        if let Some((subject, number)) = self.added.take() {
            let _ = self.shared.pump.send(Command::Remove {
                subject,
                number: Some(number),
            });
        }
    }
}

/// Ends a task that nobody keeps.
struct Ending(Option<JoinHandle<()>>);

impl Ending {
    fn keep(mut self) -> JoinHandle<()> {
        // It is there until here.
        self.0.take().unwrap_or_else(|| task::spawn(async {}))
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        if let Some(task) = self.0.take() {
            task.abort();
        }
    }
}

impl fmt::Debug for Nats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.options.fmt(f)
    }
}

/// Whether it is about who the server is. Nothing of the client's own error tells.
fn is_tls(error: &(dyn StdError + 'static)) -> bool {
    if error.is::<rustls::Error>() {
        return true;
    }
    let inner = error
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref);
    let inner = inner.map(|inner| inner as &(dyn StdError + 'static));
    inner.or_else(|| error.source()).is_some_and(is_tls)
}

fn too_long() -> BackplaneError {
    BackplaneError::new(
        Failure::Refused,
        "the topic's name is too long for a subject",
    )
}

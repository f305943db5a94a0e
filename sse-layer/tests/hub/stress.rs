//! Many publishers, thousands of clients that come and go: nobody loses anything unnoticed.

use std::{
    collections::{BTreeMap, BTreeSet},
    panic::AssertUnwindSafe,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use fastrand::Rng;
use futures_util::{FutureExt, StreamExt, future::join_all};
use sse_layer::{
    Event, EventId, Hub,
    hub::{Delivery, History, HubBuilder, LagPolicy},
};

const TOPICS: [&str; 3] = ["a", "b", "c"];

/// What was published, by number: the topic.
type Published = BTreeMap<u64, &'static str>;

fn sequence(id: &EventId) -> u64 {
    id.as_str().split_once('-').unwrap().1.parse().unwrap()
}

/// What one client was given, over all its connections.
#[derive(Default)]
struct Ledger {
    /// The first position that it knew.
    start: Option<u64>,
    position: u64,
    messages: Vec<u64>,
    /// Where something may be missing, and how many.
    gaps: Vec<(u64, Option<u64>)>,
    policy: LagPolicy,
}

impl Ledger {
    fn enter(&mut self, delivery: &Delivery) -> EventId {
        let id = match delivery {
            Delivery::Message(message) => message.id(),
            Delivery::Gap(gap) => gap.id.clone(),
            Delivery::Position(id) => id.clone(),
            other => panic!("{other:?}"),
        };
        let at = sequence(&id);
        self.enter_at(at, delivery);
        self.position = at;
        id
    }

    fn enter_at(&mut self, id: u64, delivery: &Delivery) {
        match delivery {
            Delivery::Message(_) => {
                assert!(id > self.position, "{id} behind {}", self.position);
                // Who had no position yet has missed nothing that was promised.
                self.start.get_or_insert(id - 1);
                self.messages.push(id);
            }
            Delivery::Gap(gap) => {
                assert!(
                    id >= self.position,
                    "a gap at {id} behind {}",
                    self.position
                );
                // Of what is missing before its first position it knows nothing.
                let missed = self.start.and(gap.missed);
                self.gaps.push((id, missed));
                self.start.get_or_insert(id);
            }
            _ => {
                self.start.get_or_insert(id);
                assert!(id >= self.position);
            }
        }
    }

    /// Holds what the client was given against what was published to its topics.
    fn check(&self, topics: &[&str], published: &Published) {
        let start = self.start.unwrap();
        if start == self.position {
            return;
        }
        let mut heard: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
        for id in &self.messages {
            heard.entry(published[id]).or_default().push(*id);
        }
        let gaps: BTreeSet<u64> = self.gaps.iter().map(|(at, _)| *at).collect();
        // Between what it heard of the same topic before and after, there is a gap.
        let is_told = |id: u64| {
            let same_topic = heard.get(published[&id]).map_or(&[][..], Vec::as_slice);
            let next = same_topic.partition_point(|other| *other < id);
            let before = if next > 0 { same_topic[next - 1] } else { 0 };
            let after = same_topic.get(next).copied().unwrap_or(u64::MAX);
            gaps.range(before..after).next().is_some()
        };
        let mut given = self.messages.iter().copied().peekable();
        let mut missing = Vec::new();
        let own = published
            .range(start + 1..=self.position)
            .filter(|(_, topic)| topics.contains(topic))
            .map(|(id, _)| *id);
        for id in own {
            if given.next_if_eq(&id).is_none() {
                assert!(is_told(id), "{id} is missing, and nobody said so");
                missing.push(id);
            }
        }
        assert_eq!(given.next(), None, "given, and not published to its topics");
        // The numbers that gaps tell are those of what is missing. What was skipped may have come
        // from the history after a reconnect.
        if self.gaps.iter().all(|(_, missed)| missed.is_some()) && self.policy != LagPolicy::Skip {
            let told: u64 = self.gaps.iter().filter_map(|(_, missed)| *missed).sum();
            assert_eq!(told, missing.len() as u64);
        }
    }
}

/// A client that reads for a while, stays away for a while, and comes back; until it has seen the
/// last of its topics.
async fn client(
    hub: Hub,
    topics: Vec<&'static str>,
    mut random: Rng,
    last: Arc<OnceLock<Published>>,
    policy: LagPolicy,
) -> (Ledger, Vec<&'static str>) {
    let mut ledger = Ledger {
        policy,
        ..Ledger::default()
    };
    let mut seen: Option<EventId> = None;
    loop {
        let mut subscription = hub.subscribe_many(&topics).unwrap().on_lag(policy);
        if let Some(seen) = &seen {
            subscription = subscription.after(seen.clone());
        }
        let mut deliveries = subscription.deliveries();
        for _ in 0..random.usize(1..60) {
            let is_over = last.get().is_some_and(|last| {
                let own = last.iter().filter(|(_, topic)| topics.contains(topic));
                own.map(|(id, _)| *id).max() <= Some(ledger.position)
            });
            if is_over {
                return (ledger, topics);
            }
            let Some(next) = deliveries.next().await else {
                assert_eq!(policy, LagPolicy::Close);
                break;
            };
            seen = Some(ledger.enter(&next));
            if random.u8(..8) == 0 {
                tokio::task::yield_now().await;
            }
        }
        drop(deliveries);
        for _ in 0..random.u8(..10) {
            tokio::task::yield_now().await;
        }
    }
}

/// Lets publishers run beside clients, and checks what each client got. Answers the hub.
fn run(
    builder: HubBuilder,
    clients: usize,
    events: usize,
    topics_of: fn(&mut Rng) -> Vec<&'static str>,
    policies: &[LagPolicy],
) -> Hub {
    let hub = builder.epoch(crate::EPOCH).build();
    let published = Arc::new(Mutex::new(Published::new()));
    let last = Arc::new(OnceLock::new());
    let publishers: Vec<_> = (0..3)
        .map(|publisher| {
            let (hub, published) = (hub.clone(), Arc::clone(&published));
            move || {
                let mut random = Rng::with_seed(publisher);
                for n in 0..events / 3 {
                    let topic = TOPICS[random.usize(..TOPICS.len())];
                    let event = Event::text(n.to_string());
                    let id = hub.blocking_publish(topic, event).unwrap();
                    published.lock().unwrap().insert(sequence(&id), topic);
                    if n % 32 == 0 {
                        // Clients have their turn.
                        thread::yield_now();
                    }
                }
            }
        })
        .collect();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .unwrap();
    let ledgers = runtime.block_on(async {
        let clients: Vec<_> = (0..clients)
            .map(|seed| {
                let mut random = Rng::with_seed(1000 + seed as u64);
                let topics = topics_of(&mut random);
                tokio::spawn(client(
                    hub.clone(),
                    topics,
                    random,
                    Arc::clone(&last),
                    policies[seed % policies.len()],
                ))
            })
            .collect();
        let publishers = publishers.into_iter().map(tokio::task::spawn_blocking);
        for publisher in join_all(publishers).await {
            publisher.unwrap();
        }
        let publish_all = || {
            TOPICS.map(|topic| {
                let id = hub.blocking_publish(topic, Event::text("end")).unwrap();
                published.lock().unwrap().insert(sequence(&id), topic);
                (sequence(&id), topic)
            })
        };
        last.set(publish_all().into()).unwrap();
        // Wakes those who had all of it before they could know.
        publish_all();
        join_all(clients).await
    });
    let published = published.lock().unwrap();
    for ledger in ledgers {
        let (ledger, topics) = ledger.unwrap();
        ledger.check(&topics, &published);
    }
    hub
}

fn one_topic(random: &mut Rng) -> Vec<&'static str> {
    vec![TOPICS[random.usize(..TOPICS.len())]]
}

fn some_topics(random: &mut Rng) -> Vec<&'static str> {
    let mut topics = TOPICS.to_vec();
    random.shuffle(&mut topics);
    topics.truncate(random.usize(2..=TOPICS.len()));
    topics
}

fn either(random: &mut Rng) -> Vec<&'static str> {
    if random.bool() {
        one_topic(random)
    } else {
        some_topics(random)
    }
}

/// The policies that let no loss go by in silence.
const ALL_THAT_TELL: [LagPolicy; 3] = [LagPolicy::CatchUp, LagPolicy::Skip, LagPolicy::Close];

/// A queue so short that everybody has to catch up, now and then.
fn short_queue() -> HubBuilder {
    Hub::builder().queue(16, usize::MAX)
}

#[test]
fn thousands_of_clients_that_come_and_go_get_each_event_of_one_topic_once() {
    let all = History::new().events(usize::MAX).bytes(usize::MAX);
    let hub = run(
        short_queue().history(all),
        2000,
        1500,
        one_topic,
        &[LagPolicy::CatchUp],
    );
    let stats = hub.stats();
    assert_eq!(stats.gaps, 0);
    assert!(stats.lagged > 0 && stats.replayed > 0, "{stats:?}");
}

#[test]
fn thousands_of_clients_that_come_and_go_get_each_event_of_several_topics_once_and_in_order() {
    let all = History::new().events(usize::MAX).bytes(usize::MAX);
    let hub = run(
        short_queue().history(all),
        2000,
        900,
        some_topics,
        &[LagPolicy::CatchUp],
    );
    let stats = hub.stats();
    assert_eq!(stats.gaps, 0);
    assert!(stats.lagged > 0 && stats.replayed > 0, "{stats:?}");
}

#[test]
fn where_the_history_is_too_short_each_client_is_told_of_what_is_missing() {
    let short = History::new().events(20);
    let hub = run(
        short_queue().history(short),
        500,
        3000,
        either,
        &ALL_THAT_TELL,
    );
    let stats = hub.stats();
    assert!(stats.gaps > 0, "{stats:?}");
}

#[test]
fn without_a_history_each_client_is_told_of_what_is_missing() {
    let hub = run(
        short_queue().history(History::off()),
        500,
        3000,
        either,
        &ALL_THAT_TELL,
    );
    assert!(hub.stats().gaps > 0);
}

/// Between the moment at which an id is given out and the one at which its message is there, a
/// reader of two topics must not give a later one of the other.
#[test]
fn a_reader_at_the_heels_of_two_publishers_never_gets_a_lower_id_after_a_higher() {
    const EACH: usize = 100_000;

    let hub = Hub::builder().history(History::off()).build();
    let both = hub.subscribe_many(["a", "b"]).unwrap();
    let mut both = both.no_positions().deliveries();
    thread::scope(|scope| {
        for topic in ["a", "b"] {
            let hub = &hub;
            scope.spawn(move || {
                for _ in 0..EACH {
                    hub.blocking_publish(topic, Event::text("x")).unwrap();
                }
            });
        }
        let (mut position, mut passed) = (0, 0);
        while passed < 2 * EACH as u64 {
            match both.next().now_or_never().flatten() {
                Some(Delivery::Message(message)) => {
                    let id = sequence(&message.id());
                    assert!(id > position, "{id} behind {position}");
                    (position, passed) = (id, passed + 1);
                }
                Some(Delivery::Gap(gap)) => {
                    position = sequence(&gap.id);
                    passed += gap.missed.unwrap();
                }
                _ => {}
            }
        }
        assert_eq!(position, 2 * EACH as u64);
    });
}

/// With a topic that is made and dropped all the time, since nothing is kept and nobody stays.
#[test]
fn a_topic_that_is_dropped_and_made_anew_loses_nothing_of_what_is_published_meanwhile() {
    const ROUNDS: usize = 3000;

    let hub = Hub::builder().history(History::off()).build();
    let clients_left = AtomicUsize::new(2);
    thread::scope(|scope| {
        scope.spawn(|| {
            while clients_left.load(Ordering::Relaxed) > 0 {
                hub.blocking_publish("t", Event::text("x")).unwrap();
            }
        });
        for _ in 0..2 {
            scope.spawn(|| {
                let counted = std::panic::catch_unwind(AssertUnwindSafe(|| {
                    for _ in 0..ROUNDS {
                        read_three(&hub);
                    }
                }));
                clients_left.fetch_sub(1, Ordering::Relaxed);
                counted.unwrap();
            });
        }
    });
    assert_eq!(hub.stats().topics, 0);
}

/// Subscribes, and holds three deliveries against each other: there is but one topic, so its ids
/// have no holes.
fn read_three(hub: &Hub) {
    let mut client = hub.subscribe("t").unwrap().deliveries();
    let at_first = hub.stats().published;
    let mut position = None;
    for got in 0..3 {
        let next = loop {
            let published = hub.stats().published;
            if let Some(next) = client.next().now_or_never() {
                break next.unwrap();
            }
            // One was perhaps on its way already, and not counted yet.
            assert!(published <= at_first + 1 + got, "{got} and no more");
        };
        position = Some(match next {
            Delivery::Message(message) => {
                let id = sequence(&message.id());
                assert_eq!(id, position.map_or(id, |position: u64| position + 1));
                id
            }
            Delivery::Gap(gap) => sequence(&gap.id),
            Delivery::Position(id) => sequence(&id),
            other => panic!("{other:?}"),
        });
    }
}

//! The list of all checks, with what each proves.

use std::{fmt, time::Duration};

use tokio::time::timeout;

use super::{Engines, failed::Failed, scene::Scene};

/// One of the checks.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Check {
    name: &'static str,
    proves: &'static str,
}

/// So long a check may take.
const BOUND: Duration = Duration::from_secs(5 * 60);

/// Hands the list to another macro, behind what that one is to be given as well. It is the only
/// place where the checks are listed.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_checks {
    ($then:ident $($given:tt)*) => {
        $crate::$then! {
            $($given)*
            numbers {
                numbers_increase_over_all_topics:
                    "A number is more than any before, whichever the topic and whichever the node.";
                every_node_has_the_same_numbers:
                    "What is published at one node has the same epoch, numbers and bytes at \
                     another, handed over and read.";
                nodes_that_begin_at_once_agree:
                    "Nodes that are the first of their engine all at once have one epoch and one \
                     line of numbers.";
                each_event_tells_the_one_before_it_in_its_topic:
                    "`previous` is the number of the event before it in its topic, and 0 for the \
                     first, handed over and read.";
                a_later_node_goes_on:
                    "A node that is opened when all others are gone reads everything and goes on \
                     with the numbers.";
            }
            order {
                one_publisher_is_handed_over_in_order:
                    "Events of several topics are handed over in the order of their numbers, each \
                     once, at the node that publishes and at another.";
                many_publishers_are_seen_in_one_order:
                    "Four nodes that publish at once all see the same events in the same order, \
                     each once, and read them so.";
                calls_at_once_get_their_own_answers:
                    "Of many calls of one node at once, each is answered what it asked for.";
            }
            history {
                history_is_read_after_a_number:
                    "A read gives what is behind the number, whether an event has that number or \
                     not, and nothing is missing.";
                any_number_can_be_read_after:
                    "Behind a number that was never given there is nothing, and nothing is \
                     missing.";
                history_is_read_in_pages:
                    "Pages by count and by bytes keep to the limit, tell whether there is more, \
                     and together lose nothing and give nothing twice.";
                a_page_has_one_event_at_least:
                    "An event that is larger than the limit is given by itself.";
                the_newest_are_read:
                    "The newest events of a topic come in order, within the limit.";
                a_topic_without_events_is_empty:
                    "Nothing is read and nothing is missing where nothing was published, in the \
                     epoch that the engine has.";
                reading_while_others_publish_loses_nothing:
                    "A reader that follows a topic page by page gets every event once.";
            }
            bounds {
                history_is_bounded_by_count:
                    "So many events as the bounds say are given, and what is gone is told to be \
                     missing, to those who have not seen it.";
                history_is_bounded_by_bytes:
                    "Events beyond the bytes of the bounds are not given, and told to be missing.";
                history_is_bounded_by_age:
                    "What is too old is not given, and told to be missing.";
                what_is_forgotten_is_missing:
                    "Long after a topic fell silent, who has not seen its last events is told that \
                     some may be missing, and who has, sees it go on.";
                without_history_live_events_go_on:
                    "With bounds of no events nothing is given, what is missing is told, and what \
                     is published is handed over as ever.";
                bounds_are_each_topics_own:
                    "What is evicted in one topic is missing in no other.";
                bounds_are_those_of_the_node_that_reads:
                    "Of what other nodes keep, a node is given what is within its own bounds, and \
                     told that the rest is missing.";
            }
            keys {
                a_key_is_published_once:
                    "An event that is published again with its key is not there again: its place \
                     is answered.";
                a_key_from_many_nodes_is_one_event:
                    "One key at many nodes at once makes one event, and all are told its place.";
                a_key_is_its_topics_own:
                    "One key in two topics makes two events, however names and keys are put \
                     together.";
                keys_are_any_text:
                    "Keys that differ in anything are different keys.";
                a_key_is_remembered_when_its_event_is_gone:
                    "A key is known although its event has been evicted.";
                keys_are_forgotten:
                    "A key can be used again when its time is over.";
            }
            topics {
                topics_never_mix:
                    "Topics of any name, like patterns, prefixes of one another or encodings of \
                     one another, get and keep their own events.";
                a_topic_is_no_pattern:
                    "Who listens to names that look like patterns is handed nothing else.";
                ten_thousand_topics:
                    "A node listens to 10,000 topics at once and is handed what is published to \
                     each.";
            }
            payloads {
                frames_come_back_as_they_were:
                    "Frames of one byte, of every byte that UTF-8 has, and frames that look like \
                     an engine's protocol come back byte for byte.";
                a_frame_may_have_a_mebibyte:
                    "A frame of 1 MiB is handed over and read, byte for byte.";
            }
            listening {
                what_is_published_after_listening_is_handed_over:
                    "In 1,000 rounds, what is published once listening has resolved is handed \
                     over.";
                live_events_meet_history:
                    "While others publish, what is read after listening and what is handed over \
                     have everything between them.";
                listening_twice_is_once:
                    "A topic that is listened to twice is handed over once, and left by leaving \
                     once.";
                many_listen_at_once:
                    "Topics that are listened to by many calls at once are all handed over, \
                     once.";
                who_does_not_listen_is_handed_nothing:
                    "A node is handed the topics that it listens to and no others.";
            }
            leaving {
                a_topic_that_is_left_ends:
                    "Soon after leaving, nothing of the topic is handed over; the others are.";
                a_topic_that_is_left_can_be_listened_to_again:
                    "Leaving and listening again at once loses nothing that is published \
                     afterwards.";
            }
            frontier {
                the_frontier_is_behind_what_was_published:
                    "A frontier is at least the last place that was published, whichever the topic \
                     and the node, and before anything was it has the same epoch.";
                all_is_handed_over_up_to_the_frontier:
                    "Whatever a frontier has behind it was handed over before it was answered.";
                frontiers_never_go_back:
                    "Frontiers don't go back, also when many are asked for at once.";
                numbers_go_on_behind_a_place:
                    "Numbers go on behind the place that a node knows, where the engine can do \
                     that, and those of another epoch mean nothing.";
            }
            outages {
                an_outage_is_told_and_overcome:
                    "A node is told that its engine is not reached and that it is again; then all \
                     topics are handed over as before, and numbers have gone on.";
                calls_fail_while_the_engine_is_not_reached:
                    "Calls fail in time while the engine is not reached, and work again \
                     afterwards; what was not published is not there.";
                topics_of_an_outage_are_not_listened_to:
                    "A topic that was left during an outage, or listening to which failed, is not \
                     handed over after it.";
            }
            nodes {
                a_dropped_node_ends:
                    "When a node's last handle is dropped its inbox is dropped, and the other \
                     nodes go on.";
                calls_that_are_dropped_break_nothing:
                    "Calls that are given up half way leave the node as it was; an event is \
                     published once or not at all.";
            }
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_define {
    ($($module:ident { $($name:ident: $proves:literal;)+ })+) => {
        /// All checks.
        pub const CHECKS: &[Check] = &[
            $($(Check { name: stringify!($name), proves: $proves },)+)+
        ];

        impl Check {
            async fn run_in<E>(self, scene: &Scene<'_, E>) -> Result<(), Failed>
            where
                E: Engines,
            {
                match self.name {
                    $($(stringify!($name) => Box::pin(super::$module::$name(scene)).await,)+)+
                    // All checks are made by the list above.
                    name => Err(Failed::new(format!("there is no check of the name {name}"))),
                }
            }
        }
    };
}

crate::__conformance_checks! { __conformance_define }

/// Makes a test of each check of the conformance suite, of the same name, right where it stands.
///
/// It is given the attributes of each test, and an expression whose value is to be
/// [`Engines`](crate::conformance::Engines). Each test evaluates it, in a place where it may be
/// awaited.
///
/// ```
/// use sse_layer::{
///     BoxError,
///     backplane::memory::Memory,
///     conformance::{Engines, conformance_tests},
/// };
///
/// /// One engine, for one test.
/// struct InMemory(Memory);
///
/// impl Engines for InMemory {
///     type Engine = Memory;
///
///     async fn node(&self, _namespace: &str) -> Result<Memory, BoxError> {
///         Ok(self.0.node())
///     }
/// }
///
/// conformance_tests! {
///     #[tokio::test(start_paused = true)]
///     InMemory(Memory::new())
/// }
/// ```
#[macro_export]
macro_rules! conformance_tests {
    ($(#[$attribute:meta])+ $engines:expr) => {
        $crate::__conformance_checks! {
            __conformance_tests { $(#[$attribute])+ } { $engines }
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_tests {
    ($attributes:tt $engines:tt $($module:ident { $($name:ident: $proves:literal;)+ })+) => {
        $($($crate::__conformance_test! { $attributes $engines $name })+)+
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_test {
    ({ $(#[$attribute:meta])+ } { $engines:expr } $name:ident) => {
        $(#[$attribute])+
        async fn $name() -> ::std::result::Result<(), $crate::conformance::Failed> {
            let engines = $engines;
            match $crate::conformance::Check::named(stringify!($name)) {
                Some(check) => check.run(&engines).await,
                None => unreachable!("the list that names the test makes the check, too"),
            }
        }
    };
}

impl Check {
    /// The check of this name.
    pub fn named(name: &str) -> Option<Self> {
        CHECKS.iter().find(|check| check.name == name).copied()
    }

    /// Its name, which is a sentence.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// What an engine that passes it keeps to.
    pub const fn proves(&self) -> &'static str {
        self.proves
    }

    /// Runs it. It also passes where what it is for can't be seen of these engines.
    ///
    /// # Errors
    ///
    /// What did not hold.
    pub async fn run<E>(self, engines: &E) -> Result<(), Failed>
    where
        E: Engines,
    {
        self.outcome(engines).await.map(drop)
    }

    /// Runs it. Answers why it passed unseen, if it did.
    pub(super) async fn outcome<E>(self, engines: &E) -> Result<Option<&'static str>, Failed>
    where
        E: Engines,
    {
        let scene = Scene::new(engines, self.name);
        match timeout(BOUND, self.run_in(&scene)).await {
            Ok(outcome) => outcome.map(|()| scene.unseen()),
            Err(_) => Err(Failed::new(format!("it has not ended within {BOUND:?}"))),
        }
    }
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

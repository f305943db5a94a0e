//! What an engine may do wrong, and which checks have to see it.

/// Defines the faults and, of each, the checks that have to see it.
macro_rules! faults {
    ($($(#[$doc:meta])* $fault:ident: $($check:ident)+;)+) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Fault {
            $($(#[$doc])* $fault,)+
        }

        /// All faults, each with the checks that have to see it.
        pub(crate) const FAULTS: &[(Fault, &[&str])] =
            &[$((Fault::$fault, &[$(stringify!($check)),+]),)+];
    };
}

faults! {
    /// Some numbers are given twice.
    RepeatsNumbers: numbers_increase_over_all_topics many_publishers_are_seen_in_one_order;
    /// No two nodes have the same epoch.
    HasAnEpochANode: every_node_has_the_same_numbers a_later_node_goes_on
        the_frontier_is_behind_what_was_published;
    /// Nodes have nothing in common.
    EachNodeIsByItself: every_node_has_the_same_numbers a_later_node_goes_on
        numbers_increase_over_all_topics reading_while_others_publish_loses_nothing;
    /// All is lost and numbers begin again when a node is dropped.
    LosesAllWithANode: a_later_node_goes_on a_dropped_node_ends;
    /// Each node that finds nothing begins an epoch, also where another is at it.
    BeginsOften: nodes_that_begin_at_once_agree;
    ForgetsPrevious: each_event_tells_the_one_before_it_in_its_topic
        without_history_live_events_go_on;
    /// The previous number of the engine instead of that of the topic.
    TellsThePreviousOfAll: each_event_tells_the_one_before_it_in_its_topic;
    Reorders: one_publisher_is_handed_over_in_order many_publishers_are_seen_in_one_order;
    LosesMessages: one_publisher_is_handed_over_in_order many_publishers_are_seen_in_one_order
        what_is_published_after_listening_is_handed_over ten_thousand_topics
        live_events_meet_history all_is_handed_over_up_to_the_frontier;
    DoublesMessages: one_publisher_is_handed_over_in_order many_publishers_are_seen_in_one_order
        ten_thousand_topics who_does_not_listen_is_handed_nothing;
    /// Some events are published twice.
    PublishesAgain: one_publisher_is_handed_over_in_order many_publishers_are_seen_in_one_order
        a_dropped_node_ends calls_that_are_dropped_break_nothing;
    /// Messages are handed over in their time; whoever waits for a frontier does not wait for them.
    HandsOverLate: all_is_handed_over_up_to_the_frontier;
    ReadsFromTheNumber: history_is_read_after_a_number history_is_read_in_pages;
    ReadsPastTheNumber: history_is_read_after_a_number history_is_read_in_pages
        reading_while_others_publish_loses_nothing;
    IgnoresTheByteLimit: history_is_read_in_pages a_page_has_one_event_at_least;
    HasSignedNumbers: any_number_can_be_read_after;
    WrapsNumbers: any_number_can_be_read_after;
    /// Answers the newest number when it is asked which one it has given.
    AnswersTheNewest: calls_at_once_get_their_own_answers;
    HasNeverMore: history_is_read_in_pages a_page_has_one_event_at_least;
    HasAlwaysMore: history_is_read_in_pages a_topic_without_events_is_empty;
    SkipsLargeEvents: a_page_has_one_event_at_least;
    NewestAreOldest: the_newest_are_read a_page_has_one_event_at_least;
    NewestAreReversed: the_newest_are_read;
    NewestAreNone: the_newest_are_read live_events_meet_history;
    NewestHaveNoEpoch: the_newest_are_read;
    /// What is read has no epoch where it is nothing.
    EmptyHasNoEpoch: a_topic_without_events_is_empty;
    /// There is no epoch before the first event.
    BeginsWithAnEvent: the_frontier_is_behind_what_was_published;
    /// All that will ever be published is told to be missing.
    MissesWhatIsYetToCome: history_is_bounded_by_age without_history_live_events_go_on;
    /// What others keep is given, whatever the bounds of the node that reads.
    GivesAllThatOthersKeep: bounds_are_those_of_the_node_that_reads;
    EmptyIsMissing: a_topic_without_events_is_empty history_is_read_after_a_number;
    /// A number is given before its event can be read, and the next can be read already.
    HidesTheNewestButOne: reading_while_others_publish_loses_nothing;
    KeepsTooMany: history_is_bounded_by_count bounds_are_each_topics_own;
    KeepsTooFew: history_is_bounded_by_count;
    IgnoresBytes: history_is_bounded_by_bytes;
    IgnoresAge: history_is_bounded_by_age;
    AgesTooFast: history_is_bounded_by_age;
    NothingIsMissing: history_is_bounded_by_count history_is_bounded_by_bytes
        history_is_bounded_by_age what_is_forgotten_is_missing without_history_live_events_go_on
        bounds_are_each_topics_own;
    /// A place between those that are gone is told.
    MissesTooLittle: history_is_bounded_by_count;
    /// That something is gone is told only as long as the topic is known.
    ForgetsWhatIsMissing: what_is_forgotten_is_missing;
    /// What is missing in one topic is told for all.
    MissesForAll: bounds_are_each_topics_own;
    /// Events that are not kept are not handed over either.
    LivesOnHistory: without_history_live_events_go_on;
    ForgetsKeys: a_key_is_published_once a_key_from_many_nodes_is_one_event keys_are_any_text
        a_key_is_remembered_when_its_event_is_gone calls_that_are_dropped_break_nothing;
    KeysAreEachNodes: a_key_is_published_once a_key_from_many_nodes_is_one_event;
    /// A topic's name and a key make one text, in which the one can't be told from the other.
    KeysAreShared: a_key_is_its_topics_own;
    TrimsKeys: keys_are_any_text;
    KeysGoWithTheirEvents: a_key_is_remembered_when_its_event_is_gone;
    KeysAreForever: keys_are_forgotten;
    KeysAreForgottenSoon: keys_are_forgotten;
    IgnoresCase: topics_never_mix;
    ReplacesDots: topics_never_mix;
    CutsNames: topics_never_mix;
    TakesPatterns: a_topic_is_no_pattern;
    ListensToFew: ten_thousand_topics;
    TrimsFrames: frames_come_back_as_they_were;
    CutsFrames: a_frame_may_have_a_mebibyte;
    /// Listening is answered before it has begun.
    ListensLate: what_is_published_after_listening_is_handed_over live_events_meet_history
        a_topic_that_is_left_can_be_listened_to_again;
    /// Who listens to a topic while another call begins to is answered at once.
    AnswersWhileItListens: many_listen_at_once;
    /// A topic is left when it has been left as often as it was listened to.
    CountsListening: listening_twice_is_once;
    HandsOverToThePublisher: who_does_not_listen_is_handed_nothing;
    NeverLeaves: a_topic_that_is_left_ends listening_twice_is_once;
    /// Leaving overtakes listening again.
    LeavesLate: a_topic_that_is_left_can_be_listened_to_again;
    /// The frontier is right before the last event.
    FrontierIsLate: the_frontier_is_behind_what_was_published;
    FrontierGoesBack: frontiers_never_go_back;
    /// A place of another epoch is taken for one of this.
    TakesAnyPlace: numbers_go_on_behind_a_place;
    GoesOnBehindNothing: numbers_go_on_behind_a_place;
    SaysNothingOfOutages: an_outage_is_told_and_overcome calls_fail_while_the_engine_is_not_reached;
    TellsTwice: an_outage_is_told_and_overcome;
    ForgetsATopicInOutages: an_outage_is_told_and_overcome;
    /// What can't be read is empty.
    HidesFailures: calls_fail_while_the_engine_is_not_reached;
    /// What failed is published all the same, later.
    PublishesWhenItCan: calls_fail_while_the_engine_is_not_reached;
    /// What failed is listened to all the same, later.
    ListensWhenItCan: topics_of_an_outage_are_not_listened_to;
    LeavesOnlyWhatItReaches: topics_of_an_outage_are_not_listened_to;
    KeepsItsInbox: a_dropped_node_ends;
    /// A call that is dropped leaves the node busy for ever.
    IsSpoiledByDroppedCalls: calls_that_are_dropped_break_nothing;
    /// It stops to answer those who publish, and goes on to answer those who wait for them.
    StopsToPublish: all_is_handed_over_up_to_the_frontier
        reading_while_others_publish_loses_nothing;
    StopsToAnswer: numbers_increase_over_all_topics history_is_bounded_by_age
        frames_come_back_as_they_were;
}

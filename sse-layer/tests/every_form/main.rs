//! The layer behaves alike wherever it stands: the same tests for every form of a handler.

#![allow(clippy::unwrap_used, reason = "a test fails where it panics")]

mod behaviour;
mod form;

use form::Form;

macro_rules! for_forms {
    (every: $every:tt ours: $ours:tt) => {
        for_forms!(@ around_a_service_that_answers_sse, AroundSse, $every $ours);
        for_forms!(@ on_a_router_over_our_sse, RouterOverSse, $every $ours);
        for_forms!(@ on_a_router_over_axums_sse, RouterOverAxumSse, $every {});
        for_forms!(@ around_a_hand_written_response, AroundResponse, $every {});
    };
    (@ $module:ident, $form:ident, { $($every:ident)* } { $($ours:ident)* }) => {
        mod $module {
            use super::{behaviour, Form};

            $(for_forms!(@ $form, $every);)*
            $(for_forms!(@ $form, $ours);)*
        }
    };
    (@ $form:ident, $behaviour:ident) => {
        #[tokio::test]
        async fn $behaviour() {
            behaviour::$behaviour(Form::$form).await;
        }
    };
}

for_forms! {
    every: {
        the_head_is_that_of_an_event_stream
        events_arrive_as_they_were_sent
        the_first_bytes_leave_before_the_first_event
        the_first_bytes_tell_the_retry
        silence_is_broken_by_heartbeats_and_events_postpone_them
        heartbeats_can_be_events_bare_lines_or_none
        a_permit_lasts_as_long_as_its_stream
        a_refused_stream_is_told_why_and_never_polled
        those_turned_away_are_spread_over_the_window
        a_key_has_a_limit_of_its_own
        a_drain_ends_streams_inside_its_window_with_a_farewell
        a_drain_answers_new_streams_with_another_time
        a_stream_ends_between_four_fifths_and_all_of_its_lifetime
        a_head_request_gets_the_head_and_takes_no_permit
        a_failed_stream_breaks_off_by_default
        a_failed_stream_can_end_as_if_nothing_was
        a_failed_stream_can_end_with_an_event
        what_is_no_stream_passes_as_it_is
        a_dropped_body_drops_the_stream
        layers_within_layers_add_up_and_the_inner_heartbeat_wins
        request_parts_are_gone_before_the_stream_begins
        jitter_shortens_each_silence_anew
    }
    // What only a handler that answers our `Sse` can say.
    ours: {
        a_finite_stream_may_outlive_the_window_but_not_the_deadline
        what_the_stream_says_wins_over_the_layer
        an_event_that_cannot_be_written_is_told_from_a_stream_that_failed
        a_finite_stream_is_known_through_all_layers
    }
}

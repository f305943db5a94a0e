//! The layer behaves alike wherever it stands: the same tests for every form of a handler.

#![allow(clippy::unwrap_used, reason = "a test fails where it panics")]

mod behaviour;
mod form;

use form::Form;

macro_rules! for_every_form {
    ($($behaviour:ident)*) => {
        for_every_form!(@ around_a_service_that_answers_sse, AroundSse, $($behaviour)*);
        for_every_form!(@ on_a_router_over_our_sse, RouterOverSse, $($behaviour)*);
        for_every_form!(@ on_a_router_over_axums_sse, RouterOverAxumSse, $($behaviour)*);
        for_every_form!(@ around_a_hand_written_response, AroundResponse, $($behaviour)*);
    };
    (@ $module:ident, $form:ident, $($behaviour:ident)*) => {
        mod $module {
            use super::{behaviour, Form};

            $(#[tokio::test]
            async fn $behaviour() {
                behaviour::$behaviour(Form::$form).await;
            })*
        }
    };
}

for_every_form! {
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
    a_finite_stream_may_outlive_the_window_but_not_the_deadline
    a_stream_ends_between_four_fifths_and_all_of_its_lifetime
    a_head_request_gets_the_head_and_takes_no_permit
    a_failed_stream_breaks_off_by_default
    a_failed_stream_can_end_as_if_nothing_was
    a_failed_stream_can_end_with_an_event
    what_the_stream_says_wins_over_the_layer
    an_event_that_cannot_be_written_is_told_from_a_stream_that_failed
    what_is_no_stream_passes_as_it_is
    a_dropped_body_drops_the_stream
    layers_within_layers_add_up_and_the_inner_heartbeat_wins
}

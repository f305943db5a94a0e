//! The memory that the hub keeps, within bounds. They are wide: whoever breaks one has added
//! something that a README with figures should tell of.

use allocation_counter::measure;
use sse_benches::footprint;
use tokio::runtime::Builder;

/// As in a server: the hub sweeps, and bodies have timers.
fn bytes(footprint: impl FnOnce(footprint::Count<'_>) -> i64) -> i64 {
    let runtime = Builder::new_current_thread().enable_time().build();
    let runtime = runtime.expect("a runtime");
    let _entered = runtime.enter();
    footprint(&|run| measure(run).bytes_current)
}

#[track_caller]
fn assert_within(bytes: i64, at_most: i64) {
    // One that is far below its bound counts nothing, or is to be told anew.
    assert!(
        (at_most / 4..=at_most).contains(&bytes),
        "{bytes} bytes, {at_most} expected at most"
    );
}

#[test]
fn a_subscription_that_waits_is_small() {
    assert_within(bytes(|count| footprint::subscription(count, 1)), 450);
    assert_within(bytes(|count| footprint::subscription(count, 3)), 900);
}

#[test]
fn a_body_that_waits_is_small() {
    // With the feature `metrics`, as in a build of the whole workspace, each stream is observed.
    assert_within(bytes(footprint::body), 1900);
}

#[test]
fn a_topic_that_is_read_at_once_stays_small() {
    assert_within(bytes(|count| footprint::topic(count, 0)), 1300);
    assert_within(bytes(|count| footprint::topic(count, 200)), 1600);
}

#[test]
fn a_topic_that_keeps_an_event_is_small() {
    assert_within(bytes(|count| footprint::kept(count, 1)), 1100);
}

#[test]
fn an_event_that_is_kept_takes_little_beside_its_bytes() {
    let (few, many) = (1, 128);
    let more = bytes(|count| footprint::kept(count, many) - footprint::kept(count, few));
    assert_within(more / (many - few) as i64, 420);
}

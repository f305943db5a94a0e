//! That memory that is used shows. By itself: other tests in the process would use some too.

use std::hint::black_box;

use sse_benches::measure::Process;

const USED: u64 = 32 << 20;

#[test]
fn memory_that_is_used_shows_and_shows_no_more_when_it_is_given_back() {
    let own = Process::new(std::process::id()).unwrap();
    let before = own.memory().unwrap();
    let used = black_box(vec![1_u8; 32 << 20]);
    let with = own.memory().unwrap();
    drop(used);
    let after = own.memory().unwrap();
    for (before, with, after) in [
        (before.rss, with.rss, after.rss),
        (before.pss, with.pss, after.pss),
    ] {
        assert!(
            (USED..USED + (1 << 20)).contains(&(with - before)),
            "{before} {with}"
        );
        assert!(after < before + (1 << 20), "{before} {after}");
    }
}

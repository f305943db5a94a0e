//! The table of the hub's memory in the README. A program of its own, since counting allocations
//! takes time that others measure.

use allocation_counter::measure;
use sse_benches::{Table, footprint, is_measured};
use tokio::runtime::Builder;

fn main() {
    // As in a server: the hub sweeps, and bodies have timers.
    let runtime = Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime");
    let _entered = runtime.enter();
    let count: footprint::Count<'_> = &|run| measure(run).bytes_current;
    let published = if is_measured() { 10_000 } else { 1 };
    let mut table = Table::new(["What stays taken", "bytes"]);
    for (title, bytes) in [
        ("subscription to a topic", footprint::subscription(count, 1)),
        (
            "subscription to three topics",
            footprint::subscription(count, 3),
        ),
        (
            "body with a subscription to a topic",
            footprint::body(count),
        ),
        ("topic without history", footprint::topic(count, 0)),
        (
            "the same after 10,000 events, all read",
            footprint::topic(count, published),
        ),
        ("topic that keeps one event", footprint::kept(count, 1)),
        (
            "each further event that is kept",
            (footprint::kept(count, 128) - footprint::kept(count, 1)) / 127,
        ),
        (
            "async-broadcast: receiver",
            footprint::async_broadcast_receiver(count),
        ),
        (
            "async-broadcast: queue of 1,024 places",
            footprint::async_broadcast_queue(count),
        ),
        (
            "tokio broadcast: receiver as a stream",
            footprint::tokio_stream(count),
        ),
        (
            "tokio broadcast: 1,024 places",
            footprint::tokio_queue(count),
        ),
    ] {
        table.row([title.to_owned(), bytes.to_string()]);
    }
    print!("{table}");
}

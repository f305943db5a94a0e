//! What is kept, what is given of it, and what is told of the rest.

use std::time::Duration;

use sse_layer::backplane::{Backplane, Bounds, ReadLimit, redis::Redis};

use super::{
    engines,
    node::{ALL, BOUNDS, Node, texts},
};

async fn with(server: &engines::Redis, bounds: Bounds) -> Node {
    let engine = Redis::new(&server.url()).unwrap();
    Node::with(engine, bounds).await.unwrap()
}

#[tokio::test]
async fn no_more_than_so_many_events_are_given_and_the_rest_is_missing() {
    let Some(server) = engines::Redis::start() else {
        return;
    };
    let node = with(
        &server,
        Bounds {
            events: 10,
            ..BOUNDS
        },
    )
    .await;
    let mut places = Vec::new();
    for i in 0..500 {
        places.push(node.publish("a", &i.to_string()).await.sequence);
    }
    let page = node.read("a", 0).await;
    let last: Vec<_> = (490..500).map(|i| i.to_string()).collect();
    assert_eq!(texts(&page), last);
    assert_eq!(page.missing, Some(places[489]));
    assert_eq!(node.read("a", places[488]).await.missing, Some(places[489]));
    assert_eq!(node.read("a", places[489]).await.missing, None);
    assert_eq!(node.texts("a", places[497]).await, ["498", "499"]);
    assert!(node.read("a", places[499]).await.messages.is_empty());
    // It holds some more than it gives, and not without bound.
    let held: usize = server.cli(&["XLEN", "{sse}:topic:a"]).parse().unwrap();
    assert!((10..=210).contains(&held), "{held}");
}

#[tokio::test]
async fn no_more_than_so_many_bytes_are_kept() {
    let Some(server) = engines::Redis::start() else {
        return;
    };
    let node = with(
        &server,
        Bounds {
            bytes: 90,
            ..BOUNDS
        },
    )
    .await;
    let mut places = Vec::new();
    for i in 0..50 {
        places.push(node.publish("a", &format!("{i:030}")).await.sequence);
    }
    let page = node.read("a", 0).await;
    assert_eq!(page.messages.len(), 3);
    assert_eq!(page.missing, Some(places[46]));
    assert_eq!(server.cli(&["XLEN", "{sse}:topic:a"]), "3");
    // One that is larger than all that may be kept takes the place of all, and is not given.
    let large = node.publish("a", &"x".repeat(101)).await.sequence;
    let page = node.read("a", places[49]).await;
    assert_eq!((page.messages.len(), page.missing), (0, Some(large)));
    let small = node.publish("a", "small").await.sequence;
    let page = node.read("a", places[49]).await;
    assert_eq!(
        (texts(&page), page.missing),
        (vec!["small".to_owned()], Some(large))
    );
    assert_eq!(node.read("a", large).await.missing, None);
    assert_eq!(page.messages[0].sequence, small);
}

/// Makes all that Redis has older, as if the time went by. The streams' numbers are times.
fn age(server: &engines::Redis, topic: &str, by: Duration) {
    let script = "local old = redis.call('XRANGE', KEYS[1], '-', '+')
        local ttl = redis.call('PTTL', KEYS[1])
        redis.call('DEL', KEYS[1])
        for _, e in ipairs(old) do
            local f = e[2]
            local function back(n) return n == '0' and n or string.format('%.0f', tonumber(n) - ARGV[1]) end
            redis.call('XADD', KEYS[1], back(e[1]:match('^%d+')) .. '-0', f[1], f[2], f[3], back(f[4]), unpack(f, 5))
        end
        redis.call('PEXPIRE', KEYS[1], ttl - math.floor(ARGV[1] / 1000))
        return ttl";
    let by = by.as_micros().to_string();
    let key = format!("{{sse}}:topic:{topic}");
    server.cli(&["EVAL", script, "1", &key, &by]);
}

#[tokio::test]
async fn what_is_too_old_is_not_given_and_shows_that_it_is_missing() {
    let Some(server) = engines::Redis::start() else {
        return;
    };
    let node = Node::at(&server.url()).await;
    for i in 0..20 {
        node.publish("a", &i.to_string()).await;
    }
    let by = BOUNDS.age + Duration::from_secs(1);
    age(&server, "a", by);
    let old = node.engine.read("a", 0, ALL).await.unwrap();
    assert!(old.messages.is_empty());
    let newest = old.missing.unwrap();
    node.publish("a", "new").await;
    let page = node.read("a", 0).await;
    assert_eq!(
        (texts(&page), page.missing),
        (vec!["new".to_owned()], Some(newest))
    );
    assert_eq!(page.messages[0].previous, newest);
    assert_eq!(node.read("a", newest).await.missing, None);
}

#[tokio::test]
async fn a_topic_that_was_silent_for_long_begins_anew() {
    let Some(server) = engines::Redis::start() else {
        return;
    };
    let node = Node::at(&server.url()).await;
    let first = node.publish("a", "1").await.sequence;
    let ttl: u64 = server.cli(&["PTTL", "{sse}:topic:a"]).parse().unwrap();
    assert!((590_000..=600_000).contains(&ttl), "{ttl}");
    server.cli(&["DEL", "{sse}:topic:a"]);
    // Nobody who has seen the first, or comes from nowhere, has missed anything. Of who comes from
    // long before, nobody can tell.
    let long_before = first - 2 * 300_000_000 - 10_000_000;
    assert_eq!(node.read("a", 0).await.missing, None);
    assert_eq!(node.read("a", first).await.missing, None);
    assert_eq!(node.read("a", long_before).await.missing, Some(first));
    let second = node.publish("a", "2").await.sequence;
    let page = node.read("a", 0).await;
    assert_eq!((page.missing, page.messages[0].previous), (None, 0));
    assert_eq!(node.read("a", first).await.missing, None);
    let page = node.read("a", long_before).await;
    assert_eq!((page.missing, page.messages.len()), (Some(second - 1), 1));
    // Nor is anything missing of a topic that never was.
    assert_eq!(node.read("never", 0).await.missing, None);
    assert_eq!(node.read("never", second).await.missing, None);
}

#[tokio::test]
async fn a_history_that_is_off_gives_nothing_and_tells_what_is_missing() {
    let Some(server) = engines::Redis::start() else {
        return;
    };
    for bounds in [
        Bounds {
            events: 0,
            ..BOUNDS
        },
        Bounds { bytes: 0, ..BOUNDS },
        Bounds {
            age: Duration::ZERO,
            ..BOUNDS
        },
    ] {
        let node = with(&server, bounds).await;
        node.listen("a").await;
        let first = node.publish("a", "1").await.sequence;
        let second = node.publish("a", "2").await.sequence;
        let page = node.read("a", first - 1).await;
        assert_eq!(
            (page.messages.len(), page.missing),
            (0, Some(second)),
            "{bounds:?}"
        );
        assert_eq!(node.read("a", second).await.missing, None);
        let newest = node.engine.newest("a", ALL).await.unwrap();
        assert!(newest.messages.is_empty());
        assert_eq!(node.messages(2).await[1].2.previous, first);
    }
}

#[tokio::test]
async fn a_page_has_its_limits_and_the_next_one_goes_on() {
    let Some(server) = engines::Redis::start() else {
        return;
    };
    let node = Node::at(&server.url()).await;
    for i in 0..700 {
        node.publish("a", &format!("{i:010}")).await;
    }
    let all = node.texts("a", 0).await;
    assert_eq!(all.len(), 700);
    for limit in [
        ReadLimit {
            events: 1,
            bytes: 1 << 20,
        },
        ReadLimit {
            events: 300,
            bytes: 1 << 20,
        },
        ReadLimit {
            events: 700,
            bytes: 100,
        },
        ReadLimit {
            events: 0,
            bytes: 0,
        },
    ] {
        let most = limit.events.min(limit.bytes / 10).max(1);
        let mut read = Vec::new();
        let mut after = 0;
        loop {
            let page = node.engine.read("a", after, limit).await.unwrap();
            assert_eq!(page.missing, None);
            assert!(page.messages.len() <= most, "{limit:?}");
            read.extend(texts(&page));
            assert_eq!(page.has_more, read.len() < 700, "{limit:?}");
            if !page.has_more {
                break;
            }
            after = page.messages.last().unwrap().sequence;
        }
        assert_eq!(read, all, "{limit:?}");
        let newest = node.engine.newest("a", limit).await.unwrap();
        assert_eq!(texts(&newest), all[700 - most..], "{limit:?}");
        assert!(newest.has_more);
    }
    let newest = node.engine.newest("a", ALL).await.unwrap();
    assert_eq!(
        (texts(&newest), newest.has_more, newest.missing),
        (all, false, None)
    );
}

#[tokio::test]
async fn a_place_beyond_all_numbers_has_nothing_behind_it() {
    let Some(server) = engines::Redis::start() else {
        return;
    };
    let node = Node::at(&server.url()).await;
    let place = node.publish("a", "1").await.sequence;
    for after in [place + 1, 1 << 53, u64::MAX] {
        let page = node.read("a", after).await;
        assert!(
            page.messages.is_empty() && page.missing.is_none(),
            "{page:?}"
        );
    }
}

#[tokio::test]
async fn a_publisher_of_a_shorter_age_does_not_take_what_others_still_ask_for() {
    let Some(server) = engines::Redis::start() else {
        return;
    };
    let node = Node::at(&server.url()).await;
    let age = Duration::from_secs(1);
    let hasty = with(&server, Bounds { age, ..BOUNDS }).await;
    let first = node.publish("a", "1").await.sequence;
    hasty.publish("a", "2").await;
    let ttl: u64 = server.cli(&["PTTL", "{sse}:topic:a"]).parse().unwrap();
    assert!((590_000..=600_000).contains(&ttl), "{ttl}");
    assert_eq!(node.texts("a", first).await, ["2"]);
    // One that somebody has told to stay for ever goes as all others do.
    server.cli(&["PERSIST", "{sse}:topic:a"]);
    hasty.publish("a", "3").await;
    let ttl: u64 = server.cli(&["PTTL", "{sse}:topic:a"]).parse().unwrap();
    assert!((1..=2_000).contains(&ttl), "{ttl}");
}

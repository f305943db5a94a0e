//! All clients read the same stream, and see the same.
//!
//! The stream is cut off in the middle of an event, ends, is silent but for heartbeats, ends again,
//! and is stopped with a 204. What a client saw is compared with what was published.

use std::time::Duration;

use serde_json::json;

use crate::{
    browser::Browser,
    crates, node, python,
    script::{FINALE, INTERMISSION, NAMES, Seen},
    server::{For, RETRY, Server},
};

#[tokio::test]
async fn chromium_sees_what_was_published() {
    let server = Server::start(For::Everybody).await;
    let Some(seen) = chromium(&server, "/script").await else {
        return;
    };
    assert_same(&seen, &whole(&server));
    assert_resumed(&server);
}

#[tokio::test]
async fn eventsource_parser_sees_what_was_published() {
    let server = Server::start(For::Everybody).await;
    let Some(seen) = node::parser(&server.url("/script")).await else {
        return;
    };
    assert_same(&seen, &whole(&server));
    assert_resumed(&server);
}

#[tokio::test]
async fn explore() {
    let _ = (INTERMISSION, FINALE);
    for package in ["eventsource", "eventsource-2"] {
        let server = Server::start(For::Everybody).await;
        let seen = node::event_source(package, &server.url("/script")).await.unwrap();
        report(package, &server, &seen);
        let server = Server::start(For::Everybody).await;
        let seen = node::event_source(package, &server.url("/quiet")).await.unwrap();
        println!("QUIET {package} {seen:?} {:?} {:?}", server.visits(), server.waits());
    }
    let server = Server::start(For::Everybody).await;
    let seen = node::parser(&server.url("/script")).await.unwrap();
    report("parser", &server, &seen);
    for audience in [For::Everybody, For::BlankLinesAreEvents] {
        let server = Server::start(audience).await;
        let seen = python::httpx_sse(&server.url("/script")).await.unwrap();
        report("httpx", &server, &seen);
        let server = Server::start(audience).await;
        let seen = python::httpx_sse(&server.url("/quiet")).await.unwrap();
        println!("QUIET httpx {seen:?} {:?} {:?}", server.visits(), server.waits());
    }
    let server = Server::start(For::Everybody).await;
    let seen = crates::eventsource_client(&server.url("/script")).await;
    report("crate", &server, &seen);
    let server = Server::start(For::Everybody).await;
    let seen = crates::eventsource_client(&server.url("/quiet")).await;
    println!("QUIET crate {seen:?} {:?} {:?}", server.visits(), server.waits());
    let server = Server::start(For::Everybody).await;
    let seen = chromium(&server, "/script").await.unwrap();
    report("chromium", &server, &seen);
    let server = Server::start(For::Everybody).await;
    let seen = chromium(&server, "/quiet").await.unwrap();
    println!("QUIET chromium {seen:?} {:?} {:?}", server.visits(), server.waits());
}
fn report(what: &str, server: &Server, seen: &[Seen]) {
    println!("== {what}: {} seen of {}; {:?} {:?}", seen.len(), whole(server).len(), server.visits().iter().map(|v| v.last_event_id.clone()).collect::<Vec<_>>(), server.waits());
    for seen in seen { println!("   {} {} {:.60?}", seen.id, seen.event, seen.data.chars().take(40).collect::<String>()); }
}

/// What there is to see of the stream that has everything.
fn whole(server: &Server) -> Vec<Seen> {
    let mut whole = server.published();
    let last = whole.last().unwrap().id.clone();
    whole.push(Seen {
        event: "note".to_owned(),
        data: "has no id".to_owned(),
        id: last,
    });
    whole
}

/// What Chromium's `EventSource` sees of a stream until it is stopped.
async fn chromium(server: &Server, path: &str) -> Option<Vec<Seen>> {
    const READ: &str = "
        const [path, names, done] = arguments;
        const source = new EventSource(path);
        const seen = [];
        for (const name of names) {
          source.addEventListener(name, ({ type, data, lastEventId }) => {
            seen.push({ event: type, data, id: lastEventId });
          });
        }
        source.onerror = () => source.readyState === EventSource.CLOSED && done(seen);
    ";
    let browser = Browser::start().await?;
    browser.open(&server.url).await;
    let seen = browser.run_to_its_end(READ, vec![json!(path), json!(NAMES)]).await;
    browser.close().await;
    Some(serde_json::from_value(seen).unwrap())
}

/// The client saw all of it, in order, nothing twice and nothing else.
#[track_caller]
fn assert_same(seen: &[Seen], expected: &[Seen]) {
    for (nth, (seen, expected)) in seen.iter().zip(expected).enumerate() {
        // Not `assert_eq!`, which would show all of what is long.
        assert!(seen == expected, "event {nth}: {:.300}\nexpected: {:.300}", format!("{seen:?}"), format!("{expected:?}"));
    }
    assert_eq!(seen.len(), expected.len());
}

/// It came back each time with the id of the last event that it had seen, and not before it was
/// told to.
#[track_caller]
fn assert_resumed(server: &Server) {
    let published = server.published();
    let nth = |name: &str| published.iter().position(|event| event.event == name).unwrap();
    let id = |nth: usize| Some(published[nth].id.clone());
    let visits = server.visits();
    let ids: Vec<_> = visits.into_iter().map(|visit| visit.last_event_id).collect();
    let expected = [None, id(nth("cut") - 1), id(nth(INTERMISSION)), id(nth(FINALE))];
    assert_eq!(ids, expected);
    for wait in server.waits() {
        assert!(wait >= RETRY && wait < Duration::from_secs(1), "{wait:?}");
    }
}

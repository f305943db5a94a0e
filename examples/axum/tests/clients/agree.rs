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
async fn nodes_eventsource_loses_the_id_where_an_event_has_none() {
    let server = Server::start(For::Everybody).await;
    let Some(mut seen) = node::event_source("eventsource", &server.url("/script")).await else {
        return;
    };
    // The standard says that the last event id stays as it was ("Set the last event ID string of
    // the event source to the value of the last event ID buffer", HTML 9.2.6). This package takes
    // the event's own (`lastEventId: event.id || ""`). A server need not care: the package still
    // reconnects with the right one. A page should not compare ids that are empty.
    let expected = whole(&server);
    assert_eq!((&*seen[18].event, &*seen[18].id), ("note", ""));
    seen[18].id.clone_from(&expected[18].id);
    assert_same(&seen, &expected);
    assert_resumed(&server);
}

#[tokio::test]
async fn version_2_of_nodes_eventsource_loses_an_event_that_was_cut_off() {
    let server = Server::start(For::Everybody).await;
    let Some(seen) = node::event_source("eventsource-2", &server.url("/script")).await else {
        return;
    };
    // It takes an id as soon as the line is there, where the standard waits for the end of the
    // event, and goes on with half an event on the next connection: so what is cut off by the
    // network in mid-event is lost, and its beginning found in the next event. No server can help
    // that, other than by never ending a stream within an event, as ours does not.
    let mut expected = whole(&server);
    let cut = position(&expected, "cut");
    expected.remove(cut);
    expected[cut].event = "cut".to_owned();
    expected[cut].data.insert_str(0, "a whole line\n");
    assert_same(&seen, &expected);
    let of_the_cut = server.published()[cut].id.clone();
    assert_eq!(ids(&server)[1], Some(of_the_cut));
    assert_waited(&server, RETRY);
}

#[tokio::test]
async fn httpx_sse_takes_heartbeats_for_events() {
    let server = Server::start(For::Everybody).await;
    let Some(seen) = python::httpx_sse(&server.url("/script")).await else {
        return;
    };
    // Behind the first id, each blank line is an event to it (`SSEDecoder.decode` returns nothing
    // only `if ... not self._last_event_id`, which is never emptied), which the standard does not
    // dispatch: "If the data buffer is an empty string, set the data buffer and the event type
    // buffer to the empty string and return" (HTML 9.2.6).
    let mut expected = whole(&server);
    let finale = position(&expected, FINALE);
    let phantom = Seen {
        event: "message".to_owned(),
        data: String::new(),
        id: expected[finale - 1].id.clone(),
    };
    let phantoms = seen.len() - expected.len();
    assert!(phantoms >= 2, "one for each heartbeat");
    expected.splice(finale..finale, vec![phantom; phantoms]);
    assert_same(&seen, &expected);
    assert_resumed(&server);
}

#[tokio::test]
async fn httpx_sse_sees_what_was_published_if_heartbeats_are_bare_lines() {
    let server = Server::start(For::BlankLinesAreEvents).await;
    let Some(seen) = python::httpx_sse(&server.url("/script")).await else {
        return;
    };
    assert_same(&seen, &whole(&server));
    assert_resumed(&server);
}

#[tokio::test]
async fn eventsource_client_sees_what_was_published() {
    let server = Server::start(For::Everybody).await;
    let seen = crates::eventsource_client(&server.url("/script"), 1).await;
    assert_same(&seen, &whole(&server));
    assert_eq!(ids(&server), resumed(&server));
    // It comes back after half the time at least, at random.
    assert_waited(&server, RETRY / 2);
}

#[tokio::test]
async fn eventsource_client_comes_back_after_it_was_stopped() {
    let server = Server::start(For::Everybody).await;
    crates::eventsource_client(&server.url("/quiet"), 3).await;
    // To it a 204 is a success, whose stream ends (`resp.status().is_success()` in its `client.rs`),
    // where the standard has it fail for good (HTML 9.2.3). Only its user can stop it, so a server
    // does well to say in a last event that there is no more.
    assert_eq!(server.visits().len(), 2 + 3);
}

#[tokio::test]
async fn chromium_resumes_after_an_id_before_the_first_event() {
    let server = Server::start(For::Everybody).await;
    let Some(seen) = chromium(&server, "/quiet").await else {
        return;
    };
    assert_same(&seen, &since(&server, "missed"));
}

#[tokio::test]
async fn version_2_of_nodes_eventsource_resumes_after_an_id_before_the_first_event() {
    let server = Server::start(For::Everybody).await;
    let Some(seen) = node::event_source("eventsource-2", &server.url("/quiet")).await else {
        return;
    };
    assert_same(&seen, &since(&server, "missed"));
}

#[tokio::test]
async fn httpx_sse_resumes_after_an_id_before_the_first_event_which_is_an_event_to_it() {
    let server = Server::start(For::Everybody).await;
    let Some(seen) = python::httpx_sse(&server.url("/quiet")).await else {
        return;
    };
    assert_eq!((&*seen[0].event, &*seen[0].data), ("message", ""));
    assert_same(&seen[1..], &since(&server, "missed"));
}

// These let go of an id whose event has no data, and come back without one: whoever has not had an
// event yet starts anew. Where that must not be, a stream has to begin with an event that has data.

#[tokio::test]
async fn nodes_eventsource_forgets_an_id_before_the_first_event() {
    let server = Server::start(For::Everybody).await;
    let Some(seen) = node::event_source("eventsource", &server.url("/quiet")).await else {
        return;
    };
    assert_same(&seen, &since(&server, FINALE));
}

#[tokio::test]
async fn eventsource_client_forgets_an_id_before_the_first_event() {
    let server = Server::start(For::Everybody).await;
    let seen = crates::eventsource_client(&server.url("/quiet"), 1).await;
    assert_same(&seen, &since(&server, FINALE));
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
    let seen = browser
        .run_to_its_end(READ, vec![json!(path), json!(NAMES)])
        .await;
    browser.close().await;
    Some(serde_json::from_value(seen).unwrap())
}

/// The client saw all of it, in order, nothing twice and nothing else.
#[track_caller]
fn assert_same(seen: &[Seen], expected: &[Seen]) {
    for (nth, (seen, expected)) in seen.iter().zip(expected).enumerate() {
        // Not `assert_eq!`, which would show all of what is long.
        assert!(
            seen == expected,
            "event {nth}: {:.300}\nexpected: {:.300}",
            format!("{seen:?}"),
            format!("{expected:?}")
        );
    }
    assert_eq!(seen.len(), expected.len());
}

/// What was published from this event on.
fn since(server: &Server, name: &str) -> Vec<Seen> {
    let published = server.published();
    published[position(&published, name)..].to_vec()
}

#[track_caller]
fn position(events: &[Seen], name: &str) -> usize {
    let mut names = events.iter().map(|event| &*event.event);
    names.position(|event| event == name).unwrap()
}

/// It came back each time with the id of the last event that it had seen, and not before it was
/// told to.
#[track_caller]
fn assert_resumed(server: &Server) {
    assert_eq!(ids(server), resumed(server));
    assert_waited(server, RETRY);
}

/// With which ids the client came.
fn ids(server: &Server) -> Vec<Option<String>> {
    let visits = server.visits().into_iter();
    visits.map(|visit| visit.last_event_id).collect()
}

/// With which ids a client comes that has seen all.
fn resumed(server: &Server) -> [Option<String>; 4] {
    let published = server.published();
    let id = |nth: usize| Some(published[nth].id.clone());
    let [cut, intermission, finale] =
        ["cut", INTERMISSION, FINALE].map(|name| position(&published, name));
    [None, id(cut - 1), id(intermission), id(finale)]
}

/// It came back when it was told to: later than those would that wait for a second by themselves,
/// and sooner than those that wait for three.
#[track_caller]
fn assert_waited(server: &Server, at_least: Duration) {
    for wait in server.waits() {
        assert!(
            wait >= at_least && wait < Duration::from_millis(2900),
            "{wait:?}"
        );
    }
}

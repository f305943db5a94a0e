//! What happens to Redis alone.

use super::*;

#[tokio::test]
async fn an_engine_whose_scripts_are_flushed_goes_on() {
    let Some(server) = Redis::start() else { return };
    let (one, two) = (server.node().await, server.node().await);
    let first = publish(&one, "news", 0).await;
    assert_eq!(server.cli(&["SCRIPT", "FLUSH"]), "OK");
    publish(&one, "news", 1).await;
    assert_eq!(server.cli(&["SCRIPT", "FLUSH"]), "OK");
    let mut client = two.subscribe("news").unwrap().after(first).deliveries();
    assert_eq!(told(&mut client, 1).await, ["1"]);
    assert_eq!(server.cli(&["SCRIPT", "FLUSH"]), "OK");
    publish(&one, "news", 2).await;
    assert_eq!(told(&mut client, 1).await, ["2"]);
}

#[tokio::test]
async fn an_engine_without_memory_refuses_what_is_published_and_streams_go_on() {
    let Some(server) = Redis::start() else { return };
    let (one, two) = (server.node().await, server.node().await);
    let mut client = opened(two.subscribe("news").unwrap()).await;
    publish(&one, "news", "before").await;
    assert_eq!(server.cli(&["CONFIG", "SET", "maxmemory", "1"]), "OK");
    let refused = one.publish("news", Event::text("refused")).await;
    let Err(PublishError::Refused(error)) = refused else {
        panic!("{refused:?}");
    };
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("OOM"), "{source}");
    // Who comes back is served from what there is.
    let mut back = one.subscribe("news").unwrap().from_the_first().deliveries();
    assert_eq!(told(&mut back, 1).await, ["before"]);
    assert_eq!(server.cli(&["CONFIG", "SET", "maxmemory", "0"]), "OK");
    publish(&one, "news", "after").await;
    assert_eq!(told(&mut client, 2).await, ["before", "after"]);
    assert_eq!(told(&mut back, 1).await, ["after"]);
}

#[tokio::test]
async fn something_else_in_the_place_of_a_topic_fails_that_topic_and_no_other() {
    let Some(server) = Redis::start() else { return };
    let hub = server.node().await;
    publish(&hub, "news", "a").await;
    let keys = server.cli(&["KEYS", "*news*"]);
    server.cli(&["DEL", &keys]);
    server.cli(&["SET", &keys, "something else"]);
    let refused = hub.publish("news", Event::text("b")).await;
    assert!(
        matches!(refused, Err(PublishError::Refused(_))),
        "{refused:?}"
    );
    let mut client = opened(hub.subscribe("other").unwrap()).await;
    publish(&hub, "other", "c").await;
    assert_eq!(told(&mut client, 1).await, ["c"]);
    // A client that wants its history waits until it can be read.
    let waits = hub.subscribe("news").unwrap().from_the_first();
    server.cli(&["DEL", &keys]);
    publish(&hub, "news", "d").await;
    assert_eq!(told(&mut waits.deliveries(), 1).await, ["d"]);
}

#[tokio::test]
async fn whoever_is_not_let_in_is_told_at_once_and_without_the_password() {
    let Some(server) = Redis::start_with(&["--requirepass", "s3cr3t"]) else {
        return;
    };
    let addr = Server::addr(&server);
    for url in [format!("redis://{addr}"), format!("redis://:wr0ng@{addr}")] {
        let error = Hub::connect(&url).await.unwrap_err();
        let mut text = format!("{error} {error:?}");
        let mut source = std::error::Error::source(&error);
        while let Some(error) = source {
            text += &format!(" {error}");
            source = error.source();
        }
        assert!(!text.contains("wr0ng"), "{text}");
        assert!(
            text.contains("NOAUTH") || text.contains("WRONGPASS"),
            "{text}"
        );
    }
    let hub = Hub::connect(&format!("redis://:s3cr3t@{addr}"))
        .await
        .unwrap();
    publish(&hub, "news", "a").await;
}

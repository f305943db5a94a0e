//! What holds for both engines.

use std::time::Instant;

use super::{engines::proxy::Proxy, *};

macro_rules! on_both {
    ($($test:ident),* $(,)?) => {
        mod on_redis {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    if let Some(server) = super::Redis::start() {
                        super::$test(server).await;
                    }
                }
            )*
        }

        mod on_nats {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    if let Some(server) = super::Nats::start() {
                        super::$test(server).await;
                    }
                }
            )*
        }
    };
}

on_both!(
    a_client_of_one_node_goes_on_at_another_with_nothing_lost_or_doubled,
    an_engine_that_is_killed_and_comes_back_with_its_data_costs_nothing,
    an_engine_that_comes_back_without_its_data_is_told_as_an_outage,
    a_node_that_is_cut_off_catches_up_with_what_the_others_published,
    what_the_history_has_lost_while_a_node_was_cut_off_is_told_at_its_place,
    an_engine_that_stops_answering_fails_publishing_and_loses_nothing,
    clients_of_several_topics_get_them_in_the_order_of_ids_through_cuts,
    a_node_that_can_not_reach_its_engine_asks_less_and_less_often,
    what_is_there_to_begin_with_is_the_engines,
);

async fn a_client_of_one_node_goes_on_at_another_with_nothing_lost_or_doubled(server: impl Server) {
    let (one, two) = (server.node().await, server.node().await);
    let mut client = opened(one.subscribe("news").unwrap()).await;
    let mut ids = Vec::new();
    for n in 0..500 {
        ids.push(publish(&two, "news", n).await);
    }
    assert_eq!(told(&mut client, 500).await, numbers(0..500));
    for seen in [0, 250, 498] {
        let back = two.subscribe("news").unwrap().after(ids[seen].clone());
        let missed = numbers(seen + 1..500);
        assert_eq!(told(&mut back.deliveries(), missed.len()).await, missed);
    }
    assert_eq!(one.stats().gaps + two.stats().gaps, 0);
}

async fn an_engine_that_is_killed_and_comes_back_with_its_data_costs_nothing(
    mut server: impl Server,
) {
    let (one, two) = (server.node().await, server.node().await);
    let mut client = opened(two.subscribe("news").unwrap()).await;
    let mut behind = opened(two.subscribe("news").unwrap()).await;
    for n in 0..100 {
        publish(&one, "news", n).await;
    }
    assert_eq!(told(&mut client, 100).await, numbers(0..100));
    server.kill();
    until_connected(&two, false).await;
    until_connected(&one, false).await;
    let failed = one.publish("news", Event::text("lost")).await;
    assert!(
        matches!(failed, Err(PublishError::Unavailable(_))),
        "{failed:?}"
    );
    // Who comes now is served when it is back.
    let mut late = two.subscribe("other").unwrap().deliveries();
    server.run();
    for n in 100..200 {
        publish_at_last(&one, "news", n).await;
    }
    assert_eq!(told(&mut client, 100).await, numbers(100..200));
    assert_eq!(told(&mut behind, 200).await, numbers(0..200));
    assert_eq!(told(&mut late, 1).await, ["at"]);
    assert_eq!(two.stats().gaps, 0);
}

async fn an_engine_that_comes_back_without_its_data_is_told_as_an_outage(mut server: impl Server) {
    let (one, two) = (server.node().await, server.node().await);
    let mut client = opened(two.subscribe("news").unwrap()).await;
    let old = publish(&one, "news", "before").await;
    assert_eq!(told(&mut client, 1).await, ["before"]);
    server.kill();
    server.lose_data();
    server.run();
    let new = publish_at_last(&one, "news", "after").await;
    assert_eq!(told(&mut client, 2).await, ["gap outage", "after"]);
    publish_at_last(&two, "news", "next").await;
    assert_eq!(told(&mut client, 1).await, ["next"]);
    // On any node an id from before is a stranger's, and one from after is known.
    let mut stranger = one.subscribe("news").unwrap().after(old).deliveries();
    let all = ["gap foreign", "after", "next"];
    assert_eq!(told(&mut stranger, 3).await, all);
    let mut back = one.subscribe("news").unwrap().after(new).deliveries();
    assert_eq!(told(&mut back, 1).await, ["next"]);
}

async fn a_node_that_is_cut_off_catches_up_with_what_the_others_published<S>(server: S)
where
    S: Server,
{
    let proxy = Proxy::to(server.addr());
    let one = server.node().await;
    let engine = S::engine(proxy.addr());
    let two = Hub::builder().backplane(engine).await.unwrap();
    let mut client = opened(two.subscribe("news").unwrap()).await;
    let mut from = 0;
    for round in 1..=5 {
        proxy.refuse();
        proxy.cut();
        until_connected(&two, false).await;
        for n in from..from + 150 * round {
            publish(&one, "news", n).await;
        }
        proxy.accept();
        let to = from + 150 * round;
        assert_eq!(told(&mut client, to - from).await, numbers(from..to));
        from = to;
        until_connected(&two, true).await;
        // And live again.
        publish(&one, "news", from).await;
        assert_eq!(told(&mut client, 1).await, [from.to_string()]);
        from += 1;
    }
    assert_eq!(two.stats().gaps, 0);
    assert_eq!(two.stats().engine.unwrap().outages, 5);
}

async fn what_the_history_has_lost_while_a_node_was_cut_off_is_told_at_its_place<S>(server: S)
where
    S: Server,
{
    let history = sse_layer::hub::History::new().events(10);
    let builder = Hub::builder().history(history);
    let proxy = Proxy::to(server.addr());
    let one = server.node_with(builder.clone()).await;
    let two = builder.backplane(S::engine(proxy.addr())).await.unwrap();
    let mut client = opened(two.subscribe("news").unwrap()).await;
    publish(&one, "news", "before").await;
    assert_eq!(told(&mut client, 1).await, ["before"]);
    proxy.refuse();
    proxy.cut();
    until_connected(&two, false).await;
    for n in 0..300 {
        publish(&one, "news", n).await;
    }
    proxy.accept();
    let missed = [vec!["gap outage".to_owned()], numbers(290..300)].concat();
    assert_eq!(told(&mut client, 11).await, missed);
    publish(&one, "news", "after").await;
    assert_eq!(told(&mut client, 1).await, ["after"]);
    assert_eq!(two.stats().gaps, 1);
}

async fn an_engine_that_stops_answering_fails_publishing_and_loses_nothing(server: impl Server) {
    let (one, two) = (server.node().await, server.node().await);
    let mut client = opened(two.subscribe("news").unwrap()).await;
    publish(&one, "news", "before").await;
    assert_eq!(told(&mut client, 1).await, ["before"]);
    server.freeze();
    let begun = Instant::now();
    let failed = one.publish("news", Event::text("a")).key("a").await;
    let is_unclear = matches!(
        failed,
        Err(PublishError::Unknown(_) | PublishError::Unavailable(_))
    );
    assert!(is_unclear, "{failed:?}");
    assert!(begun.elapsed() < 20 * TIMEOUT);
    until_connected(&two, false).await;
    server.thaw();
    let mut attempts = 0;
    while one
        .publish("news", Event::text("a"))
        .key("a")
        .await
        .is_err()
    {
        attempts += 1;
        assert!(attempts < 1000);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    publish_at_last(&one, "news", "b").await;
    assert_eq!(told(&mut client, 2).await, ["a", "b"]);
    assert_eq!(two.stats().gaps, 0);
}

async fn clients_of_several_topics_get_them_in_the_order_of_ids_through_cuts<S>(server: S)
where
    S: Server,
{
    let proxy = Proxy::to(server.addr());
    let one = server.node().await;
    let two = Hub::builder()
        .backplane(S::engine(proxy.addr()))
        .await
        .unwrap();
    let topics = ["a", "b", "c"];
    let mut client = opened(two.subscribe_many(topics).unwrap()).await;
    let publisher = async {
        let mut ids = Vec::new();
        for n in 0..3000 {
            ids.push(publish(&one, topics[n % 3], n).await);
            if n % 500 == 250 {
                proxy.cut();
            }
        }
        ids
    };
    let reader = async {
        let mut ids = Vec::new();
        while ids.len() < 3000 {
            let next = tokio::time::timeout(BOUND, client.next()).await;
            match next.unwrap_or_else(|_| panic!("nothing comes after {}", ids.len())) {
                Some(Delivery::Message(message)) => ids.push(message.id()),
                Some(Delivery::Position(_)) => {}
                other => panic!("{other:?}"),
            }
        }
        ids
    };
    let (published, got) = tokio::join!(publisher, reader);
    assert!(published == got, "lost, doubled or out of order");
}

async fn a_node_that_can_not_reach_its_engine_asks_less_and_less_often<S>(server: S)
where
    S: Server,
{
    let proxy = Proxy::to(server.addr());
    let hub = Hub::builder()
        .backplane(S::engine(proxy.addr()))
        .await
        .unwrap();
    let mut client = opened(hub.subscribe("news").unwrap()).await;
    proxy.refuse();
    proxy.cut();
    until_connected(&hub, false).await;
    let begun = Instant::now();
    let before = proxy.refused();
    proxy.until_refused(before + 5);
    // 100 ms, 200, 400, 800: half of each at least.
    let least = Duration::from_millis(300);
    assert!(begun.elapsed() > least, "{:?}", begun.elapsed());
    proxy.accept();
    until_connected(&hub, true).await;
    publish_at_last(&hub, "news", "a").await;
    assert_eq!(told(&mut client, 1).await, ["a"]);
}

async fn what_is_there_to_begin_with_is_the_engines(server: impl Server) {
    let (one, two) = (server.node().await, server.node().await);
    for n in 0..20 {
        publish(&one, "news", n).await;
    }
    let mut recent = two.subscribe("news").unwrap().recent(3).deliveries();
    assert_eq!(told(&mut recent, 3).await, numbers(17..20));
    let mut all = two.subscribe("news").unwrap().from_the_first().deliveries();
    assert_eq!(told(&mut all, 20).await, numbers(0..20));
    let newest = two.newest("news").await.unwrap().unwrap();
    assert_eq!(newest.data().unwrap(), "19");
}

use example_tonic_web::{
    app,
    proto::{Price, WatchRequest},
};
use sse_testkit::{EventStream, grpc_web::GrpcWebStream};
use tokio::net::TcpListener;

use crate::{WATCH, config, grpc, grpc_web, json, new_app, path_of, sse, watch};

fn three_prices_of_two() -> WatchRequest {
    WatchRequest {
        count: Some(3),
        interval_ms: Some(500),
        ..watch(&["ACME", "INIT"])
    }
}

async fn sent_as_events(sse: &mut EventStream) -> Vec<String> {
    let events = sse.collect_to_end().await;
    assert!(events.iter().all(|event| event.event == "price"));
    events.into_iter().map(|event| event.data).collect()
}

async fn sent_as_messages(grpc: &mut GrpcWebStream) -> Vec<String> {
    let messages = grpc.collect_to_end().await;
    messages
        .iter()
        .map(|message| json(&message.decode()))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn event_stream_and_grpc_web_carry_the_same_messages_at_the_same_times() {
    let request = three_prices_of_two();
    // Each with an app of its own, whose clock begins with the call.
    let mut sse = sse(&new_app(), &request).await;
    let events = sent_as_events(&mut sse).await;
    let mut grpc = grpc_web(&new_app(), &request).await;
    let messages = sent_as_messages(&mut grpc).await;

    assert_eq!(events.len(), 6);
    assert_eq!(events, messages);
    insta::assert_snapshot!(format!(
        "{}\n{}",
        sse.transcript(),
        grpc.transcript().messages_as_json::<Price>()
    ));
}

#[tokio::test(start_paused = true)]
async fn so_do_grpc_itself_and_grpc_web_as_text() {
    let request = three_prices_of_two();
    let events = sent_as_events(&mut sse(&new_app(), &request).await).await;

    let mut text = grpc_web(&new_app(), &request).text().await;
    text.expect_status(200)
        .expect_header("content-type", "application/grpc-web-text+proto");
    assert_eq!(sent_as_messages(&mut text).await, events);

    let mut stream = grpc(&new_app()).watch(request).await.unwrap().into_inner();
    let mut messages = Vec::new();
    while let Some(price) = stream.message().await.unwrap() {
        messages.push(json(&price));
    }
    assert_eq!(messages, events);
}

#[tokio::test(start_paused = true)]
async fn who_comes_later_gets_the_price_of_the_last_tick_and_the_next_one_with_all_others() {
    let app = new_app();
    let mut early = sse(&app, &watch(&["ACME"])).await;
    let first = early.expect_event("price").await.data;
    tokio::time::advance(crate::millis(700)).await;

    let mut late = grpc_web(&app, &watch(&["ACME"])).await;
    let price: Price = late.expect_message().await.decode();
    assert_eq!(json(&price), first);
    let next = early.expect_event("price").await.data;
    let price: Price = late
        .expect_message()
        .within(crate::millis(300))
        .await
        .decode();
    assert_eq!(json(&price), next);
}

#[tokio::test]
async fn so_it_is_over_sockets_on_http_1_and_http_2() {
    // One price each, that of the first minute of the app, in which the test is over.
    let request = WatchRequest {
        count: Some(1),
        interval_ms: Some(60_000),
        ..watch(&["ACME", "GLOBEX", "HOOLI", "INIT", "UMBRELLA"])
    };
    let app = app(config());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });

    let endpoint = tonic::transport::Endpoint::new(url.clone()).unwrap();
    let mut client = example_tonic_web::proto::prices_client::PricesClient::new(
        endpoint.connect().await.unwrap(),
    );
    let mut stream = client.watch(request.clone()).await.unwrap().into_inner();
    let mut expected = Vec::new();
    while let Some(price) = stream.message().await.unwrap() {
        expected.push(json(&price));
    }
    assert_eq!(expected.len(), 5);

    let events = || sse_testkit::connect(format!("{url}{}", path_of(&request)));
    let messages = || sse_testkit::grpc_web::connect(format!("{url}{WATCH}")).message(&request);
    for mut sse in [events().await, events().http2().await] {
        assert_eq!(sent_as_events(&mut sse).await, expected);
    }
    for mut grpc in [
        messages().await,
        messages().http2().await,
        messages().text().await,
        messages().text().http2().await,
    ] {
        assert_eq!(sent_as_messages(&mut grpc).await, expected);
    }
}
